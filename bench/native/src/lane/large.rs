//! Frames of 64 KiB, one copy each side, against memcpy: with the same two copies on the same two cores, and on one core in
//! its own cache.
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rtt_bench::bare::Line;
use rtt_bench::flows::{Flow, Flows, Mode};
use rtt_bench::lanes::{Receiver, SAMPLED_HZ, Sender, lane, try_receive};
use rtt_bench::shared::shared;
use rtt_bench::{ASKER, Figure, Outcome, median, pin};
use rtt_lane::clock;

const FRAME: usize = 64 * 1024;
/// With its header the frame has the size of the row.
const PAYLOAD: usize = FRAME - 32;
const RING_BYTES: usize = 1 << 20;
const FRAMES: u64 = 500;
const TURNS: u64 = 41;

pub fn measure() -> Outcome {
    let mut flows = Flows::default();
    flows.enter(Mode::Together, FRAMES, LaneFlow::new()?);
    flows.enter(Mode::Together, FRAMES, CopyFlow::new()?);
    let rates = flows.run(TURNS)?;
    let gigabytes = |frames: f64| frames * PAYLOAD as f64 / 1e9;
    let (value, handed) = (gigabytes(rates[0].consumed), gigabytes(rates[1].consumed));
    row(value, handed, "memcpy in and out of shared memory, same cores", ">= 0.9x");
    row(value, one_core()?, "memcpy, one core, its own cache", "");
    Ok(())
}

fn row(value: f64, reference: f64, against: &str, mark: &str) {
    let name = "lane, sustained, 64 KiB frames";
    Figure { name, value, unit: "GB/s", reference: Some(reference), against, mark }.print();
}

struct LaneFlow {
    sender: Sender,
    receiver: Receiver,
    sent: u64,
    payload: Vec<u8>,
}

impl LaneFlow {
    fn new() -> Outcome<Self> {
        let (sender, receiver) = lane(RING_BYTES as u64, PAYLOAD as u32, SAMPLED_HZ)?;
        Ok(Self { sender, receiver, sent: 0, payload: vec![0x5a; PAYLOAD] })
    }
}

impl Flow for LaneFlow {
    fn produce(&mut self, frames: u64) {
        for _ in 0..frames {
            let now = if self.sender.wants_stamp() { clock::now() } else { 0 };
            while self.sender.send(1, self.sent, 0, now, &self.payload).is_err() {
                std::hint::spin_loop();
            }
            self.sent += 1;
        }
    }

    fn consume(&mut self, frames: u64) {
        for _ in 0..frames {
            while !try_receive(&mut self.receiver, &mut self.payload) {
                std::hint::spin_loop();
            }
            self.receiver.done();
        }
    }
}

const SLOTS: usize = RING_BYTES / FRAME;
const WORDS: usize = FRAME / size_of::<AtomicU64>();

/// Slots of one frame, filled and emptied by memcpy; two counters say which are full.
struct CopyFlow {
    memory: &'static [AtomicU64],
    counters: &'static [Line],
    produced: u64,
    consumed: u64,
    payload: Vec<u8>,
}

impl CopyFlow {
    fn new() -> Outcome<Self> {
        let (memory, counters) = (shared(SLOTS * WORDS)?, shared(2)?);
        Ok(Self { memory, counters, produced: 0, consumed: 0, payload: vec![0x5a; PAYLOAD] })
    }

    fn slot(&self, number: u64) -> *mut u8 {
        let slot = number as usize % SLOTS * WORDS;
        self.memory[slot..slot + WORDS].as_ptr().cast::<u8>().cast_mut()
    }
}

impl Flow for CopyFlow {
    fn produce(&mut self, frames: u64) {
        for _ in 0..frames {
            while self.produced - self.counters[1].0.load(Ordering::Acquire) >= SLOTS as u64 {
                std::hint::spin_loop();
            }
            // SAFETY: the slot is as long as a frame; the consumer has given it back and does not touch it.
            unsafe { std::ptr::copy_nonoverlapping(self.payload.as_ptr(), self.slot(self.produced), PAYLOAD) };
            self.produced += 1;
            self.counters[0].0.store(self.produced, Ordering::Release);
        }
    }

    fn consume(&mut self, frames: u64) {
        for _ in 0..frames {
            while self.counters[0].0.load(Ordering::Acquire) == self.consumed {
                std::hint::spin_loop();
            }
            // SAFETY: the slot is as long as a frame; the producer has handed it over and does not touch it.
            unsafe { std::ptr::copy_nonoverlapping(self.slot(self.consumed), self.payload.as_mut_ptr(), PAYLOAD) };
            std::hint::black_box(&mut self.payload);
            self.consumed += 1;
            self.counters[1].0.store(self.consumed, Ordering::Release);
        }
    }
}

/// GB/s of one thread that copies as much, in pieces as large, through as much memory as the ring has.
fn one_core() -> Outcome<f64> {
    pin(ASKER)?;
    let from = vec![0x5a_u8; PAYLOAD];
    let mut ring = vec![0_u8; RING_BYTES];
    let turns = (0..TURNS).map(|_| {
        let started = Instant::now();
        for frame in 0..FRAMES as usize {
            let at = frame % SLOTS * FRAME;
            ring[at..at + PAYLOAD].copy_from_slice(&from);
            std::hint::black_box(&mut ring);
        }
        (FRAMES as usize * PAYLOAD) as f64 / started.elapsed().as_nanos() as f64
    });
    Ok(median(turns.collect()))
}
