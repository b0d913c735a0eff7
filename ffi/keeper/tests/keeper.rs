//! A panel, a real keeper and real drivers in their cells: what each may rely on, and what comes of those who do wrong.
//!
//! The drivers are this program too (`play`). As root, everything is done twice, the second time as an ordinary user.
mod play;
mod support;

use rtt_control::limits::PROTOCOL;
use rtt_control::panel::{InstanceState, Outcome, Request, What};
use std::time::Instant;
use support::{House, TestPanel, WITHIN, cell, one_lane, try_connect, until};

fn main() {
    let mut arguments = std::env::args();
    match (arguments.next().as_deref(), arguments.next().as_deref()) {
        (Some("rtt-drivers"), Some(name)) => play::run(name),
        (_, Some("--list")) => println!("keeper: test"),
        _ => as_each_user(),
    }
}

type Case = (&'static str, fn());

const CASES: &[Case] = &[
    ("from spawn to settle", life),
    ("a flip back", flip_back),
    ("what is discarded is gone, and its epochs stay used", discard),
    ("a killed panel: the next one hears what nobody acknowledged", panel_dies),
    ("a killed keeper leaves no process and frees its lock", keeper_dies),
    ("shutdown ends drivers in order", shutdown),
    ("no panel for too long ends everything", alone),
    ("drivers that talk nonsense fail alone", nonsense),
    ("a driver that touches its region's seals or blocks is refused", touched),
    ("a driver that exits in prepare, or never answers", prepare_fails),
    ("tokens open what they name, and only with a panel", tokens),
    ("a stubborn driver is killed in time", stubborn),
    ("output is kept below its bound", output),
    ("a dead producer's lane is attested", dead_producer),
    ("requests that make no sense are refused with a code", refusals),
    ("old panels, strangers and other protocols", fencing),
];

/// As we are, and if that is root, once more as an ordinary user in a process of its own.
fn as_each_user() {
    const NOBODY: u32 = 65_534;
    // SAFETY: takes nothing.
    let root = unsafe { libc::geteuid() } == 0;
    all();
    if root {
        // SAFETY: this process has one thread.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            // SAFETY: no pointer but that of an empty list is passed.
            let became = unsafe {
                libc::setgroups(0, std::ptr::null()) == 0
                    && libc::setresgid(NOBODY, NOBODY, NOBODY) == 0
                    && libc::setresuid(NOBODY, NOBODY, NOBODY) == 0
                    && libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0) == 0
            };
            assert!(became, "cannot become an ordinary user");
            println!("as an ordinary user:");
            all();
            std::process::exit(0);
        }
        let mut status = 0;
        // SAFETY: the status outlives the call.
        unsafe { libc::waitpid(pid, &raw mut status, 0) };
        assert_eq!(status, 0, "failed as an ordinary user");
    }
    println!("test result: ok. {} passed; 0 failed", CASES.len() * if root { 2 } else { 1 });
}

fn all() {
    let only = std::env::args().nth(1);
    for (name, case) in CASES {
        if only.as_ref().is_some_and(|part| !part.starts_with('-') && !name.contains(part.as_str())) {
            continue;
        }
        let begun = Instant::now();
        case();
        println!("test {name} ... ok ({} ms)", begun.elapsed().as_millis());
    }
}

fn life() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    panel.done(Request::Configure { no_panel_for_ns: 60_000_000_000, log_bytes: 1 << 20 });
    panel.start("a.1", "good");
    panel.start("b.1", "good");
    let transition = one_lane(10, 0, "a.1", "b.1");
    panel.prepare(&transition);
    assert_eq!(panel.inventory().transitions, [transition.clone()]);
    panel.flip(&transition, 0, 10);
    panel.done(Request::Settle(10));

    let told = panel.inventory();
    assert_eq!((told.epoch, told.last_epoch), (10, 11));
    assert!(told.transitions.is_empty());
    for fact in &told.instances {
        assert_eq!((fact.state, fact.acknowledged, fact.lanes.len()), (InstanceState::Running, 10, 1));
        assert_eq!(fact.opened, ["in", "out"]);
        let status = std::fs::read_to_string(format!("/proc/{}/status", fact.pid)).expect("its status");
        assert!(status.contains("NoNewPrivs:\t1") && status.contains("Seccomp:\t2"), "{status}");
        assert!(fact.sandbox.iter().any(|each| each.starts_with("landlock=abi ")), "{:?}", fact.sandbox);
    }
    for fact in &told.regions {
        assert_eq!(fact.seals, ["shrink", "grow", "futureWrite", "seal"]);
    }
    panel.done(Request::RegionDescriptors(told.regions.iter().map(|region| region.region).collect()));
    assert_eq!(panel.descriptors.len(), 2);
    assert!(rustix::io::write(&panel.descriptors[0], b"x").is_err(), "telemetry can write");
    let log = house.log("b");
    assert!(log.contains("reopened for writing: false") && log.contains("mapped for writing: false"), "{log}");

    for name in ["a.1", "b.1"] {
        panel.done(Request::Stop { instance: name.to_owned(), within_ns: 2_000_000_000 });
        assert_eq!(panel.exited(name), 0);
    }
    let after = panel.inventory();
    assert!(after.instances.is_empty() && after.regions.is_empty(), "{after:?}");
}

fn flip_back() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    panel.start("a.1", "good");
    panel.start("b.1", "good");
    let transition = one_lane(10, 0, "a.1", "b.1");
    panel.prepare(&transition);
    panel.flip(&transition, 0, 10);
    assert_eq!(panel.refused(Request::Discard(10)), "keeper.inForce");
    panel.flip(&transition, 10, 11);
    assert!(panel.inventory().instances.iter().all(|fact| fact.lanes.is_empty()));
    panel.done(Request::Settle(10));
    assert!(panel.inventory().regions.is_empty());
    // The next transition starts where the flip back has led to.
    let next = one_lane(20, 11, "a.1", "b.1");
    panel.prepare(&next);
    panel.flip(&next, 11, 20);
}

fn discard() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    panel.start("a.1", "good");
    panel.start("b.1", "good");
    panel.prepare(&one_lane(10, 0, "a.1", "b.1"));
    panel.done(Request::Discard(10));
    panel.done(Request::Discard(10));
    let told = panel.inventory();
    assert!(told.regions.is_empty() && told.transitions.is_empty());
    assert_eq!((told.epoch, told.last_epoch), (0, 11));
    assert_eq!(panel.refused(Request::Flip { from: 0, to: 10 }), "keeper.transition");
    let again = Request::Stage { transition: one_lane(10, 0, "a.1", "b.1"), last: true };
    assert_eq!(panel.refused(again), "keeper.epochUsed");
    let next = one_lane(12, 0, "a.1", "b.1");
    panel.prepare(&next);
    panel.flip(&next, 0, 12);
}

fn panel_dies() {
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
    next.done(Request::Acknowledge(seen.last().expect("events").seq));
    drop(next);
    let mut third = TestPanel::attach(&house);
    third.inventory();
    assert!(third.events.is_empty(), "{:?}", third.events);
}

fn keeper_dies() {
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

fn shutdown() {
    let mut house = House::new();
    let mut panel = TestPanel::attach(&house);
    for (order, name) in [(2, "first.1"), (9, "last.1"), (5, "middle.1")] {
        let mut spec = cell(name, "good");
        spec.stop_order = order;
        panel.done(Request::Spawn(Box::new(spec)));
        panel.event(name, |what| *what == What::Parked);
    }
    panel.done(Request::Shutdown);
    let ended: Vec<String> = (0..3)
        .map(|_| {
            loop {
                if let rtt_control::panel::KeeperToPanel::Event(event) = next_message(&panel)
                    && matches!(event.what, What::Exited(_))
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

fn alone() {
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

fn nonsense() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    panel.start("good.1", "good");
    for (number, (play, code)) in [
        ("garbage", "control.malformed"),
        ("empty-segments", "control.malformed"),
        ("oversized", "control.cut"),
        ("open-first", "driver.protocol"),
        ("old-protocol", "driver.version"),
        ("passes-descriptors", "driver.descriptors"),
        ("hello-twice", "driver.protocol"),
        ("parks-early", "driver.protocol"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("wrong.{}", number + 1);
        panel.done(Request::Spawn(Box::new(cell(&name, play))));
        assert_eq!(panel.failure(&name), code, "{play}");
        panel.done(Request::Stop { instance: name.clone(), within_ns: 100_000_000 });
        panel.exited(&name);
    }
    assert!(panel.inventory().instances.iter().all(|fact| fact.instance == "good.1"));
    // The good one is none the worse.
    let mut transition = one_lane(10, 0, "good.1", "good.2");
    panel.start("good.2", "good");
    panel.prepare(&transition);
    panel.flip(&transition, 0, 10);
    transition.bindings.clear();
}

fn touched() {
    for (play, code) in [("seals-early", "region.sealedEarly"), ("punches", "region.punched")] {
        let house = House::new();
        let mut panel = TestPanel::attach(&house);
        panel.start("a.1", play);
        panel.start("b.1", "good");
        panel.done(Request::Stage { transition: one_lane(10, 0, "a.1", "b.1"), last: true });
        assert_eq!(panel.failure("a.1"), code);
        panel.event("b.1", |what| *what == What::Mapped(10));
        assert_eq!(panel.refused(Request::Seal(10)), code);
        assert_eq!(panel.refused(Request::Flip { from: 0, to: 10 }), "keeper.notSealed");
        panel.done(Request::Discard(10));
        assert!(panel.inventory().regions.is_empty());
    }
}

fn prepare_fails() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    panel.start("b.1", "good");
    for (number, play) in ["exits-in-prepare", "never-answers"].into_iter().enumerate() {
        let id = 10 * (number as u64 + 1);
        let name = format!("a.{}", number + 1);
        panel.start(&name, play);
        panel.done(Request::Stage { transition: one_lane(id, 0, &name, "b.1"), last: true });
        if play == "exits-in-prepare" {
            assert_eq!(panel.exited(&name), 9);
        } else {
            assert_eq!(panel.refused(Request::Seal(id)), "keeper.notMapped");
        }
        panel.done(Request::Discard(id));
        panel.done(Request::Stop { instance: name.clone(), within_ns: 100_000_000 });
    }
    for (number, (play, code)) in [
        ("answers-another", "driver.protocol"),
        ("acknowledges-the-future", "driver.protocol"),
        ("ready-too-soon", "driver.protocol"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = 100 + 10 * number as u64;
        let name = format!("w.{}", number + 1);
        panel.start(&name, play);
        panel.done(Request::Stage { transition: one_lane(id, 0, &name, "b.1"), last: true });
        assert_eq!(panel.failure(&name), code, "{play}");
        panel.done(Request::Discard(id));
    }
    assert_eq!(panel.inventory().epoch, 0);
}

fn tokens() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    for (number, (play, code)) in
        [("wrong-token", "token.unknown"), ("other-endpoint", "token.endpoint")].into_iter().enumerate()
    {
        let name = format!("{play}.{}", number + 1);
        panel.done(Request::Spawn(Box::new(cell(&name, play))));
        assert_eq!(panel.exited(&name), 4);
        assert!(house.log(play).contains(code), "{}", house.log(play));
        assert!(panel.inventory().instances.iter().all(|fact| fact.opened.is_empty()));
    }
    let mut late = cell("late.1", "good");
    late.tokens.iter_mut().for_each(|token| token.expires_ns = 1);
    panel.done(Request::Spawn(Box::new(late)));
    assert_eq!(panel.exited("late.1"), 4);
    assert!(house.log("late").contains("token.expired"));
    // Nobody is there to ask: at once, and with its own word.
    panel.done(Request::Spawn(Box::new(cell("alone.1", "good"))));
    drop(panel);
    until("the answer without a panel", || {
        let log = house.log("alone");
        log.contains("unavailable") || {
            // It asked while the panel was still there: then the next panel is asked.
            let mut next = TestPanel::attach(&house);
            next.inventory()
                .instances
                .iter()
                .any(|fact| fact.instance == "alone.1" && fact.state == InstanceState::Parked)
                || next.events.iter().any(|event| matches!(event.what, What::Open { .. }))
        }
    });
}

fn stubborn() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    panel.start("a.1", "stubborn");
    let begun = Instant::now();
    panel.done(Request::Stop { instance: "a.1".to_owned(), within_ns: 200_000_000 });
    assert_eq!(panel.exited("a.1"), -9);
    assert!((150..2_000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    // One that says nothing at all gets its SIGTERM at once.
    panel.done(Request::Spawn(Box::new(cell("b.1", "silent"))));
    until("it is started", || false || std::thread::sleep(std::time::Duration::from_millis(50)) == ());
    panel.done(Request::Stop { instance: "b.1".to_owned(), within_ns: 5_000_000_000 });
    assert!([-15, -9].contains(&panel.exited("b.1")));
}

fn output() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    panel.done(Request::Configure { no_panel_for_ns: 60_000_000_000, log_bytes: 16 * 1024 });
    panel.start("a.1", "loud");
    until("its last line", || house.log("a").contains("line 19999 "));
    assert!(house.log("a").len() <= 16 * 1024);
    let before = std::fs::metadata(house.folder.join("logs/a.log.1")).expect("the file before");
    assert!(before.len() <= 16 * 1024);
}

fn dead_producer() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    panel.start("a.1", "good");
    panel.start("b.1", "good");
    let transition = one_lane(10, 0, "a.1", "b.1");
    panel.prepare(&transition);
    panel.flip(&transition, 0, 10);
    let pid = panel.inventory().instances[0].pid;
    // SAFETY: a driver of this test.
    unsafe { libc::kill(pid, libc::SIGKILL) };
    assert_eq!(panel.exited("a.1"), -9);
    until("the consumer is told", || house.log("b").contains("lane 10 ended at 10"));
    let fact = &panel.inventory().instances[0];
    assert_eq!((fact.state, fact.exit, fact.lanes.len()), (InstanceState::Exited, Some(-9), 1));
    panel.done(Request::Stop { instance: "a.1".to_owned(), within_ns: 0 });
    assert_eq!(panel.inventory().instances.len(), 1);
}

fn refusals() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    let mut empty = cell("a.1", "good");
    empty.run.clear();
    assert_eq!(panel.refused(Request::Spawn(Box::new(empty))), "keeper.run");
    let mut climbs = cell("a.1", "good");
    climbs.files.push(rtt_control::cell::FileGrant {
        path: "../../etc/shadow".to_owned(),
        access: rtt_control::cell::Access::Read,
    });
    assert_eq!(panel.refused(Request::Spawn(Box::new(climbs))), "cell.file");
    panel.start("a.1", "good");
    assert_eq!(panel.refused(Request::Spawn(Box::new(cell("a.1", "good")))), "keeper.instance");
    let unknown = Request::Stage { transition: one_lane(10, 0, "a.1", "nobody.1"), last: true };
    assert_eq!(panel.refused(unknown), "keeper.instance");
    assert_eq!(panel.refused(Request::Seal(77)), "keeper.transition");
    assert_eq!(panel.refused(Request::RegionDescriptors(vec![5])), "keeper.region");
    panel.start("b.1", "good");
    let mut outside = one_lane(10, 0, "a.1", "b.1");
    outside.bindings[0].forward[0].ring = 1 << 20;
    assert_eq!(panel.refused(Request::Stage { transition: outside, last: true }), "keeper.binding");
    let transition = one_lane(10, 0, "a.1", "b.1");
    panel.prepare(&transition);
    assert_eq!(panel.refused(Request::Flip { from: 5, to: 10 }), "keeper.epoch");
    assert_eq!(panel.refused(Request::Flip { from: 10, to: 11 }), "keeper.epoch");
    assert_eq!(panel.refused(Request::Settle(10)), "keeper.notInForce");
    panel.done(Request::Stop { instance: "nobody.9".to_owned(), within_ns: 0 });
    assert_eq!(panel.refused(Request::Attach { protocol: PROTOCOL, panel: String::new() }), "keeper.request");
}

fn fencing() {
    let house = House::new();
    let mut old = TestPanel::attach(&house);
    let mut new = TestPanel::attach(&house);
    assert_eq!(new.generation, old.generation + 1);
    // The old one's connection is closed: nothing of it is done.
    let late = rtt_control::packet::receive(&old.socket, rtt_control::packet::Mode::Wait);
    assert!(late.is_err_and(|error| error.is_closed()));
    old.generation = 0;
    new.generation -= 1;
    assert_eq!(new.refused(Request::Inventory), "keeper.generation");
    new.generation += 1;
    new.inventory();

    let mut stranger = TestPanel::connect(&house);
    assert_eq!(stranger.refused(Request::Attach { protocol: 99, panel: String::new() }), "keeper.protocol");
    let mut stranger = TestPanel::connect(&house);
    assert_eq!(stranger.refused(Request::Shutdown), "keeper.notAttached");
    let noise = try_connect(&house).expect("a connection");
    // SAFETY: the buffer is a literal of that length.
    unsafe { libc::send(std::os::fd::AsRawFd::as_raw_fd(&noise), [7_u8; 64].as_ptr().cast(), 64, 0) };
    assert!(matches!(new.ask(Request::Inventory), Outcome::Done { .. }));
    // A second keeper on the same folder finds the lock taken.
    assert!(
        rustix::fs::flock(
            std::fs::File::open(house.run().join("keeper.lock")).expect("the lock"),
            rustix::fs::FlockOperation::NonBlockingLockExclusive
        )
        .is_err()
    );
}
