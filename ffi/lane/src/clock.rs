//! CLOCK_MONOTONIC in nanoseconds: the one clock that all processes of a host share.
use rustix::time::{ClockId, clock_gettime};

#[inline]
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    // Monotonic time is not negative.
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}
