//! Panels, keepers and drivers that end, in order or not.
use crate::support::{self, House, TestPanel, WITHIN, cell, try_connect, until};
use rtt_control::panel::{Outcome, Request, What};
use std::time::Instant;

pub fn panel_dies() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    panel.acknowledges = false;
    panel.start("a.1", "good");
    let first = panel.generation;
    let inventory = panel.inventory();
    drop(panel);
    // Drivers go on: the same process is there for the next panel.
    let mut next = TestPanel::attach(&house);
    assert_eq!(next.generation, first + 1);
    assert_eq!(next.inventory().instances[0].pid, inventory.instances[0].pid);
    let mut seen = Vec::new();
    while let Some(event) = next.events.pop_front() {
        seen.push(event);
    }
    let kinds: Vec<bool> = seen.iter().map(|event| matches!(event.what, What::Hello { .. })).collect();
    assert_eq!(kinds.first(), Some(&true), "the first event is redelivered: {seen:?}");
    assert!(seen.iter().any(|event| event.what == What::Parked), "{seen:?}");
    assert!(seen.is_sorted_by_key(|event| event.seq));
    // What was acknowledged is not told again.
    next.done(Request::Acknowledge { seq: seen.last().expect("events").seq });
    drop(next);
    let mut third = TestPanel::attach(&house);
    third.inventory();
    assert!(third.events.is_empty(), "{:?}", third.events);
}

pub fn keeper_dies() {
    let mut house = House::new();
    let mut panel = TestPanel::attach(&house);
    panel.start("a.1", "good");
    panel.start("b.1", "stubborn");
    let pids: Vec<i32> = panel.inventory().instances.iter().map(|fact| fact.pid).collect();
    assert!(pids.iter().all(|pid| exists(*pid)), "{pids:?}");
    house.kill();
    until("drivers end with their keeper", || !pids.iter().any(|pid| exists(*pid)));
    drop(panel);
    house.restart();
    let mut panel = TestPanel::attach(&house);
    assert!(panel.inventory().instances.is_empty());
    panel.start("a.2", "good");
}

fn exists(pid: i32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

pub fn shutdown() {
    let mut house = House::new();
    let mut panel = TestPanel::attach(&house);
    for (order, name) in [(2, "first.1"), (9, "last.1"), (5, "middle.1")] {
        let mut spec = cell(name, "good");
        spec.stop_order = order;
        panel.done(Request::Spawn { cell: Box::new(spec) });
        panel.event(name, |what| *what == What::Parked);
    }
    panel.done(Request::Shutdown {});
    let ended: Vec<String> = (0..3)
        .map(|_| {
            loop {
                if let rtt_control::panel::KeeperToPanel::Event(event) = next_message(&panel)
                    && matches!(event.what, What::Exited { .. })
                {
                    break event.instance;
                }
            }
        })
        .collect();
    assert_eq!(ended, ["first.1", "middle.1", "last.1"]);
    assert!(house.keeper.wait().expect("its end").success());
    assert!(!house.run().join("keeper.sock").exists());
}

fn next_message(panel: &TestPanel) -> rtt_control::panel::KeeperToPanel {
    support::readable(&panel.socket);
    let packet = rtt_control::packet::receive(&panel.socket, rtt_control::packet::Mode::Wait).expect("a packet");
    rtt_control::panel::KeeperToPanel::from_bytes(&packet.bytes).expect("a message")
}

pub fn alone() {
    let mut house = House::new();
    let mut panel = TestPanel::attach(&house);
    panel.done(Request::Configure { no_panel_for_ns: 200_000_000, log_bytes: 1 << 20 });
    panel.start("a.1", "good");
    let pid = panel.inventory().instances[0].pid;
    drop(panel);
    let begun = Instant::now();
    assert!(house.keeper.wait().expect("its end").success());
    assert!(begun.elapsed().as_millis() >= 150 && begun.elapsed() < WITHIN);
    assert!(!exists(pid));
}

pub fn stubborn() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    panel.start("a.1", "stubborn");
    let begun = Instant::now();
    panel.done(Request::Stop { instance: "a.1".to_owned(), within_ns: 200_000_000 });
    assert_eq!(panel.exited("a.1"), -9);
    assert!((150..2_000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    // One that says nothing at all gets its SIGTERM at once.
    panel.done(Request::Spawn { cell: Box::new(cell("b.1", "silent")) });
    while panel.inventory().instances.iter().all(|fact| fact.pid == 0) {
        assert!(begun.elapsed() < WITHIN, "it is not started");
    }
    panel.done(Request::Stop { instance: "b.1".to_owned(), within_ns: 5_000_000_000 });
    assert_eq!(panel.exited("b.1"), -15);
}

pub fn fencing() {
    let house = House::new();
    let mut old = TestPanel::attach(&house);
    let mut new = TestPanel::attach(&house);
    assert_eq!(new.generation, old.generation + 1);
    // The old one's connection is closed: nothing of it is done.
    let late = rtt_control::packet::receive(&old.socket, rtt_control::packet::Mode::Wait);
    assert!(late.is_err_and(|error| error.is_closed()));
    old.generation = 0;
    new.generation -= 1;
    assert_eq!(new.refused(Request::Inventory {}), "keeper.generation");
    new.generation += 1;
    new.inventory();

    let mut stranger = TestPanel::connect(&house);
    assert_eq!(stranger.refused(Request::Attach { protocol: 99, panel: String::new() }), "keeper.protocol");
    let mut stranger = TestPanel::connect(&house);
    assert_eq!(stranger.refused(Request::Shutdown {}), "keeper.notAttached");
    let noise = try_connect(&house).expect("a connection");
    // SAFETY: the buffer is a literal of that length.
    unsafe { libc::send(std::os::fd::AsRawFd::as_raw_fd(&noise), [7_u8; 64].as_ptr().cast(), 64, 0) };
    assert!(matches!(new.ask(Request::Inventory {}), Outcome::Done { .. }));
    // A second keeper on the same folder finds the lock taken.
    assert!(
        rustix::fs::flock(
            std::fs::File::open(house.run().join("keeper.lock")).expect("the lock"),
            rustix::fs::FlockOperation::NonBlockingLockExclusive
        )
        .is_err()
    );
}
