//! The host below a model: what `membarrier` and the futex calls do, in terms of the checker's own fences, locks and parking.
//!
//! **membarrier.** The call returns after every processor that runs a registered process has run a full fence at some moment
//! between the call and its return (the kernel interrupts it for that), and after one of its own before and after. A processor
//! that runs something else passed a full fence when it switched. So here: each thread has a state that the caller marks; the
//! thread looks at its mark before each of its accesses (an interrupt may come between any two, and the checker tries all of
//! them, because the mark is an object that it knows), runs `fence(SeqCst)` and answers; the caller waits for the answers. The
//! mark is read and written by relaxed read-modify-write operations, which order nothing else, so that nothing but the fence
//! helps the ring. A thread that sleeps or has ended ran a fence when it left its processor, and is not waited for. What the
//! waker's side runs between its store and its look is therefore exactly nothing, as in the real ring.
//!
//! **Futexes.** The kernel compares the word and queues the sleeper under a lock, and a wake takes the same lock, with a full
//! fence on both sides (kernel/futex/waitwake.c, the barriers A and B). A sleep on several words takes them one after the
//! other. Nobody wakes by himself here: the bound of a real sleep hides a lost wake, and here a lost one is a deadlock, which
//! the checker reports.
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicUsize, fence};
use loom::thread::{self, Thread};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// In a processor's state, beside one bit for each thread that wants a fence.
const OFF: usize = 1 << 16;

/// Which word: a region and an offset.
pub type Key = (usize, usize);

#[derive(Debug)]
struct Processor {
    state: AtomicUsize,
    thread: RefCell<Option<Thread>>,
    /// Threads whose answers this one waits for.
    awaited: Cell<usize>,
    parked: Cell<bool>,
    woken: Cell<bool>,
}

#[derive(Debug)]
pub struct Host {
    processors: Vec<Processor>,
    queue: Mutex<Vec<(Key, usize)>>,
    /// Whether `membarrier` does what it says: a deliberate mistake if not.
    barriers: bool,
}

impl Host {
    pub fn new(threads: usize, barriers: bool) -> Rc<Self> {
        let processor = |_| Processor {
            state: AtomicUsize::new(OFF),
            thread: RefCell::default(),
            awaited: Cell::new(0),
            parked: Cell::new(false),
            woken: Cell::new(false),
        };
        Rc::new(Self { processors: (0..threads).map(processor).collect(), queue: Mutex::new(Vec::new()), barriers })
    }

    /// The calling thread is `me` until the value is dropped.
    pub fn run(self: &Rc<Self>, me: usize) -> Running {
        *self.processors[me].thread.borrow_mut() = Some(thread::current());
        self.switch_in(me);
        Running { host: Rc::clone(self), me }
    }

    fn switch_in(&self, me: usize) {
        // In this order: a caller that still finds it off has run its own fence before this one.
        self.processors[me].state.swap(0, Relaxed);
        fence(SeqCst);
    }

    fn switch_out(&self, me: usize) {
        // In this order: a caller that finds it off finds the fence behind it.
        fence(SeqCst);
        let wanted = self.processors[me].state.swap(OFF, Relaxed);
        self.answer(me, wanted);
    }

    /// An interrupt may come now. Called before each access of a running thread.
    pub fn interrupt(&self, me: usize) {
        if self.processors[me].thread.borrow().is_none() {
            return; // the model is being set up: nobody else runs
        }
        let wanted = self.processors[me].state.swap(0, Relaxed);
        if wanted != 0 {
            fence(SeqCst);
            self.answer(me, wanted);
        }
    }

    fn answer(&self, me: usize, wanted: usize) {
        for (caller, processor) in self.processors.iter().enumerate() {
            if wanted & 1 << caller != 0 {
                processor.awaited.set(processor.awaited.get() & !(1 << me));
                self.unpark(caller);
            }
        }
    }

    fn unpark(&self, who: usize) {
        let processor = &self.processors[who];
        // Only who waits: an unpark is more than a mark, for it also shows the other what this thread did.
        if processor.parked.get()
            && let Some(thread) = &*processor.thread.borrow()
        {
            thread.unpark();
        }
    }

    fn park(&self, me: usize) {
        self.processors[me].parked.set(true);
        thread::park();
        self.processors[me].parked.set(false);
    }

    /// The sleeper's barrier.
    pub fn membarrier(&self, me: usize) {
        fence(SeqCst);
        if !self.barriers {
            return;
        }
        for (other, processor) in self.processors.iter().enumerate() {
            if other == me {
                continue;
            }
            let mine = &self.processors[me].awaited;
            mine.set(mine.get() | 1 << other);
            if processor.state.fetch_or(1 << me, Relaxed) & OFF != 0 {
                mine.set(mine.get() & !(1 << other));
            } else {
                // It may wait here itself, with interrupts on.
                self.unpark(other);
            }
        }
        while self.processors[me].awaited.get() != 0 {
            self.interrupt(me);
            if self.processors[me].awaited.get() != 0 {
                self.park(me);
            }
        }
        fence(SeqCst);
    }

    /// Sleeps until one of the words is woken, unless one is no longer as seen. `load` reads a word.
    pub fn futex_wait(&self, me: usize, words: &[(Key, u32)], load: impl Fn(Key) -> u32) {
        fence(SeqCst);
        self.processors[me].woken.set(false);
        for (key, seen) in words {
            let mut queue = self.lock();
            if load(*key) != *seen {
                queue.retain(|(_, sleeper)| *sleeper != me);
                return;
            }
            queue.push((*key, me));
        }
        self.switch_out(me);
        while !self.processors[me].woken.get() {
            self.park(me);
        }
        self.switch_in(me);
    }

    pub fn futex_wake(&self, key: Key) {
        fence(SeqCst);
        let mut queue = self.lock();
        let sleepers: Vec<usize> = queue.iter().filter(|(each, _)| *each == key).map(|(_, who)| *who).collect();
        queue.retain(|(_, sleeper)| !sleepers.contains(sleeper));
        for sleeper in sleepers {
            self.processors[sleeper].woken.set(true);
            self.unpark(sleeper);
        }
    }

    fn lock(&self) -> loom::sync::MutexGuard<'_, Vec<(Key, usize)>> {
        self.queue.lock().expect("the checker's lock is never poisoned")
    }
}

/// A thread of the model that is running.
#[derive(Debug)]
pub struct Running {
    host: Rc<Host>,
    me: usize,
}

impl Drop for Running {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.host.switch_out(self.me);
        }
    }
}
