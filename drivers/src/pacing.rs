//! A steady beat on the monotonic clock, and time as measured.
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

const NS_PER_S: u64 = 1_000_000_000;

/// CLOCK_MONOTONIC, nanoseconds: the clock of frames' stamps.
pub fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * NS_PER_S + now.tv_nsec as u64
}

/// Ticks every `period_ns`. A tick that was missed is not made up for: the next one is at the next whole period.
pub struct Beat {
    period_ns: u64,
    next_ns: u64,
}

impl Beat {
    pub fn new(period_ns: u64) -> Self {
        Self { period_ns, next_ns: monotonic_ns() + period_ns }
    }

    /// Sleeps until the next tick and answers the time it is then.
    pub fn wait(&mut self) -> u64 {
        let mut now = monotonic_ns();
        while now < self.next_ns {
            std::thread::sleep(Duration::from_nanos(self.next_ns - now));
            now = monotonic_ns();
        }
        self.next_ns += ((now - self.next_ns) / self.period_ns + 1) * self.period_ns;
        now
    }
}
