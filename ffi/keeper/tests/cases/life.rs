//! From spawn to settle, and what is true at each step.
use crate::play::reader;
use crate::support::{House, TestPanel, many_lanes as lanes, one_lane, until};
use rtt_control::panel::{InstanceState, Request};

pub fn life() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    panel.done(Request::Configure { no_panel_for_ns: 60_000_000_000, log_bytes: 1 << 20 });
    panel.start("a.1", "good");
    panel.start("b.1", "good");
    let transition = one_lane(10, 0, "a.1", "b.1");
    panel.prepare(&transition);
    assert_eq!(panel.inventory().transitions, std::slice::from_ref(&transition));
    panel.flip(&transition, 0, 10);
    panel.done(Request::Settle { transition: 10 });

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
    panel.done(Request::RegionDescriptors { regions: told.regions.iter().map(|region| region.region).collect() });
    assert_eq!(panel.descriptors.len(), 2);
    assert!(rustix::io::write(&panel.descriptors[0], b"x").is_err(), "telemetry can write");
    let log = house.log("b");
    // Each try works on memory that nobody has sealed; on a lane none that writes does.
    assert!(reader::attempts_on_unsealed().iter().all(|(_, done)| *done), "{:?}", reader::attempts_on_unsealed());
    for name in reader::WRITES {
        assert!(log.contains(&format!("{name}: false")), "{name}: {log}");
    }

    for name in ["a.1", "b.1"] {
        panel.done(Request::Stop { instance: name.to_owned(), within_ns: 2_000_000_000 });
        assert_eq!(panel.exited(name), 0);
    }
    let after = panel.inventory();
    assert!(after.instances.is_empty() && after.regions.is_empty(), "{after:?}");
}

pub fn flip_back() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    panel.start("a.1", "good");
    panel.start("b.1", "good");
    let transition = one_lane(10, 0, "a.1", "b.1");
    panel.prepare(&transition);
    panel.flip(&transition, 0, 10);
    assert_eq!(panel.refused(Request::Discard { transition: 10 }), "keeper.inForce");
    panel.flip(&transition, 10, 11);
    assert!(panel.inventory().instances.iter().all(|fact| fact.lanes.is_empty()));
    panel.done(Request::Settle { transition: 10 });
    assert!(panel.inventory().regions.is_empty());
    // The next transition starts where the flip back has led to.
    let next = one_lane(20, 11, "a.1", "b.1");
    panel.prepare(&next);
    panel.flip(&next, 11, 20);
}

pub fn discard() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    panel.start("a.1", "good");
    panel.start("b.1", "good");
    panel.prepare(&one_lane(10, 0, "a.1", "b.1"));
    panel.done(Request::Discard { transition: 10 });
    panel.done(Request::Discard { transition: 10 });
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

pub fn dead_producer() {
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

pub fn output() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    panel.done(Request::Configure { no_panel_for_ns: 60_000_000_000, log_bytes: 16 * 1024 });
    panel.start("a.1", "loud");
    until("its last line", || house.log("a").contains("line 19999 "));
    assert!(house.log("a").len() <= 16 * 1024);
    let before = std::fs::metadata(house.folder.join("logs/a.log.1")).expect("the file before");
    assert!(before.len() <= 16 * 1024);
}

/// More lanes and regions than one packet holds, on both sides.
pub fn many_lanes() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    panel.start("a.1", "good");
    panel.start("b.1", "good");
    let transition = lanes(1_000, 0, "a.1", "b.1", 300);
    panel.stage(&transition);
    panel.map_and_seal(&transition);
    panel.flip(&transition, 0, 1_000);
    let told = panel.inventory();
    assert_eq!(told.regions.len(), 600);
    let count = |name: &str| -> usize {
        told.instances.iter().filter(|fact| fact.instance == name).map(|fact| fact.lanes.len()).sum()
    };
    assert_eq!((count("a.1"), count("b.1")), (300, 300));
}
