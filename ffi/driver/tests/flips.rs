//! What a driver may rely on while plans are applied: frames arrive once, in order, on whatever lane.
mod common;

use common::pair::{SOON, number, read, two};
use common::{Keeper, Knobs};
use rtt_control::driver::{DriverToKeeper, KeeperToDriver};
use rtt_control::lane::{Backpressure, Wait};
use rtt_driver::{Error, SendError};
use std::time::{Duration, Instant};

const NOW: Duration = Duration::ZERO;

#[test]
fn a_driver_is_welcomed_and_its_endpoints_wait_for_lanes() {
    let mut keeper = Keeper::new();
    let (source, sink, mut output, mut input) = two(&mut keeper);
    assert_eq!((source.instance(), sink.endpoints().len()), ("source.1", 1));
    assert_eq!(output.send(&number(0)), Err(SendError::NotBound));
    assert!(!output.wait_bound(Duration::from_millis(1)).unwrap());
    assert!(!input.is_bound() && input.receive(NOW).unwrap().is_none());
    assert!(matches!(source.output("out"), Err(Error::Taken { .. })));
    assert!(matches!(source.input("out"), Err(Error::NoSuchEndpoint { .. })));

    let link = keeper.link(("source.1", "out"), ("sink.1", "in"), Knobs::default());
    keeper.apply(vec![link.clone()]);
    assert!(output.wait_bound(SOON).unwrap() && input.wait_bound(SOON).unwrap());
    assert!(source.wait_active(SOON).unwrap());
    for id in 0..100 {
        assert_eq!(output.send(&number(id)).unwrap().frame_id, id);
        assert_eq!(read(&mut input), Some(id));
    }
    drop(output);
    assert!(source.output("out").is_ok());
    // The last one is being handled until its owner says otherwise.
    assert_eq!((keeper.figures(&link).received, keeper.figures(&link).depth), (99, 1));
    input.done();
    let figures = keeper.figures(&link);
    assert_eq!((figures.sent, figures.received, figures.depth, figures.drops), (100, 100, 0, [0; 8]));
}

#[test]
fn a_flip_moves_idle_drivers_and_keeps_frames_that_were_under_way() {
    let mut keeper = Keeper::new();
    let (_source, _sink, mut output, mut input) = two(&mut keeper);
    let first = keeper.link(("source.1", "out"), ("sink.1", "in"), Knobs::default());
    keeper.apply(vec![first.clone()]);
    for id in 0..10 {
        output.send(&number(id)).unwrap();
    }
    // Both owners are outside: the control threads move the endpoints, and acknowledge.
    let second = keeper.link(("source.1", "out"), ("sink.1", "in"), Knobs::default());
    keeper.apply(vec![second]);
    for id in 10..20 {
        output.send(&number(id)).unwrap();
    }
    for id in 0..20 {
        assert_eq!(read(&mut input), Some(id));
    }
    assert_eq!(input.receive(NOW).unwrap(), None);
}

#[test]
fn an_inverse_goes_back_to_the_old_lane_at_its_position() {
    let mut keeper = Keeper::new();
    let (_source, _sink, mut output, mut input) = two(&mut keeper);
    let first = keeper.link(("source.1", "out"), ("sink.1", "in"), Knobs::default());
    keeper.apply(vec![first.clone()]);
    output.send(&number(0)).unwrap();
    output.send(&number(1)).unwrap();
    assert_eq!(read(&mut input), Some(0));
    let second = keeper.link(("source.1", "out"), ("sink.1", "in"), Knobs::default());
    let staged = keeper.stage(vec![second.clone()]);
    keeper.flip(staged.forward);
    keeper.await_acknowledged(&staged, staged.forward);
    assert_eq!(output.send(&number(2)).unwrap().lane, second.id);
    keeper.flip(staged.inverse);
    keeper.await_acknowledged(&staged, staged.inverse);
    keeper.settle(&staged, staged.inverse);
    assert_eq!(output.send(&number(3)).unwrap().lane, first.id);
    for id in 1..4 {
        assert_eq!(read(&mut input), Some(id));
    }
    assert_eq!(keeper.figures(&first).drops, [0; 8]);
}

#[test]
fn a_sender_blocked_on_a_full_ring_goes_on_in_the_new_lane() {
    let mut keeper = Keeper::new();
    let (_source, _sink, mut output, mut input) = two(&mut keeper);
    let first = keeper.link(("source.1", "out"), ("sink.1", "in"), Knobs::default());
    keeper.apply(vec![first]);
    let mut sent = 0;
    while output.try_send(&number(sent)).is_ok() {
        sent += 1;
    }
    assert_eq!(output.try_send(&number(sent)), Err(SendError::Full));
    let blocked = std::thread::spawn(move || (output.send(&number(sent)), output));
    std::thread::sleep(Duration::from_millis(20));
    assert!(!blocked.is_finished());
    let second = keeper.link(("source.1", "out"), ("sink.1", "in"), Knobs::default());
    keeper.apply(vec![second.clone()]);
    let (outcome, _output) = blocked.join().unwrap();
    assert_eq!(outcome.unwrap().lane, second.id);
    for id in 0..=sent {
        assert_eq!(read(&mut input), Some(id));
    }
}

#[test]
fn what_is_left_after_the_drain_is_superseded_and_counted() {
    let mut keeper = Keeper::new();
    let (_source, sink, mut output, mut input) = two(&mut keeper);
    let knobs = Knobs { drain_ns: 20_000_000, ..Knobs::default() };
    let first = keeper.link(("source.1", "out"), ("sink.1", "in"), knobs.clone());
    keeper.apply(vec![first.clone()]);
    output.send(&number(0)).unwrap();
    assert_eq!(read(&mut input), Some(0));
    // A second source takes over, and the first is shown nothing: as if it were stopped.
    let other = keeper.start("other.1", &[], &[("out", &[])]);
    let mut other_output = other.output("out").unwrap();
    let second = keeper.link(("other.1", "out"), ("sink.1", "in"), knobs);
    keeper.given_up.insert("source.1".into());
    output.send(&number(1)).unwrap();
    let staged = keeper.stage(vec![second]);
    keeper.flip(staged.forward);
    keeper.await_acknowledged(&staged, staged.forward);
    other_output.send(&number(2)).unwrap();
    // What came before the bound is delivered; what the first source goes on sending is passed, so that it is not held up.
    for _ in 0..1_000 {
        output.send(&[0; 64]).unwrap();
    }
    assert_eq!(read(&mut input), Some(1));
    assert_eq!(read(&mut input), Some(2));
    assert_eq!(input.receive(NOW).unwrap(), None);
    let figures = keeper.figures(&first);
    assert_eq!((figures.sent, figures.received, figures.drops[1]), (1_002, 2, 1_000));
    drop(sink);
}

#[test]
fn a_discarded_transition_leaves_no_trace() {
    let mut keeper = Keeper::new();
    let (_source, _sink, mut output, mut input) = two(&mut keeper);
    let first = keeper.link(("source.1", "out"), ("sink.1", "in"), Knobs::default());
    keeper.apply(vec![first.clone()]);
    for id in 0..20 {
        let never = keeper.link(("source.1", "out"), ("sink.1", "in"), Knobs::default());
        let staged = keeper.stage(vec![never]);
        keeper.discard(&staged);
        assert_eq!(output.send(&number(id)).unwrap().lane, first.id);
        assert_eq!(read(&mut input), Some(id));
    }
    let second = keeper.link(("source.1", "out"), ("sink.1", "in"), Knobs::default());
    keeper.apply(vec![second.clone()]);
    assert_eq!(output.send(&number(20)).unwrap().lane, second.id);
    assert_eq!(read(&mut input), Some(20));
}

#[test]
fn a_dependent_output_leaves_its_lane_after_its_handler_returned() {
    let mut keeper = Keeper::new();
    let plant = keeper.start("plant.1", &["force"], &[("state", &[])]);
    let controller = keeper.start("controller.1", &["state"], &[("force", &["state"])]);
    let (mut state_out, mut force_in) = (plant.output("state").unwrap(), plant.input("force").unwrap());
    let (mut state_in, mut force_out) = (controller.input("state").unwrap(), controller.output("force").unwrap());
    let there = |keeper: &mut Keeper| keeper.link(("plant.1", "state"), ("controller.1", "state"), Knobs::default());
    let back = |keeper: &mut Keeper| keeper.link(("controller.1", "force"), ("plant.1", "force"), Knobs::default());
    let (a, b) = (there(&mut keeper), back(&mut keeper));
    keeper.apply(vec![a, b.clone()]);
    state_out.send(&number(7)).unwrap();
    assert_eq!(read(&mut state_in), Some(7));
    // The handler is at work when the flip comes.
    let (c, d) = (there(&mut keeper), back(&mut keeper));
    let staged = keeper.stage(vec![c, d.clone()]);
    keeper.flip(staged.forward);
    assert!(keeper.hear_within("controller.1", Duration::from_millis(50)).is_none(), "its output left too early");
    assert_eq!(force_out.send(&number(70)).unwrap().lane, b.id, "the answer belongs to the old lane");
    state_in.done();
    keeper.await_acknowledged(&staged, staged.forward);
    keeper.settle(&staged, staged.forward);
    assert_eq!(force_out.send(&number(71)).unwrap().lane, d.id);
    assert_eq!(read(&mut force_in), Some(70));
    assert_eq!(read(&mut force_in), Some(71));
}

/// Spec: a lane that was cut by the drain's bound opens again only after the inputs from before the cut have ended; an answer in
/// between is counted, and never delivered behind newer ones.
#[test]
fn a_cut_output_opens_no_lane_before_its_late_answers_are_out() {
    let mut keeper = Keeper::new();
    let plant = keeper.start("plant.1", &["force"], &[("state", &[])]);
    let controller = keeper.start("controller.1", &["state"], &[("force", &["state"])]);
    let (mut state_out, mut force_in) = (plant.output("state").unwrap(), plant.input("force").unwrap());
    let (mut state_in, mut force_out) = (controller.input("state").unwrap(), controller.output("force").unwrap());
    let knobs = Knobs { drain_ns: 20_000_000, ..Knobs::default() };
    let there = keeper.link(("plant.1", "state"), ("controller.1", "state"), knobs.clone());
    let back = keeper.link(("controller.1", "force"), ("plant.1", "force"), knobs);
    keeper.apply(vec![there, back.clone()]);
    state_out.send(&number(1)).unwrap();
    assert_eq!(read(&mut state_in), Some(1));
    // The controller goes, with its handler at work: its lane is cut. Then the plan is undone.
    let staged = keeper.stage(vec![]);
    keeper.flip(staged.forward);
    keeper.await_acknowledged(&staged, staged.forward);
    assert_eq!(force_out.send(&number(10)), Err(SendError::NotBound), "too late for its lane");
    keeper.flip(staged.inverse);
    keeper.expect("plant.1", &DriverToKeeper::Acknowledged(staged.inverse));
    assert!(keeper.hear_within("controller.1", Duration::from_millis(60)).is_none(), "its output opened too early");
    assert_eq!(force_out.send(&number(10)), Err(SendError::NotBound));
    state_in.done();
    keeper.expect("controller.1", &DriverToKeeper::Acknowledged(staged.inverse));
    keeper.settle(&staged, staged.inverse);
    assert_eq!(force_out.send(&number(11)).unwrap().lane, back.id);
    assert_eq!(read(&mut force_in), Some(11));
    assert_eq!(keeper.figures(&back).drops[1], 2);
}

#[test]
fn policies_without_room_are_kept_and_counted() {
    for (backpressure, error, counted) in [
        (Backpressure::DropNewest, SendError::Dropped, 1),
        (Backpressure::Fail, SendError::Full, 1),
        (Backpressure::Block, SendError::Full, 1),
    ] {
        let mut keeper = Keeper::new();
        let (_source, _sink, mut output, mut input) = two(&mut keeper);
        let knobs = Knobs { backpressure, block_ns: 2_000_000, ..Knobs::default() };
        let link = keeper.link(("source.1", "out"), ("sink.1", "in"), knobs);
        keeper.apply(vec![link.clone()]);
        let mut sent = 0;
        let refused = loop {
            match output.send(&number(sent)) {
                Ok(_) => sent += 1,
                Err(error) => break error,
            }
        };
        assert_eq!((refused, keeper.figures(&link).drops[0]), (error, counted), "{backpressure:?}");
        assert_eq!(output.send(&[0; 300]), Err(SendError::TooLarge { most: 256 }));
        assert_eq!(keeper.figures(&link).drops[3], 1);
        for id in 0..sent {
            assert_eq!(read(&mut input), Some(id));
        }
    }
}

#[test]
fn a_declared_rate_is_kept() {
    let mut keeper = Keeper::new();
    let (_source, _sink, mut output, mut input) = two(&mut keeper);
    let link = keeper.link(("source.1", "out"), ("sink.1", "in"), Knobs { rate_hz: 1000.0, ..Knobs::default() });
    keeper.apply(vec![link.clone()]);
    let reader = std::thread::spawn(move || (0..300).map(|_| read(&mut input)).collect::<Vec<_>>());
    let started = Instant::now();
    for id in 0..300 {
        output.send(&number(id)).unwrap();
    }
    let took = started.elapsed();
    assert_eq!(reader.join().unwrap(), (0..300).map(Some).collect::<Vec<_>>());
    // 300 frames with a burst of 100 at 1,050 a second take 190 ms.
    assert!(took >= Duration::from_millis(180), "{took:?}");
    assert!(keeper.figures(&link).throttled > 0);
}

/// A spin is over after its time, and what comes then is not missed: the reader sleeps, and is woken.
#[test]
fn who_spins_first_sleeps_after_it_and_wakes_for_the_frame_and_for_the_flip() {
    let mut keeper = Keeper::new();
    let (_source, _sink, mut output, mut input) = two(&mut keeper);
    let knobs = Knobs { wait: Wait::SpinThenSleep, spin_ns: 200_000, ..Knobs::default() };
    let first = keeper.link(("source.1", "out"), ("sink.1", "in"), knobs.clone());
    keeper.apply(vec![first]);
    let reader = std::thread::spawn(move || {
        // Spinning alone would take as much of the processor as time passes.
        let before = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        let read: Vec<_> = (0..4).map(|_| read(&mut input)).collect();
        let after = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        let ns = (after.tv_sec - before.tv_sec) * 1_000_000_000 + after.tv_nsec - before.tv_nsec;
        (read, Duration::from_nanos(u64::try_from(ns).unwrap()))
    });
    let began = Instant::now();
    for id in 0..3 {
        std::thread::sleep(Duration::from_millis(150));
        output.send(&number(id)).unwrap();
    }
    std::thread::sleep(Duration::from_millis(150));
    let second = keeper.link(("source.1", "out"), ("sink.1", "in"), knobs);
    keeper.apply(vec![second]);
    output.send(&number(3)).unwrap();
    let (read, used) = reader.join().unwrap();
    assert_eq!(read, [Some(0), Some(1), Some(2), Some(3)]);
    assert!(used * 4 < began.elapsed(), "{used:?} of {:?} were spent", began.elapsed());
}

#[test]
fn stop_and_the_end_of_the_keeper_wake_everyone() {
    let mut keeper = Keeper::new();
    let (source, sink, mut output, mut input) = two(&mut keeper);
    let waiting = std::thread::spawn(move || input.receive(Duration::from_secs(60)));
    std::thread::sleep(Duration::from_millis(20));
    keeper.say("sink.1", &KeeperToDriver::Stop);
    assert!(matches!(waiting.join().unwrap(), Err(Error::Stopping)));
    assert!(sink.stopping() && sink.wait_stopping(SOON));
    drop(keeper);
    assert!(source.wait_stopping(SOON));
    assert_eq!(output.send(&number(0)), Err(SendError::Closed));
    source.close();
    assert_eq!(output.send(&number(0)), Err(SendError::Closed));
}

#[test]
fn a_binding_that_cannot_be_is_refused_with_a_code() {
    let mut keeper = Keeper::new();
    let (_source, _sink, mut output, _input) = two(&mut keeper);
    let wrong = keeper.link(("source.1", "out"), ("sink.1", "nothing"), Knobs::default());
    let staged = keeper.show(vec![wrong]);
    keeper.expect("source.1", &DriverToKeeper::Mapped(staged.id));
    match keeper.hear("sink.1") {
        DriverToKeeper::Failed { code, message } => {
            assert_eq!(code, "driver.binding");
            assert!(message.contains("nothing"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    keeper.discard(&staged);
    assert_eq!(output.send(&number(0)), Err(SendError::NotBound));
}
