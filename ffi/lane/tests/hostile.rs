//! Against a hostile peer the promise is memory safety and bounded time: errors or drops, no panic, no hang.
mod common;

use common::{knobs, lane};
use proptest::prelude::*;
use rtt_lane::figures::figures;
use rtt_lane::layout::Drop;
use rtt_lane::{Next, WordsMut, clock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Looks once; returns whether the lane can still bring something.
fn look(lane: &mut rtt_lane::Consumer<rtt_lane::ViewMut, rtt_lane::View>) -> bool {
    match lane.look() {
        Next::Frame(bytes) => {
            assert!(bytes <= 1024 - 32, "a frame of {bytes} bytes was shown");
            let mut payload = vec![0; bytes];
            let _ = lane.take(&mut payload);
            lane.done();
            true
        }
        Next::Switch(_) => {
            lane.pass_switch();
            true
        }
        Next::Empty => true,
        Next::Broken => false,
    }
}

proptest! {
    /// Any bytes at all in the producer's region.
    #[test]
    fn a_reader_survives_any_region(words in prop::collection::vec((any::<prop::sample::Index>(), any::<u64>()), 0..200), filling in any::<u64>()) {
        let mut lane = lane(4096, knobs(900));
        for id in 0..20 {
            lane.producer.send(1, id, 0, clock::now(), &[id as u8; 60]).unwrap();
        }
        if filling % 3 == 0 {
            for at in (0..lane.ring.bytes() as usize).step_by(8) {
                lane.ring.store64(at, filling.rotate_left(at as u32 % 64), Ordering::Relaxed);
            }
        }
        for (place, value) in words {
            let at = place.index(lane.ring.bytes() as usize / 8) * 8;
            lane.ring.store64(at, value, Ordering::Relaxed);
            look(&mut lane.consumer);
            let _ = figures(&lane.ring, &lane.credit, &lane.geometry, clock::now());
        }
        for _ in 0..2_000 {
            if !look(&mut lane.consumer) {
                break;
            }
        }
        prop_assert!(lane.consumer.received() <= 4_000);
    }

    /// Any credit: the producer keeps to what an honest consumer could have given.
    #[test]
    fn a_producer_survives_any_credit(credits in prop::collection::vec(any::<u64>(), 1..300)) {
        let mut lane = lane(4096, knobs(900));
        let (mut sent, mut before) = (0_u64, 0_u64);
        for (id, credit) in credits.into_iter().enumerate() {
            let credit = if id % 2 == 0 { credit % 8192 } else { credit };
            lane.credit.store64(lane.geometry.consumer_page, credit, Ordering::Relaxed);
            if lane.producer.send(1, id as u64, 0, clock::now(), &[0; 100]).is_ok() {
                sent += 1;
            }
            let uncredited = lane.producer.uncredited();
            prop_assert!(uncredited <= 4096);
            let _ = figures(&lane.ring, &lane.credit, &lane.geometry, clock::now());
            prop_assert!(lane.producer.sent() == sent && sent >= before);
            before = sent;
        }
    }
}

/// The producer's region is overwritten at random while reader and telemetry are at work, and the producer goes on meanwhile.
#[test]
fn a_reader_survives_a_writer_that_changes_everything_under_it() {
    let mut lane = lane(4096, knobs(900));
    let stop = Arc::new(AtomicBool::new(false));
    let mutations = Arc::new(AtomicU64::new(0));
    let vandal = {
        let (stop, ring, mutations) = (stop.clone(), lane.ring.clone(), mutations.clone());
        std::thread::spawn(move || {
            let mut random = 0x9E37_79B9_7F4A_7C15_u64;
            while !stop.load(Ordering::Relaxed) {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let at = (random % (ring.bytes() / 8)) as usize * 8;
                // Plausible lengths as well as noise: these get furthest.
                let value = if random & 1 == 0 { random >> 20 } else { 32 + (random >> 32) % 1000 };
                ring.store64(at, value, Ordering::Relaxed);
                mutations.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    let knobs = knobs(900);
    let (mut looks, mut id) = (0_u64, 0_u64);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(2);
    while std::time::Instant::now() < until {
        id += 1;
        let _ = lane.producer.send(1, id, 0, clock::now(), &[id as u8; 60]);
        looks += 1;
        if !look(&mut lane.consumer) {
            // A new reader and writer on the same spoilt memory: it may hold anything at all by now.
            lane.consumer = rtt_lane::Consumer::new(lane.credit.clone(), lane.ring.reader(), lane.geometry, knobs);
            lane.producer = rtt_lane::Producer::new(lane.ring.clone(), lane.credit.reader(), lane.geometry, knobs);
        }
        let _ = figures(&lane.ring, &lane.credit, &lane.geometry, clock::now());
    }
    stop.store(true, Ordering::Relaxed);
    vandal.join().unwrap();
    let corrupt = lane.consumer.drops()[Drop::Corrupt as usize];
    let changed = mutations.load(Ordering::Relaxed);
    assert!(looks > 1_000 && changed > 1_000 && corrupt > 0, "{looks} looks, {changed} changes, {corrupt} corrupt");
}

#[test]
fn a_region_of_another_size_or_without_seals_is_not_mapped() {
    use rtt_lane::View;
    let sealed = common::region(4096);
    assert_eq!(View::map(&sealed, 8192).unwrap_err().code, "lane.map");
    let open = rustix::fs::memfd_create("rtt-test", rustix::fs::MemfdFlags::ALLOW_SEALING).unwrap();
    rustix::fs::ftruncate(&open, 4096).unwrap();
    assert_eq!(View::map(&open, 4096).unwrap_err().code, "lane.map");
    assert!(View::map(&sealed, 4096).is_ok());
}
