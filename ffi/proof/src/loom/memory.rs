//! Shared memory of a model: each word is what the ring makes of it.
//!
//! - *Polled* words are atomics of the checker, which tries every order of accesses and every value that a load may give: the
//!   first word of each place where a frame may start, credit, claim, flags of sleepers, epochs.
//! - *Frame* words are plain memory that the checker guards: two accesses without an order between them, one of them a write,
//!   are reported. That is what Release, Acquire and the credit are for, and it is stricter than the checksum.
//! - *Private* words (counters of which the model has no reader) belong to the first thread that touches them.
use super::host::{Host, Key};
use loom::cell::UnsafeCell;
use loom::sync::atomic::{self, AtomicU64};
use rtt_lane::wait::{WakerFence, Watch};
use rtt_lane::{Words, WordsMut};
use rtt_proof::fault::FRAME_STRIDE;
use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{self, Relaxed};

#[derive(Debug)]
enum Word {
    Polled(AtomicU64),
    /// Where a frame may start: the low half is polled, the high half is part of the frame.
    Start {
        low: atomic::AtomicU32,
        high: Guarded,
    },
    Frame(Guarded),
    Private {
        owner: Cell<Option<usize>>,
        value: Cell<u64>,
    },
}

/// A value that only ordered accesses may touch.
#[derive(Debug)]
struct Guarded {
    guard: UnsafeCell<()>,
    value: Cell<u64>,
}

impl Guarded {
    fn new() -> Self {
        Self { guard: UnsafeCell::new(()), value: Cell::new(0) }
    }

    fn get(&self) -> u64 {
        self.guard.with(|_| self.value.get())
    }

    fn set(&self, value: u64) {
        self.guard.with_mut(|_| self.value.set(value));
    }
}

/// Who looks at the frames of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// Its producer and its consumer.
    Guarded,
    /// Others too, who copy first and find out later whether they may.
    Tapped,
}

#[derive(Debug)]
pub struct Region {
    number: usize,
    words: Vec<Word>,
    /// Addresses for `Watch`, which wants a real word; never read.
    addresses: Vec<AtomicU32>,
}

impl Region {
    /// `polled` are offsets of words that both sides look at; `ring` is where frames lie.
    pub fn new(number: usize, bytes: usize, polled: &[usize], ring: Range<usize>, frames: Frames) -> Rc<Self> {
        let word = |at: usize| {
            if ring.contains(&at) {
                match frames {
                    Frames::Tapped => Word::Polled(AtomicU64::new(0)),
                    Frames::Guarded if (at - ring.start).is_multiple_of(FRAME_STRIDE) => {
                        Word::Start { low: atomic::AtomicU32::new(0), high: Guarded::new() }
                    }
                    Frames::Guarded => Word::Frame(Guarded::new()),
                }
            } else if polled.contains(&at) {
                Word::Polled(AtomicU64::new(0))
            } else {
                Word::Private { owner: Cell::new(None), value: Cell::new(0) }
            }
        };
        Rc::new(Self {
            number,
            words: (0..bytes).step_by(8).map(word).collect(),
            addresses: (0..bytes / 4).map(|_| AtomicU32::new(0)).collect(),
        })
    }
}

/// A region as one thread sees it.
#[derive(Clone, Debug)]
pub struct Memory {
    host: Rc<Host>,
    region: Rc<Region>,
    who: usize,
}

impl Memory {
    pub fn new(host: &Rc<Host>, region: &Rc<Region>, who: usize) -> Self {
        Self { host: Rc::clone(host), region: Rc::clone(region), who }
    }

    fn word(&self, at: usize) -> &Word {
        let word = &self.region.words[at / 8];
        match word {
            // An interrupt between accesses that nobody else sees is one before the next that somebody does.
            Word::Polled(_) | Word::Start { .. } => self.host.interrupt(self.who),
            Word::Frame(_) => {}
            Word::Private { owner, .. } => {
                let owned = owner.get().is_none_or(|owner| owner == self.who);
                assert!(owned, "the model does not know that two threads use the word at {at}");
                owner.set(Some(self.who));
            }
        }
        word
    }

    fn key(&self, at: usize) -> Key {
        (self.region.number, at)
    }

    /// The word that a `Watch` names, if it is in this region.
    fn key_of(&self, watch: &Watch<'_>) -> Option<Key> {
        self.region.addresses.iter().position(|each| std::ptr::eq(each, watch.word)).map(|index| self.key(index * 4))
    }
}

/// Sleeps as `rtt_lane::wait::sleep` does, without its bound. `regions` are those that the words lie in.
pub fn sleep(regions: &[&Memory], watches: &[Watch<'_>]) {
    let find = |watch: &Watch<'_>| regions.iter().find_map(|memory| memory.key_of(watch));
    let words: Vec<(Key, u32)> =
        watches.iter().map(|watch| (find(watch).expect("a word of these regions"), watch.seen)).collect();
    let load = |(region, at): Key| {
        let memory = regions.iter().find(|memory| memory.region.number == region).expect("one of these regions");
        memory.load32(at, Relaxed)
    };
    regions[0].host.futex_wait(regions[0].who, &words, load);
}

fn unknown(at: usize) -> ! {
    panic!("the model does not know that the word at {at} is used so")
}

impl Words for Memory {
    fn load32(&self, at: usize, order: Ordering) -> u32 {
        match self.word(at) {
            Word::Start { low, .. } if at.is_multiple_of(8) => low.load(order),
            Word::Start { high, .. } if order == Relaxed => high.get() as u32,
            Word::Polled(word) => (word.load(order) >> (at % 8 * 8)) as u32,
            Word::Frame(word) if order == Relaxed => (word.get() >> (at % 8 * 8)) as u32,
            Word::Private { value, .. } => (value.get() >> (at % 8 * 8)) as u32,
            _ => unknown(at),
        }
    }

    fn load64(&self, at: usize, order: Ordering) -> u64 {
        match self.word(at) {
            Word::Start { low, high } => match low.load(order) {
                // Nobody looks at the rest of a frame that is not there.
                0 => 0,
                low => u64::from(low) | high.get() << 32,
            },
            Word::Polled(word) => word.load(order),
            Word::Frame(word) if order == Relaxed => word.get(),
            Word::Private { value, .. } => value.get(),
            Word::Frame(_) => unknown(at),
        }
    }

    fn copy_out(&self, at: usize, into: &mut [u8]) {
        for (index, chunk) in into.chunks_mut(8).enumerate() {
            let word = self.load64(at + index * 8, Relaxed).to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }

    fn futex(&self, at: usize) -> &AtomicU32 {
        &self.region.addresses[at / 4]
    }

    fn wake(&self, at: usize) {
        self.host.futex_wake(self.key(at));
    }

    fn fence(&self, order: Ordering) {
        atomic::fence(order);
    }

    fn waker_fence(&self, _: WakerFence) {
        // Nothing: this process is registered, so that the sleeper's barrier is enough.
    }
}

impl WordsMut for Memory {
    fn store32(&self, at: usize, value: u32, order: Ordering) {
        match self.word(at) {
            Word::Start { low, .. } if at.is_multiple_of(8) => low.store(value, order),
            Word::Start { high, .. } if order == Relaxed => high.set(u64::from(value)),
            // Flags are alone in their word. A tapped frame's first word is written in two halves by its one writer.
            Word::Polled(word) => {
                let shift = at % 8 * 8;
                let other = word.load(Relaxed) & !(u64::from(u32::MAX) << shift);
                word.store(other | u64::from(value) << shift, order);
            }
            Word::Private { value: word, .. } if at.is_multiple_of(8) => word.set(u64::from(value)),
            _ => unknown(at),
        }
    }

    fn store64(&self, at: usize, value: u64, order: Ordering) {
        match self.word(at) {
            Word::Start { low, high } => {
                high.set(value >> 32);
                low.store(value as u32, order);
            }
            Word::Polled(word) => word.store(value, order),
            Word::Frame(word) if order == Relaxed => word.set(value),
            Word::Private { value: word, .. } => word.set(value),
            Word::Frame(_) => unknown(at),
        }
    }

    fn copy_in(&self, at: usize, from: &[u8]) {
        for (index, chunk) in from.chunks(8).enumerate() {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.store64(at + index * 8, u64::from_le_bytes(word), Relaxed);
        }
    }
}
