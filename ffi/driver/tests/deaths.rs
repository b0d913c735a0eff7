//! What becomes of frames when the driver at the other end dies.
mod common;

use common::pair::{SOON, number, read, two};
use common::{Keeper, Knobs};
use rtt_control::driver::{DriverToKeeper, KeeperToDriver};
use std::time::Duration;

const NOW: Duration = Duration::ZERO;

#[test]
fn a_dead_producers_lane_ends_where_the_keeper_says() {
    let mut keeper = Keeper::new();
    let (source, _sink, mut output, mut input) = two(&mut keeper);
    let first = keeper.link(("source.1", "out"), ("sink.1", "in"), Knobs::default());
    keeper.apply(vec![first.clone()]);
    output.send(&number(0)).unwrap();
    drop(output);
    drop(source);
    let next = keeper.start("source.2", &[], &[("out", &[])]);
    let mut output = next.output("out").unwrap();
    let second = keeper.link(("source.2", "out"), ("sink.1", "in"), Knobs::default());
    // The dead one is not staged.
    keeper.links.clear();
    let mut staged = keeper.stage(vec![second.clone()]);
    staged.concerned = vec!["sink.1".into(), "source.2".into()];
    keeper.flip(staged.forward);
    keeper.expect("source.2", &DriverToKeeper::Acknowledged(staged.forward));
    assert!(keeper.hear_within("sink.1", Duration::from_millis(50)).is_none(), "the lane ended by itself");
    output.send(&number(1)).unwrap();
    keeper.say("sink.1", &KeeperToDriver::LaneEnded { lane: first.id, epoch: staged.forward });
    keeper.expect("sink.1", &DriverToKeeper::Acknowledged(staged.forward));
    assert_eq!(read(&mut input), Some(0));
    assert_eq!(read(&mut input), Some(1));
}

/// At least once: what the dead consumer had not credited goes to the next one, under the ids that it had, before newer frames.
#[test]
fn what_a_dead_consumer_has_not_credited_goes_to_the_next_one_first() {
    let mut keeper = Keeper::new();
    let (_source, sink, mut output, mut input) = two(&mut keeper);
    let first = keeper.link(("source.1", "out"), ("sink.1", "in"), Knobs::default());
    keeper.apply(vec![first.clone()]);
    // So many that the ring has gone round when its consumer dies.
    for id in 0..200 {
        output.send(&number(id)).unwrap();
        assert_eq!(read(&mut input), Some(id));
    }
    let mut sent = 200;
    while output.try_send(&number(sent)).is_ok() {
        sent += 1;
    }
    // It has handled two of them, and the third is in its hands: not credited.
    for id in 200..203 {
        assert_eq!(read(&mut input), Some(id));
    }
    drop(input);
    drop(sink);
    keeper.say("source.1", &KeeperToDriver::LaneEnded { lane: first.id, epoch: keeper.epoch() });
    let next = keeper.start("sink.2", &["in"], &[]);
    let mut input = next.input("in").unwrap();
    keeper.links.clear();
    let second = keeper.link(("source.1", "out"), ("sink.2", "in"), Knobs::default());
    let staged = keeper.stage(vec![second.clone()]);
    keeper.flip(staged.forward);
    keeper.await_acknowledged(&staged, staged.forward);
    keeper.settle(&staged, staged.forward);
    let newer = std::thread::spawn(move || {
        for id in sent..sent + 100 {
            output.send(&number(id)).unwrap();
        }
        output
    });
    for id in 202..sent + 100 {
        let frame = input.receive(SOON).unwrap().unwrap_or_else(|| panic!("frame {id} never came"));
        assert_eq!((frame.info.frame_id, frame.payload), (id, number(id).to_vec()));
    }
    assert_eq!(input.receive(NOW).unwrap(), None);
    newer.join().unwrap();
    // Each frame is sent once by the counters: on the lane on which it went last.
    assert_eq!(keeper.figures(&second).sent, sent + 100 - 202);
    assert_eq!((keeper.figures(&second).received, keeper.figures(&second).drops), (sent + 100 - 202, [0; 8]));
}

/// Behind a living consumer nothing goes out twice, whatever becomes of it later.
#[test]
fn a_consumer_that_lives_is_sent_nothing_again() {
    let mut keeper = Keeper::new();
    let (_source, _sink, mut output, mut input) = two(&mut keeper);
    let first = keeper.link(("source.1", "out"), ("sink.1", "in"), Knobs::default());
    keeper.apply(vec![first]);
    for id in 0..5 {
        output.send(&number(id)).unwrap();
    }
    let second = keeper.link(("source.1", "out"), ("sink.1", "in"), Knobs::default());
    keeper.apply(vec![second.clone()]);
    assert_eq!(keeper.figures(&second).sent, 0);
    for id in 0..5 {
        assert_eq!(read(&mut input), Some(id));
    }
    assert_eq!(input.receive(NOW).unwrap(), None);
}
