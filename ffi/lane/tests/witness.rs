//! What the producer's own account of its frames' age says, and when it says nothing. It looks when it sends, at times that the
//! test names.
mod common;

use common::{Lane, knobs, lane};
use rtt_lane::Next;
use rtt_lane::clock;
use rtt_lane::figures::figures;

const MS: u64 = 1_000_000;
/// That of `knobs`.
const BUDGET: u64 = 5 * MS;

/// Frames decided, of them over the budget, and undecided.
fn counted(lane: &Lane) -> (u64, u64, u64) {
    let figures = figures(&lane.ring, &lane.credit, &lane.geometry, clock::now());
    (figures.producer_samples, figures.producer_over, figures.producer_unsure)
}

fn receive_all(lane: &mut Lane) {
    while let Next::Frame(bytes) = lane.consumer.look() {
        lane.consumer.take(&mut vec![0; bytes]).unwrap();
        lane.consumer.done();
    }
}

/// So many frames, one each `every`, of which each is received when it is `after` old, at the resolution of the sends.
fn play(frames: u64, every: u64, after: u64) -> (u64, u64, u64) {
    let mut lane = lane(1 << 14, knobs(64));
    let begin = clock::now();
    for id in 0..frames {
        let now = begin + id * every;
        // What is due by now is received before the next frame is sent.
        if id > 0 && (id * every).is_multiple_of(after.div_ceil(every) * every) {
            receive_all(&mut lane);
        }
        lane.producer.send(1, id, 0, now, &[0; 8]).unwrap();
    }
    counted(&lane)
}

#[test]
fn a_producer_that_looks_often_tells_what_is_within_the_budget_and_what_is_over_it() {
    let (samples, over, unsure) = play(60, MS, MS);
    assert!(samples > 20 && over == 0 && unsure == 0, "{samples} {over} {unsure}");
    let (samples, over, unsure) = play(60, MS, 4 * BUDGET);
    assert!(samples >= 2 && over == samples && unsure == 0, "{samples} {over} {unsure}");
}

/// It sees the credit 200 ms later, of whatever age it was given.
#[test]
fn a_producer_that_sends_more_seldom_than_its_budget_calls_no_frame_good() {
    let (samples, over, unsure) = play(20, 200 * MS, 1);
    assert!(samples == 0 && over == 0 && unsure >= 9, "{samples} {over} {unsure}");
}

#[test]
fn a_frame_that_is_uncredited_beyond_its_budget_is_over_it_however_seldom_the_producer_looks() {
    let (samples, over, unsure) = play(20, 200 * MS, 600 * MS);
    assert!(samples >= 6 && over == samples && unsure == 0, "{samples} {over} {unsure}");
}

#[test]
fn a_frame_at_the_budget_is_within_it_and_one_nanosecond_later_nobody_knows() {
    for (credited_by, expected) in [(BUDGET, (1, 0, 0)), (BUDGET + 1, (0, 0, 1))] {
        let mut lane = lane(1 << 14, knobs(64));
        let begin = clock::now();
        lane.producer.send(1, 0, 0, begin, &[0; 8]).unwrap();
        receive_all(&mut lane);
        lane.producer.send(1, 1, 0, begin + credited_by, &[0; 8]).unwrap();
        assert_eq!(counted(&lane), expected, "{credited_by}");
    }
    for (uncredited_at, expected) in [(BUDGET, (0, 0, 1)), (BUDGET + 1, (1, 1, 0))] {
        let mut lane = lane(1 << 14, knobs(64));
        let begin = clock::now();
        lane.producer.send(1, 0, 0, begin, &[0; 8]).unwrap();
        lane.producer.send(1, 1, 0, begin + uncredited_at, &[0; 8]).unwrap();
        receive_all(&mut lane);
        lane.producer.send(1, 2, 0, begin + 3 * BUDGET, &[0; 8]).unwrap();
        assert_eq!(counted(&lane), expected, "{uncredited_at}");
    }
}
