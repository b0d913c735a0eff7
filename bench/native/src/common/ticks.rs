//! Times of single events: the processor's counter where there is one, else the clock.
use std::time::Instant;

/// Counts at this moment.
#[inline]
pub fn now() -> u64 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has the counter.
    return unsafe { std::arch::x86_64::_rdtsc() };
    #[cfg(not(target_arch = "x86_64"))]
    return rtt_lane::clock::now();
}

/// A stretch from which the counter's rate is taken.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    started: Instant,
    counts: u64,
}

impl Rate {
    pub fn start() -> Self {
        Self { started: Instant::now(), counts: now() }
    }

    /// Nanoseconds of one count, over all that went by since `start`.
    pub fn ns(&self) -> f64 {
        let counts = now().wrapping_sub(self.counts);
        self.started.elapsed().as_nanos() as f64 / counts as f64
    }
}
