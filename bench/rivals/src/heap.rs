//! A heap of which a part is shared with the processes that are forked later, so that a ring made for two threads serves two
//! processes: at the same addresses, in the same kind of memory as a lane.
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rtt_bench::Outcome;
use rtt_bench::shared::shared;

const BYTES: usize = 1 << 20;

pub struct Heap {
    start: AtomicUsize,
    next: AtomicUsize,
}

thread_local! {
    static SHARING: Cell<bool> = const { Cell::new(false) };
}

impl Heap {
    pub const fn new() -> Self {
        Self { start: AtomicUsize::new(0), next: AtomicUsize::new(0) }
    }

    /// What `make` allocates lies in shared memory, for ever.
    pub fn sharing<T>(&self, make: impl FnOnce() -> T) -> Outcome<T> {
        if self.start.load(Ordering::Relaxed) == 0 {
            let memory = shared::<AtomicU64>(BYTES / size_of::<AtomicU64>())?;
            self.start.store(memory.as_ptr() as usize, Ordering::Relaxed);
            self.next.store(memory.as_ptr() as usize, Ordering::Relaxed);
        }
        SHARING.set(true);
        let made = make();
        SHARING.set(false);
        Ok(made)
    }

    fn is_shared(&self, place: *mut u8) -> bool {
        let start = self.start.load(Ordering::Relaxed);
        start != 0 && (start..start + BYTES).contains(&(place as usize))
    }
}

// SAFETY: private memory is the system's; shared memory is handed out once, aligned and inside the mapping, and never reused.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !SHARING.get() {
            // SAFETY: by the caller's promise.
            return unsafe { System.alloc(layout) };
        }
        let place = self.next.load(Ordering::Relaxed).next_multiple_of(layout.align());
        if place + layout.size() > self.start.load(Ordering::Relaxed) + BYTES {
            return std::ptr::null_mut();
        }
        self.next.store(place + layout.size(), Ordering::Relaxed);
        std::ptr::with_exposed_provenance_mut(place)
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        if !self.is_shared(place) {
            // SAFETY: it came from the system, by the caller's promise.
            unsafe { System.dealloc(place, layout) };
        }
    }
}
