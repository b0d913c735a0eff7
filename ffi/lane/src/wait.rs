//! Sleeping on words of shared memory, and the barrier that spares the hot path its fence.
//!
//! Dekker's pattern: a sleeper stores its flag, then looks at the word; a waker stores the word, then looks at the flag. One of
//! them must see the other, which needs a full fence on both sides. Here the sleeper pays for both: `membarrier` makes every
//! registered process run a fence, so that a registered waker needs only the compiler to keep the order. A waker that could
//! not register pays its own fence; a sleeper whose `membarrier` is refused bounds its sleep instead.
use crate::clock;
use crate::limits::{SLEEP_NS, SLEEP_UNFENCED_NS, WAIT_WORDS};
use rustix::io::Errno;
use rustix::thread::futex::{self, Wait, WaitFlags, WaitPtr, WaitvFlags};
use rustix::thread::{ClockId, MembarrierCommand, membarrier};
use rustix::time::Timespec;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, compiler_fence, fence};

/// Whether this process is fenced by the sleepers' barriers.
fn registered() -> bool {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    // Miri knows no such call.
    *REGISTERED.get_or_init(|| !cfg!(miri) && membarrier(MembarrierCommand::RegisterGlobalExpedited).is_ok())
}

/// The waker's side of the pattern, made once when a lane is bound.
#[derive(Clone, Copy, Debug)]
pub struct WakerFence {
    full: bool,
}

impl WakerFence {
    pub fn new() -> Self {
        Self { full: !registered() }
    }

    /// Between the store of the word and the look at the flag. Pairs with `sleeper_fence`.
    #[inline]
    pub fn between_store_and_look(self) {
        if self.full {
            fence(Ordering::SeqCst);
        } else {
            compiler_fence(Ordering::SeqCst);
        }
    }
}

impl Default for WakerFence {
    fn default() -> Self {
        Self::new()
    }
}

/// Between the store of the sleeper's flags and its second look at the words. Pairs with `WakerFence`. False: the barrier is
/// refused here, so that the sleep must be short.
pub fn sleeper_fence() -> bool {
    fence(Ordering::SeqCst);
    !cfg!(miri) && membarrier(MembarrierCommand::GlobalExpedited).is_ok()
}

/// A word and what it was when there was nothing to do.
#[derive(Clone, Copy, Debug)]
pub struct Watch<'a> {
    pub word: &'a AtomicU32,
    pub seen: u32,
}

/// Sleeps until a word is no longer as seen and someone wakes, or until `deadline` (CLOCK_MONOTONIC), or a bound. Waking up
/// without reason is allowed: the caller looks again. `fenced` is what `sleeper_fence` said.
pub fn sleep(watches: &[Watch<'_>], deadline: u64, fenced: bool) {
    static REFUSED: AtomicBool = AtomicBool::new(false);
    let now = clock::now();
    let refused = cfg!(miri) || REFUSED.load(Ordering::Relaxed) || watches.len() > WAIT_WORDS;
    let bound = if fenced && !refused { SLEEP_NS } else { SLEEP_UNFENCED_NS };
    let until = deadline.min(now.saturating_add(bound));
    if until <= now {
        return;
    }
    if refused || watches.is_empty() {
        std::thread::sleep(std::time::Duration::from_nanos(until - now));
        return;
    }
    let mut waiters = [Wait::new(); 8];
    let mut many = Vec::new();
    let waiters: &mut [Wait] = if watches.len() <= waiters.len() {
        &mut waiters[..watches.len()]
    } else {
        many.resize(watches.len(), Wait::new());
        &mut many
    };
    for (waiter, watch) in waiters.iter_mut().zip(watches) {
        waiter.val = u64::from(watch.seen);
        waiter.uaddr = WaitPtr::new(std::ptr::from_ref(watch.word).cast_mut().cast());
        // Not PRIVATE: the waker is another process.
        waiter.flags = WaitFlags::SIZE_U32;
    }
    let until = Timespec {
        tv_sec: (until / 1_000_000_000).try_into().unwrap_or(i64::MAX),
        tv_nsec: (until % 1_000_000_000).try_into().unwrap_or(0),
    };
    let woken = futex::waitv(waiters, WaitvFlags::empty(), Some(&until), ClockId::Monotonic);
    // All else (woken, changed already, over, interrupted) means: look again.
    if let Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) = woken {
        REFUSED.store(true, Ordering::Relaxed);
    }
}

/// Wakes whoever sleeps on the word, in any process.
pub fn wake(word: &AtomicU32) {
    // It fails only for an address that is none, which a mapped word is not.
    let _ = futex::wake(word, futex::Flags::empty(), u32::MAX >> 1);
}
