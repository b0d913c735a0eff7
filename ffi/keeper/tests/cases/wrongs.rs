//! Drivers and panels that do wrong: a code each, and nobody else is the worse.
use crate::support::{House, TestPanel, cell, one_lane, until};
use rtt_control::limits::PROTOCOL;
use rtt_control::panel::{InstanceState, Request, What};

pub fn nonsense() {
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
        panel.done(Request::Spawn { cell: Box::new(cell(&name, play)) });
        assert_eq!(panel.failure(&name), code, "{play}");
        panel.done(Request::Stop { instance: name.clone(), within_ns: 100_000_000 });
        panel.exited(&name);
    }
    assert!(panel.inventory().instances.iter().all(|fact| fact.instance == "good.1"));
    // The good one is none the worse.
    let transition = one_lane(10, 0, "good.1", "good.2");
    panel.start("good.2", "good");
    panel.prepare(&transition);
    panel.flip(&transition, 0, 10);
}

pub fn touched() {
    for (play, code) in [("seals-early", "region.sealedEarly"), ("punches", "region.punched")] {
        let house = House::new();
        let mut panel = TestPanel::attach(&house);
        panel.start("a.1", play);
        panel.start("b.1", "good");
        panel.done(Request::Stage { transition: one_lane(10, 0, "a.1", "b.1"), last: true });
        assert_eq!(panel.failure("a.1"), code);
        panel.event("b.1", |what| *what == What::Mapped { transition: 10 });
        assert_eq!(panel.refused(Request::Seal { transition: 10 }), code);
        assert_eq!(panel.refused(Request::Flip { from: 0, to: 10 }), "keeper.notSealed");
        panel.done(Request::Discard { transition: 10 });
        assert!(panel.inventory().regions.is_empty());
    }
}

pub fn prepare_fails() {
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
            assert_eq!(panel.refused(Request::Seal { transition: id }), "keeper.notMapped");
        }
        panel.done(Request::Discard { transition: id });
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
        panel.done(Request::Discard { transition: id });
    }
    // One late answer may have crossed with the discard; a second one to the same question has not.
    panel.start("over.1", "answers-over");
    panel.done(Request::Stage { transition: one_lane(200, 0, "over.1", "b.1"), last: true });
    panel.event("over.1", |what| *what == What::Mapped { transition: 200 });
    panel.done(Request::Discard { transition: 200 });
    assert_eq!(panel.failure("over.1"), "driver.protocol");
    assert_eq!(panel.inventory().epoch, 0);
}

pub fn tokens() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    for (number, (play, code)) in
        [("wrong-token", "token.unknown"), ("other-endpoint", "token.endpoint")].into_iter().enumerate()
    {
        let name = format!("{play}.{}", number + 1);
        panel.done(Request::Spawn { cell: Box::new(cell(&name, play)) });
        for _both_endpoints in 0..2 {
            assert_eq!(panel.failure(&name), code);
        }
        assert_eq!(panel.exited(&name), 4);
        assert!(house.log(play).contains(code), "{}", house.log(play));
        assert!(panel.inventory().instances.iter().all(|fact| fact.opened.is_empty()));
    }
    let mut late = cell("late.1", "good");
    late.tokens.iter_mut().for_each(|token| token.expires_ns = 1);
    panel.done(Request::Spawn { cell: Box::new(late) });
    for _both_endpoints in 0..2 {
        assert_eq!(panel.failure("late.1"), "token.expired");
    }
    assert_eq!(panel.exited("late.1"), 4);
    assert!(house.log("late").contains("token.expired"));
    // Nobody is there to ask: at once, and with its own word.
    panel.done(Request::Spawn { cell: Box::new(cell("alone.1", "good")) });
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

pub fn refusals() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    let mut empty = cell("a.1", "good");
    empty.run.clear();
    assert_eq!(panel.refused(Request::Spawn { cell: Box::new(empty) }), "keeper.run");
    let mut climbs = cell("a.1", "good");
    climbs.files.push(rtt_control::cell::FileGrant {
        path: "../../etc/shadow".to_owned(),
        access: rtt_control::cell::Access::Read,
    });
    assert_eq!(panel.refused(Request::Spawn { cell: Box::new(climbs) }), "cell.file");
    panel.start("a.1", "good");
    assert_eq!(panel.refused(Request::Spawn { cell: Box::new(cell("a.1", "good")) }), "keeper.instance");
    let unknown = Request::Stage { transition: one_lane(10, 0, "a.1", "nobody.1"), last: true };
    assert_eq!(panel.refused(unknown), "keeper.instance");
    assert_eq!(panel.refused(Request::Seal { transition: 77 }), "keeper.transition");
    assert_eq!(panel.refused(Request::RegionDescriptors { regions: vec![5] }), "keeper.region");
    panel.start("b.1", "good");
    let mut outside = one_lane(10, 0, "a.1", "b.1");
    outside.bindings[0].forward[0].ring = 1 << 20;
    assert_eq!(panel.refused(Request::Stage { transition: outside, last: true }), "keeper.binding");
    let transition = one_lane(10, 0, "a.1", "b.1");
    panel.prepare(&transition);
    assert_eq!(panel.refused(Request::Flip { from: 5, to: 10 }), "keeper.epoch");
    assert_eq!(panel.refused(Request::Flip { from: 10, to: 11 }), "keeper.epoch");
    assert_eq!(panel.refused(Request::Settle { transition: 10 }), "keeper.notInForce");
    panel.done(Request::Stop { instance: "nobody.9".to_owned(), within_ns: 0 });
    assert_eq!(panel.refused(Request::Attach { protocol: PROTOCOL, panel: String::new() }), "keeper.request");
}
