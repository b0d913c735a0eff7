//! Sustained rates: small frames against a bare ring, large ones against memcpy.
use std::sync::Barrier;
use std::time::Instant;

use rtt_lane::clock;

use crate::bare::{BareRing, FRAME_WORDS};
use crate::rings::{Receiver, SAMPLED_HZ, Sender, lane, try_receive};
use crate::{CORES, Figure, Outcome, median, pin};

/// With its header a frame of 64 bytes.
const SMALL: usize = 32;
const SMALL_RING: u64 = 1 << 20;
/// As many as take a few milliseconds, for the reason in `latency.rs`.
const SMALL_FRAMES: u64 = 200_000;
const LARGE: usize = 64 * 1024 - 32;
const LARGE_RING: u64 = 1 << 20;
const LARGE_FRAMES: u64 = 1_000;
const ROUNDS: usize = 41;
/// A consumer that returns its credit at each frame makes the producer's line bounce: it is returned in batches.
const CREDIT_EVERY: u64 = 64;

pub fn measure() -> Outcome {
    let (mut small, mut bare, mut large, mut copied) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        small.push(SMALL_FRAMES as f64 / stream(SMALL_RING, SMALL, SMALL_FRAMES)? / 1e6);
        bare.push(SMALL_FRAMES as f64 / bare_stream()? / 1e6);
        large.push((LARGE_FRAMES * LARGE as u64) as f64 / stream(LARGE_RING, LARGE, LARGE_FRAMES)? / 1e9);
        copied.push((LARGE_FRAMES * LARGE as u64) as f64 / copy_stream()? / 1e9);
    }
    Figure {
        name: "lane, sustained, 64 B frames",
        value: median(small),
        unit: "M frames/s",
        reference: median(bare),
        against: "bare ring of 64 B",
        mark: "",
    }
    .print();
    Figure {
        name: "lane, sustained, 64 KiB frames",
        value: median(large),
        unit: "GB/s",
        reference: median(copied),
        against: "memcpy, one core",
        mark: "",
    }
    .print();
    Ok(())
}

/// Runs both sides on their cores, from a common start; the seconds until the consumer is done.
fn together(produce: impl FnOnce() + Send, consume: impl FnOnce() + Send) -> Outcome<f64> {
    let start = Barrier::new(2);
    std::thread::scope(|scope| {
        let consumer = scope.spawn(|| {
            pin(CORES[1]).map_err(|error| error.to_string())?;
            start.wait();
            let started = Instant::now();
            consume();
            Ok::<f64, String>(started.elapsed().as_secs_f64())
        });
        pin(CORES[0])?;
        start.wait();
        produce();
        Ok(consumer.join().map_err(|_| "cannot measure because the consumer panicked")??)
    })
}

fn stream(ring_bytes: u64, payload: usize, frames: u64) -> Outcome<f64> {
    let (sender, receiver) = lane(ring_bytes, payload as u32, SAMPLED_HZ)?;
    together(move || send_all(sender, payload, frames), move || receive_all(receiver, payload, frames))
}

fn send_all(mut to: Sender, bytes: usize, frames: u64) {
    let payload = vec![0x5a_u8; bytes];
    for frame in 0..frames {
        let now = if to.wants_stamp() { clock::now() } else { 0 };
        while to.send(1, frame, 0, now, &payload).is_err() {
            std::hint::spin_loop();
        }
    }
}

fn receive_all(mut from: Receiver, bytes: usize, frames: u64) {
    let mut payload = vec![0u8; bytes];
    let mut received = 0;
    // Large frames fill a ring in a few: their credit goes back at each.
    let every = if bytes > SMALL { 1 } else { CREDIT_EVERY };
    while received < frames {
        if try_receive(&mut from, &mut payload) {
            received += 1;
            if received % every == 0 {
                from.done();
            }
        } else {
            from.done();
            std::hint::spin_loop();
        }
    }
    from.done();
}

fn bare_stream() -> Outcome<f64> {
    let ring = BareRing::new((SMALL_RING / 64) as usize);
    let produce = || {
        let (payload, mut known) = ([0x5a_u64; FRAME_WORDS], 0);
        for number in 1..=SMALL_FRAMES {
            while !ring.has_room(number, &mut known) {
                std::hint::spin_loop();
            }
            ring.write(number, &payload);
        }
    };
    let consume = || {
        let mut payload = [0; FRAME_WORDS];
        for number in 1..=SMALL_FRAMES {
            while !ring.read(number, &mut payload) {
                std::hint::spin_loop();
            }
            if number % CREDIT_EVERY == 0 {
                ring.give_credit(number);
            }
        }
    };
    together(produce, consume)
}

/// One thread that copies as much, in pieces as large, through as much memory as the ring has.
fn copy_stream() -> Outcome<f64> {
    pin(CORES[0])?;
    let from = vec![0x5a_u8; LARGE];
    let mut ring = vec![0u8; LARGE_RING as usize];
    let started = Instant::now();
    for frame in 0..LARGE_FRAMES as usize {
        let at = frame % (LARGE_RING as usize / LARGE) * LARGE;
        ring[at..at + LARGE].copy_from_slice(&from);
        std::hint::black_box(&mut ring);
    }
    Ok(started.elapsed().as_secs_f64())
}
