//! Monotonic time: the only one that the keeper knows.
use rustix::time::{ClockId, clock_gettime};

pub fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}
