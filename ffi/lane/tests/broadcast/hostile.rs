//! Against a hostile writer a reader keeps memory safety and bounded time: errors or drops, no panic, no hang.
use super::lane::{Heard, broadcast, knobs};
use proptest::prelude::*;
use rtt_lane::broadcast::Keep;
use rtt_lane::broadcast::figures::figures;
use rtt_lane::layout::Drop;
use rtt_lane::{Next, WordsMut, clock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Looks once; returns whether the lane can still bring something.
fn look(heard: &mut Heard) -> bool {
    match heard.reader.look() {
        Next::Frame(bytes) => {
            assert!(bytes <= 900, "a frame of {bytes} bytes was shown");
            let mut payload = vec![0; bytes];
            let _ = heard.reader.take(&mut payload);
            heard.reader.done();
            true
        }
        Next::Switch(_) => {
            heard.reader.pass_switch();
            true
        }
        Next::Empty => true,
        Next::Broken => false,
    }
}

proptest! {
    /// Any bytes at all in the writer's region.
    #[test]
    fn a_reader_survives_any_region(
        words in prop::collection::vec((any::<prop::sample::Index>(), any::<u64>(), any::<bool>()), 0..200),
        filling in any::<u64>(),
        latest in any::<bool>(),
    ) {
        let mut lane = broadcast(4096, knobs(900));
        let keep = if latest { Keep::Latest } else { Keep::Oldest };
        let mut heard = lane.joined(1, keep, 1);
        for id in 0..20 {
            lane.writer.send(1, id, 0, clock::now(), &[id as u8; 60]).unwrap();
        }
        if filling % 3 == 0 {
            for at in (0..lane.ring.bytes() as usize).step_by(8) {
                lane.ring.store64(at, filling.rotate_left(at as u32 % 64), Ordering::Relaxed);
            }
        }
        for (place, value, small) in words {
            let at = place.index(lane.ring.bytes() as usize / 8) * 8;
            lane.ring.store64(at, if small { value % 200 } else { value }, Ordering::Relaxed);
            look(&mut heard);
            let _ = figures(&lane.ring, &heard.page, &lane.slots, clock::now());
        }
        for epoch in 0..100 {
            for _ in 0..20 {
                look(&mut heard);
            }
            heard.reader.abandon();
            heard.reader.join(epoch);
        }
    }

    /// Any reader's page: telemetry adds nothing up that overflows, and the writer does not look.
    #[test]
    fn telemetry_survives_any_reader(words in prop::collection::vec((0_usize..512, any::<u64>()), 1..100)) {
        let mut lane = broadcast(4096, knobs(900));
        let heard = lane.joined(1, Keep::Oldest, 1);
        for (id, (at, value)) in words.into_iter().enumerate() {
            heard.page.store64(4096 + at * 8, value, Ordering::Relaxed);
            lane.writer.send(1, id as u64, 0, clock::now(), &[0; 60]).unwrap();
            let shown = figures(&lane.ring, &heard.page, &lane.slots, clock::now());
            prop_assert!(shown.depth <= lane.slots.count && shown.over <= shown.samples);
        }
    }
}

/// The writer's region is overwritten at random while readers and telemetry are at work, and the writer goes on meanwhile.
#[test]
fn readers_survive_a_writer_that_changes_everything_under_them() {
    let mut lane = broadcast(4096, knobs(900));
    let mut readers = [lane.joined(1, Keep::Oldest, 1), lane.joined(2, Keep::Latest, 2)];
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
                // Plausible sequences and lengths as well as noise: these get furthest.
                let value = if random & 1 == 0 { random >> 20 } else { (random >> 32) % 1000 };
                ring.store64(at, value, Ordering::Relaxed);
                mutations.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    let (mut looks, mut id, mut broken) = (0_u64, 0_u64, 0_u64);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(2);
    while std::time::Instant::now() < until {
        id += 1;
        let _ = lane.writer.send(1, id, 0, clock::now(), &[id as u8; 60]);
        for (number, heard) in readers.iter_mut().enumerate() {
            looks += 1;
            if !look(heard) || id % 1_000 == 0 {
                broken += 1;
                // A new reader on the same spoilt memory: it may hold anything at all by now.
                *heard = lane.reader(number as u64 + 1, if number == 0 { Keep::Oldest } else { Keep::Latest });
                heard.reader.join(broken);
                lane.writer.end(broken);
            }
            let _ = figures(&lane.ring, &heard.page, &lane.slots, clock::now());
        }
    }
    stop.store(true, Ordering::Relaxed);
    vandal.join().unwrap();
    let changed = mutations.load(Ordering::Relaxed);
    assert!(looks > 1_000 && changed > 1_000 && broken > 0, "{looks} looks, {changed} changes, {broken} broken");
}

/// Claims that no honest writer makes end the lane, visibly.
#[test]
fn impossible_claims_break_the_lane() {
    for (what, value) in [
        ("a sequence of another slot", 2 * 3 + 2),
        ("a sequence from the far future", u64::MAX - 1),
        ("more ends than there were epochs", u64::MAX),
    ] {
        let mut lane = broadcast(4096, knobs(900));
        let place = if value == u64::MAX { lane.slots.writer_page + 512 } else { lane.slots.ring };
        let mut heard = lane.joined(1, Keep::Oldest, 1);
        assert_eq!(heard.reader.look(), Next::Empty);
        lane.ring.store64(place, value, Ordering::Relaxed);
        assert_eq!(heard.reader.look(), Next::Broken, "{what}");
        assert!(heard.reader.is_broken() && heard.reader.drops()[Drop::Corrupt as usize] == 1, "{what}");
    }
}

#[test]
fn a_frame_that_is_changed_or_has_an_impossible_length_is_dropped_alone() {
    let mut lane = broadcast(4096, knobs(900));
    let mut heard = lane.joined(1, Keep::Oldest, 1);
    for id in 0..3 {
        lane.writer.send(1, id, 0, clock::now(), &[7; 60]).unwrap();
    }
    let slot = |frame: usize| lane.slots.ring + frame * lane.slots.bytes;
    lane.ring.store64(slot(0) + 40, 0, Ordering::Relaxed);
    lane.ring.store32(slot(1) + 8, 5, Ordering::Relaxed);
    let mut payload = [0; 60];
    assert_eq!(heard.reader.look(), Next::Frame(60));
    assert!(heard.reader.take(&mut payload).is_err());
    assert_eq!(heard.reader.look(), Next::Frame(60));
    assert_eq!(heard.reader.take(&mut payload).unwrap().header.frame_id, 2);
    assert_eq!(heard.reader.drops()[Drop::Corrupt as usize], 2);
}
