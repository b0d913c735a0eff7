//! There and back between two processes, for several ways of carrying 32 bytes in turns.
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::bare::wait_for;
use crate::shared::shared;
use crate::ticks::{self, Rate};
use crate::{ASKER, Outcome, median, peer, pin};

pub const PAYLOAD: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Asker,
    Echo,
}

/// A way to carry a small message there and back. Both processes hold it; each uses its own half.
pub trait Trip {
    /// What can only be made in the process that uses it.
    fn open(&mut self, _side: Side) -> Outcome {
        Ok(())
    }
    /// Sends a message and waits for its answer. Numbers start at 1.
    fn ask(&mut self, number: u64);
    /// Waits for a message and answers it.
    fn echo(&mut self, number: u64);
    /// Lets go of what would outlive the process.
    fn close(&mut self) {}
}

/// A way with its loops: the calls of `Trip` are compiled into them.
trait Loops {
    fn open(&mut self, side: Side) -> Outcome;
    fn ask_all(&mut self, first: u64, trips: u64);
    fn ask_timed(&mut self, first: u64, trips: u64, counts: &mut Vec<u64>);
    fn echo_all(&mut self, first: u64, trips: u64);
    fn close(&mut self);
}

impl<Way: Trip> Loops for Way {
    fn open(&mut self, side: Side) -> Outcome {
        Trip::open(self, side)
    }

    fn ask_all(&mut self, first: u64, trips: u64) {
        for number in first..first + trips {
            self.ask(number);
        }
    }

    fn ask_timed(&mut self, first: u64, trips: u64, counts: &mut Vec<u64>) {
        let mut before = ticks::now();
        for number in first..first + trips {
            self.ask(number);
            let after = ticks::now();
            counts.push(after.wrapping_sub(before));
            before = after;
        }
    }

    fn echo_all(&mut self, first: u64, trips: u64) {
        for number in first..first + trips {
            self.echo(number);
        }
    }

    fn close(&mut self) {
        Trip::close(self);
    }
}

/// Its name, and how many trips follow each other in one turn.
type Entry = (&'static str, u64, Box<dyn Loops>);

/// Several ways that are measured in turns.
#[derive(Default)]
pub struct Contest {
    ways: Vec<Entry>,
}

/// One way, half of there and back.
#[derive(Debug)]
pub struct Times {
    pub name: &'static str,
    /// The median batch's mean, with no clock between trips.
    pub typical_ns: f64,
    /// Single trips, sorted; a look at the processor's counter is in each.
    pub each_ns: Vec<f64>,
}

impl Contest {
    /// `trips` is how many follow each other in one turn: few, so that on a machine that does other work too most turns are
    /// not interrupted.
    pub fn enter(&mut self, name: &'static str, trips: u64, way: impl Trip + 'static) {
        self.ways.push((name, trips, Box::new(way)));
    }

    /// The times of each way, in the order in which they were entered.
    pub fn run(mut self, turns: u64) -> Outcome<Vec<Times>> {
        let mut ways = std::mem::take(&mut self.ways);
        let answered = &shared::<AtomicU64>(1)?[0];
        let peer = {
            let ways = &mut ways;
            peer::beside(move || {
                echo(ways, turns)?;
                // An answer on its way is lost by some when their end is closed.
                wait_for(answered, 1);
                close(ways);
                Ok(())
            })?
        };
        pin(ASKER)?;
        let times = ask(&mut ways, turns)?;
        answered.store(1, Ordering::Release);
        peer.join()?;
        close(&mut ways);
        Ok(times)
    }
}

fn close(ways: &mut [Entry]) {
    for (_, _, way) in ways {
        way.close();
    }
}

fn echo(ways: &mut [Entry], turns: u64) -> Outcome {
    for (_, _, way) in ways.iter_mut() {
        way.open(Side::Echo)?;
    }
    for turn in 0..turns {
        for (_, trips, way) in ways.iter_mut() {
            way.echo_all(turn * 2 * *trips + 1, 2 * *trips);
        }
    }
    Ok(())
}

fn ask(ways: &mut [Entry], turns: u64) -> Outcome<Vec<Times>> {
    let mut typical = vec![Vec::new(); ways.len()];
    let mut counts: Vec<Vec<u64>> =
        ways.iter().map(|(_, trips, _)| Vec::with_capacity((turns * trips) as usize)).collect();
    for (_, _, way) in ways.iter_mut() {
        way.open(Side::Asker)?;
    }
    let rate = Rate::start();
    for turn in 0..turns {
        for (index, (_, trips, way)) in ways.iter_mut().enumerate() {
            let first = turn * 2 * *trips + 1;
            let started = Instant::now();
            way.ask_all(first, *trips);
            typical[index].push(started.elapsed().as_nanos() as f64 / (2 * *trips) as f64);
            way.ask_timed(first + *trips, *trips, &mut counts[index]);
        }
    }
    let one_way = rate.ns() / 2.0;
    let times = ways.iter().zip(typical).zip(counts).map(|(((name, _, _), typical), counts)| {
        let mut each_ns: Vec<f64> = counts.into_iter().map(|count| count as f64 * one_way).collect();
        each_ns.sort_by(f64::total_cmp);
        Times { name, typical_ns: median(typical), each_ns }
    });
    Ok(times.collect())
}
