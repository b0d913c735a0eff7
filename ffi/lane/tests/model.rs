//! A lane behaves like a queue with a bound: nothing lost, doubled, reordered or changed, and its figures add up.
mod common;

use common::{knobs, lane};
use proptest::prelude::*;
use rtt_lane::figures::figures;
use rtt_lane::layout::{Drop, payload_max};
use rtt_lane::{Next, Refused, clock};
use std::collections::VecDeque;

#[derive(Clone, Debug)]
enum Step {
    Send(usize),
    Receive,
    Done,
    Switch,
    Supersede,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0_usize..=992).prop_map(Step::Send),
        4 => (0_usize..=40).prop_map(Step::Send),
        6 => Just(Step::Receive),
        4 => Just(Step::Done),
        1 => Just(Step::Switch),
        1 => Just(Step::Supersede),
    ];
    prop::collection::vec(step, 1..400)
}

#[derive(Debug, PartialEq)]
enum Item {
    Frame(u64, Vec<u8>),
    Switch(u64),
}

proptest! {
    #[test]
    fn a_lane_is_a_queue(steps in steps()) {
        let mut lane = lane(4096, knobs(payload_max(4096) as u32));
        let mut model = VecDeque::new();
        let (mut id, mut epoch, mut received, mut superseded) = (0_u64, 0_u64, 0_u64, 0_u64);
        // Frames that their owner is done with: the last one taken counts when it comes back.
        let mut told = 0;
        for step in steps {
            match step {
                Step::Send(bytes) => {
                    let payload: Vec<u8> = (0..bytes).map(|at| (at as u64 ^ id) as u8).collect();
                    let fits = lane.producer.fits(bytes);
                    match lane.producer.send(7, id, 0, clock::now(), &payload) {
                        Ok(()) => {
                            prop_assert!(fits);
                            model.push_back(Item::Frame(id, payload));
                            id += 1;
                        }
                        Err(Refused::Full) => prop_assert!(!fits && !model.is_empty() || lane.producer.uncredited() > 0),
                        Err(refused) => prop_assert!(false, "{:?}", refused),
                    }
                }
                Step::Switch => {
                    if lane.producer.switch(epoch) {
                        model.push_back(Item::Switch(epoch));
                        epoch += 1;
                    }
                }
                Step::Done => {
                    lane.consumer.done();
                    told = received;
                }
                Step::Supersede => {
                    let next = lane.consumer.look();
                    if let Next::Frame(_) = next {
                        lane.consumer.drop_next(Drop::Superseded);
                        superseded += 1;
                        let dropped = model.pop_front();
                        prop_assert!(matches!(dropped, Some(Item::Frame(..))));
                    }
                    if !matches!(next, Next::Switch(_)) {
                        told = received;
                    }
                }
                Step::Receive => match lane.consumer.look() {
                    Next::Empty => {
                        prop_assert!(model.is_empty());
                        told = received;
                    }
                    Next::Broken => prop_assert!(false, "an honest lane broke"),
                    Next::Switch(epoch) => {
                        prop_assert_eq!(model.pop_front(), Some(Item::Switch(epoch)));
                        lane.consumer.pass_switch();
                        told = received;
                    }
                    Next::Frame(bytes) => {
                        let mut payload = vec![0; bytes];
                        let got = lane.consumer.take(&mut payload).unwrap();
                        prop_assert_eq!(got.header.route_id, 7);
                        prop_assert_eq!(model.pop_front(), Some(Item::Frame(got.header.frame_id, payload)));
                        told = received;
                        received += 1;
                    }
                },
            }
            let now = clock::now();
            let figures = figures(&lane.ring, &lane.credit, &lane.geometry, now);
            let waiting = model.iter().filter(|item| matches!(item, Item::Frame(..))).count() as u64;
            prop_assert_eq!((figures.sent, figures.received, figures.depth), (id, told, waiting + received - told));
            prop_assert_eq!(figures.drops, [0, superseded, 0, 0, 0, 0, 0, 0]);
            prop_assert_eq!(figures.samples, told);
            prop_assert_eq!(figures.histogram.iter().sum::<u64>(), told);
            prop_assert!(figures.over <= figures.samples && figures.producer_over <= figures.producer_samples);
            if waiting == 0 && figures.uncredited_bytes == 0 {
                prop_assert_eq!(figures.oldest_ns, 0);
            } else if waiting > 0 {
                prop_assert!(figures.oldest_ns < 60_000_000_000);
            }
        }
    }
}

/// Payloads of every size, in another thread, so that each side sees the other at any moment.
#[test]
fn two_threads_lose_nothing() {
    const FRAMES: u64 = 200_000;
    let mut lane = lane(1 << 14, knobs(1024));
    let mut producer = lane.producer;
    let sender = std::thread::spawn(move || {
        for id in 0..FRAMES {
            let payload = vec![id as u8; (id % 300) as usize];
            while producer.send(1, id, 0, clock::now(), &payload).is_err() {
                std::thread::yield_now();
            }
        }
        producer
    });
    let mut expected = 0;
    while expected < FRAMES {
        match lane.consumer.look() {
            Next::Frame(bytes) => {
                let mut payload = vec![0; bytes];
                let got = lane.consumer.take(&mut payload).unwrap();
                assert_eq!((got.header.frame_id, bytes as u64), (expected, expected % 300));
                assert!(payload.iter().all(|byte| *byte == expected as u8));
                lane.consumer.done();
                expected += 1;
            }
            Next::Empty => std::thread::yield_now(),
            other => panic!("frame {expected}: {other:?}"),
        }
    }
    sender.join().unwrap();
    assert_eq!(lane.consumer.drops(), [0; 8]);
}

#[test]
fn a_frame_above_the_limit_is_refused_with_the_limit() {
    let mut lane = lane(4096, knobs(100));
    assert_eq!(lane.producer.send(1, 0, 0, 1, &[0; 101]), Err(Refused::TooLarge { most: 100 }));
    assert_eq!(lane.producer.send(1, 0, 0, 1, &[0; 100]), Ok(()));
}

#[test]
fn a_switch_always_has_room() {
    let mut lane = lane(4096, knobs(payload_max(4096) as u32));
    let mut id = 0;
    while lane.producer.send(1, id, 0, 1, &[0; 8]).is_ok() {
        id += 1;
    }
    for epoch in 0..4 {
        assert!(lane.producer.switch(epoch), "the switch of epoch {epoch} has no room after {id} frames");
    }
}

#[test]
fn a_sleeper_is_woken_by_the_frame_and_by_the_credit() {
    use rtt_lane::wait::{sleep, sleeper_fence};
    let mut lane = lane(4096, knobs(900));
    let mut producer = lane.producer;
    let sender = std::thread::spawn(move || {
        let mut id = 0;
        let mut slept = 0;
        while id < 2_000 {
            if producer.send(1, id, 0, clock::now(), &[0; 900]).is_ok() {
                id += 1;
                continue;
            }
            producer.set_asleep(true);
            let fenced = sleeper_fence();
            if !producer.fits(900) {
                slept += 1;
                sleep(&[producer.watch()], u64::MAX, fenced);
            }
            producer.set_asleep(false);
        }
        slept
    });
    let started = std::time::Instant::now();
    let mut expected = 0;
    while expected < 2_000 {
        match lane.consumer.look() {
            Next::Frame(bytes) => {
                let mut payload = vec![0; bytes];
                assert_eq!(lane.consumer.take(&mut payload).unwrap().header.frame_id, expected);
                lane.consumer.done();
                expected += 1;
                if expected % 97 == 0 {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
            }
            _ => {
                lane.consumer.set_asleep(true);
                let fenced = sleeper_fence();
                if lane.consumer.look() == Next::Empty {
                    sleep(&[lane.consumer.watch()], u64::MAX, fenced);
                }
                lane.consumer.set_asleep(false);
            }
        }
    }
    assert!(sender.join().unwrap() > 0, "the producer never slept: the test showed nothing");
    // A lost wake costs a quarter of a second each time; 2,000 frames without one take far less than ten.
    assert!(started.elapsed() < std::time::Duration::from_secs(5), "wakes are lost: {:?}", started.elapsed());
}
