//! Sustained rates: one process produces as fast as it may, the other consumes, for several ways in turns.
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::bare::wait_for;
use crate::shared::shared;
use crate::{ASKER, Outcome, median, peer, pin};

/// A way from one process to another. Both hold it; each uses its own half.
pub trait Flow {
    fn produce(&mut self, frames: u64);
    fn consume(&mut self, frames: u64);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Both sides at once.
    Together,
    /// First all is produced, then all is consumed: each side's own rate. The frames must fit.
    InTurn,
}

#[derive(Default)]
pub struct Flows {
    ways: Vec<(Mode, u64, Box<dyn Flow>)>,
}

/// Medians over all turns.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Frames a second of the producer.
    pub produced: f64,
    /// Frames a second of the consumer.
    pub consumed: f64,
}

impl Flows {
    /// `frames` is how many follow each other in one turn.
    pub fn enter(&mut self, mode: Mode, frames: u64, way: impl Flow + 'static) {
        self.ways.push((mode, frames, Box::new(way)));
    }

    /// The rates of each way, in the order in which they were entered. One turn more than `turns` is run, and not counted.
    pub fn run(mut self, turns: u64) -> Outcome<Vec<Rates>> {
        let board = Board::new()?;
        let ways = &mut self.ways;
        let peer = peer::beside(|| {
            for turn in 0..=turns {
                for (index, (_, frames, way)) in ways.iter_mut().enumerate() {
                    board.consume(meeting(turn, index), *frames, way.as_mut());
                }
            }
            Ok(())
        })?;
        pin(ASKER)?;
        let mut samples = vec![(Vec::new(), Vec::new()); self.ways.len()];
        for turn in 0..=turns {
            for (index, (mode, frames, way)) in self.ways.iter_mut().enumerate() {
                let (produced, consumed) = board.produce(meeting(turn, index), *mode, *frames, way.as_mut());
                if turn > 0 {
                    samples[index].0.push(produced);
                    samples[index].1.push(consumed);
                }
            }
        }
        peer.join()?;
        Ok(samples.into_iter().map(|(p, c)| Rates { produced: median(p), consumed: median(c) }).collect())
    }
}

/// A number of its own for each way of each turn.
fn meeting(turn: u64, index: usize) -> u64 {
    (turn << 32) | (index as u64 + 1)
}

/// Where the sides meet, before and after each turn.
struct Board {
    ready: &'static AtomicU64,
    go: &'static AtomicU64,
    done: &'static AtomicU64,
    elapsed_ns: &'static AtomicU64,
}

/// Words on one line would bounce for each other's sake.
const APART: usize = 16;

impl Board {
    fn new() -> Outcome<Self> {
        let words = shared::<AtomicU64>(4 * APART)?;
        Ok(Self { ready: &words[0], go: &words[APART], done: &words[2 * APART], elapsed_ns: &words[3 * APART] })
    }

    fn consume(&self, turn: u64, frames: u64, way: &mut dyn Flow) {
        self.ready.store(turn, Ordering::Release);
        wait_for(self.go, turn);
        let started = Instant::now();
        way.consume(frames);
        let elapsed = started.elapsed().as_nanos() as u64;
        self.elapsed_ns.store(elapsed, Ordering::Relaxed);
        self.done.store(turn, Ordering::Release);
    }

    fn produce(&self, turn: u64, mode: Mode, frames: u64, way: &mut dyn Flow) -> (f64, f64) {
        wait_for(self.ready, turn);
        if mode == Mode::Together {
            self.go.store(turn, Ordering::Release);
        }
        let started = Instant::now();
        way.produce(frames);
        let produced = started.elapsed();
        self.go.store(turn, Ordering::Release);
        wait_for(self.done, turn);
        let rate = |ns: f64| frames as f64 / ns * 1e9;
        (rate(produced.as_nanos() as f64), rate(self.elapsed_ns.load(Ordering::Relaxed) as f64))
    }
}
