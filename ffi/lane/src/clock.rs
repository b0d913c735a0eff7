//! CLOCK_MONOTONIC in nanoseconds: the one clock that all processes of a host share.
//!
//! Asking the kernel's page costs 25 ns, twice a frame. Where the processor's counter runs at a constant rate, a thread asks
//! once, and for the next 50 µs adds what the counter says since: 9 ns, and less than 10 ns off. A counter that jumps (another
//! core, a stop, a migration) leaves that window and is not believed; one that is wrong inside it is wrong by at most the
//! window.
use rustix::time::{ClockId, clock_gettime};

#[inline]
pub fn now() -> u64 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    return counter::now();
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    return kernel();
}

/// What the kernel says.
fn kernel() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    // Monotonic time is not negative.
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod counter {
    use super::kernel;
    use std::arch::x86_64::{__cpuid, _rdtsc};
    use std::cell::Cell;
    use std::sync::OnceLock;

    /// How long one answer of the kernel is built upon.
    const WINDOW_NS: u64 = 50_000;
    /// The least distance of two answers from which the counter's rate is taken: 50 ns of jitter are then 50 ppm.
    const RATE_NS: u64 = 1_000_000;
    /// The rate is taken anew after this long, for it follows the kernel's own adjustments.
    const RATE_NS_MAX: u64 = 1_000_000_000;
    const SHIFT: u32 = 32;
    /// Counts around one question to the kernel from which it was interrupted.
    const TOGETHER: u64 = 2_000;

    #[derive(Clone, Copy)]
    struct Anchor {
        counter: u64,
        ns: u64,
        /// Counts from `counter` for which it may be built upon; 0: not at all.
        window: u64,
        /// Nanoseconds of 2³² counts.
        rate: u64,
        /// An older answer, for the rate.
        rate_counter: u64,
        rate_ns: u64,
    }

    thread_local! {
        static ANCHOR: Cell<Anchor> = const {
            Cell::new(Anchor { counter: 0, ns: 0, window: 0, rate: 0, rate_counter: 0, rate_ns: 0 })
        };
    }

    #[inline]
    pub fn now() -> u64 {
        // SAFETY: every x86-64 processor has the counter; a process that may not read it has been set up against this kit.
        let counter = unsafe { _rdtsc() };
        let anchor = ANCHOR.get();
        let since = counter.wrapping_sub(anchor.counter);
        if since < anchor.window {
            return anchor.ns + ((u128::from(since) * u128::from(anchor.rate)) >> SHIFT) as u64;
        }
        ask(anchor)
    }

    #[cold]
    fn ask(mut anchor: Anchor) -> u64 {
        if !is_constant() {
            return kernel();
        }
        // Not before the last that this thread may have been told by the counter.
        let told = anchor.ns + ((u128::from(anchor.window) * u128::from(anchor.rate)) >> SHIFT) as u64;
        // SAFETY: as in `now`.
        let before = unsafe { _rdtsc() };
        let ns = kernel().max(told);
        // SAFETY: as in `now`.
        let counter = unsafe { _rdtsc() };
        if counter.wrapping_sub(before) > TOGETHER {
            // Interrupted between the two: they say nothing about each other.
            anchor.window = 0;
            (anchor.counter, anchor.ns) = (counter, ns);
            ANCHOR.set(anchor);
            return ns;
        }
        let (counts, elapsed) = (counter.wrapping_sub(anchor.rate_counter), ns.saturating_sub(anchor.rate_ns));
        if anchor.rate_ns == 0 || counts == 0 || elapsed > RATE_NS_MAX && anchor.rate == 0 {
            (anchor.rate_counter, anchor.rate_ns) = (counter, ns);
        } else if elapsed >= RATE_NS {
            let rate = (u128::from(elapsed) << SHIFT) / u128::from(counts);
            // Counters run at 0.1 to 10 GHz; anything else is none.
            let sane = (1 << SHIFT) / 10..10 << SHIFT;
            anchor.rate = u64::try_from(rate).ok().filter(|rate| sane.contains(rate)).unwrap_or(0);
            if elapsed > RATE_NS_MAX {
                (anchor.rate_counter, anchor.rate_ns) = (counter, ns);
            }
        }
        anchor.window = (WINDOW_NS << SHIFT).checked_div(anchor.rate).unwrap_or(0);
        (anchor.counter, anchor.ns) = (counter, ns);
        ANCHOR.set(anchor);
        ns
    }

    /// Whether the counter's rate depends on nothing (the processor's own word).
    fn is_constant() -> bool {
        static CONSTANT: OnceLock<bool> = OnceLock::new();
        *CONSTANT.get_or_init(|| {
            const POWER: u32 = 0x8000_0007;
            __cpuid(0x8000_0000).eax >= POWER && __cpuid(POWER).edx & (1 << 8) != 0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_kernels_clock_and_never_goes_back() {
        let mut last = 0;
        let until = kernel() + 50_000_000;
        let mut off = 0;
        loop {
            let before = kernel();
            let shown = now();
            let after = kernel();
            assert!(shown >= last, "it went back from {last} to {shown}");
            last = shown;
            // Between two answers of the kernel, give or take: what is off by more than 2 µs would show in a budget.
            if shown + 2_000 < before || shown > after + 2_000 {
                off += 1;
            }
            if before > until {
                break;
            }
        }
        assert_eq!(off, 0);
    }
}
