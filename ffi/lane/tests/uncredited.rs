//! What a producer takes back from its own ring when its consumer is dead. Where to begin is what that consumer said.
mod common;

use common::{Lane, knobs, lane};
use proptest::prelude::*;
use rtt_lane::figures::figures;
use rtt_lane::{Next, WordsMut, clock};
use std::sync::atomic::Ordering;

fn send(lane: &mut Lane, id: u64) {
    lane.producer.send(7, id, 0, clock::now(), &vec![id as u8; (id * 37 % 300) as usize]).unwrap();
}

fn receive(lane: &mut Lane) {
    let Next::Frame(bytes) = lane.consumer.look() else { panic!("there is no frame") };
    lane.consumer.take(&mut vec![0; bytes]).unwrap();
    lane.consumer.done();
}

fn taken(lane: &mut Lane) -> Vec<u64> {
    let found = lane.producer.take_uncredited();
    assert!(
        found.iter().all(|frame| frame.payload == vec![frame.frame_id as u8; (frame.frame_id * 37 % 300) as usize])
    );
    found.iter().map(|frame| frame.frame_id).collect()
}

#[test]
fn it_is_what_was_not_credited_wherever_the_ring_is_and_counts_as_sent_no_more() {
    let mut lane = lane(4096, knobs(900));
    for id in 0..100 {
        send(&mut lane, id);
        if id >= 6 {
            receive(&mut lane);
        }
    }
    assert_eq!(taken(&mut lane), (94..100).collect::<Vec<_>>());
    assert_eq!(figures(&lane.ring, &lane.credit, &lane.geometry, clock::now()).sent, 94);
}

#[test]
fn what_lies_before_a_switch_is_not_taken_back() {
    let mut lane = lane(4096, knobs(900));
    send(&mut lane, 0);
    assert!(lane.producer.switch(5));
    assert_eq!(taken(&mut lane), [] as [u64; 0]);
    send(&mut lane, 1);
    assert_eq!(taken(&mut lane), [1]);
}

proptest! {
    /// A credit that leads into the middle of something finds nothing that was not sent.
    #[test]
    fn any_credit_finds_frames_that_were_sent_or_none(credit in any::<u64>(), sent in 0_u64..40) {
        let mut lane = lane(1 << 14, knobs(900));
        for id in 0..sent {
            send(&mut lane, id);
        }
        lane.credit.store64(lane.geometry.consumer_page, credit % 16_384, Ordering::Relaxed);
        let ids = taken(&mut lane);
        let most = sent;
        prop_assert!(ids.iter().zip(ids.iter().skip(1)).all(|(one, next)| one + 1 == *next));
        prop_assert!(ids.last().is_none_or(|last| last + 1 == most));
    }
}
