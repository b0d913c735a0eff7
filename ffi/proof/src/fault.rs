//! Deliberate mistakes, made below a ring: the code of the ring stays as it is, and what it asks of its memory is done wrongly.
//! A gate that does not notice each of them proves nothing.
use rtt_lane::layout::flag;
use rtt_lane::wait::WakerFence;
use rtt_lane::{Words, WordsMut};
use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// None: the honest ring.
    None,
    /// A frame is published without Release.
    PublishRelaxed,
    /// The polled word is loaded without Acquire.
    LookRelaxed,
    /// Credit is given without Release.
    CreditRelaxed,
    /// Credit is taken without Acquire.
    CreditLookRelaxed,
    /// No Release fence between the word that says what is being overwritten and the bytes.
    ReleaseFenceMissing,
    /// No Acquire fence between the bytes and the word that says whether they were being overwritten.
    AcquireFenceMissing,
    /// The word behind a frame is cleared after the frame was published.
    ClearLate,
    /// The word behind a frame is not cleared.
    ClearMissing,
    /// A lane is left without its `SWITCH`.
    SwitchLost,
    /// A sleeper that was seen is not woken.
    WakeLost,
}

/// Memory with one mistake in it. `ring` is where the ring lies in it.
#[derive(Clone, Debug)]
pub struct Faulty<W> {
    words: W,
    fault: Fault,
    ring: Range<usize>,
    /// A clear that is held back.
    held: Cell<Option<usize>>,
    /// The frame that is being written is a `SWITCH`.
    switch: Cell<bool>,
}

/// Frames of the models start at multiples of this, so that a frame's first word is known by its place.
pub const FRAME_STRIDE: usize = 32;
const FLAGS_AT: usize = 24;

impl<W> Faulty<W> {
    pub fn new(words: W, fault: Fault, ring: Range<usize>) -> Self {
        Self { words, fault, ring, held: Cell::new(None), switch: Cell::new(false) }
    }

    fn weaker_load(&self, at: usize, order: Ordering) -> Ordering {
        match (self.fault, order) {
            (Fault::LookRelaxed, Acquire) if self.ring.contains(&at) => Relaxed,
            (Fault::CreditLookRelaxed, Acquire) if !self.ring.contains(&at) => Relaxed,
            _ => order,
        }
    }

    fn weaker_store(&self, at: usize, order: Ordering) -> Ordering {
        match (self.fault, order) {
            (Fault::PublishRelaxed, Release) if self.ring.contains(&at) => Relaxed,
            (Fault::CreditRelaxed, Release) if !self.ring.contains(&at) => Relaxed,
            _ => order,
        }
    }

    /// Whether a store is to be left out. Called for each store, in order.
    fn leaves_out(&self, at: usize, value: u64, order: Ordering) -> bool {
        if !self.ring.contains(&at) {
            return false;
        }
        let in_frame = (at - self.ring.start) % FRAME_STRIDE;
        match self.fault {
            Fault::ClearLate | Fault::ClearMissing if in_frame == 0 && value == 0 && order == Relaxed => {
                self.held.set(Some(at));
                true
            }
            Fault::SwitchLost if in_frame == FLAGS_AT => {
                self.switch.set((value >> 32) as u32 & flag::SWITCH != 0);
                false
            }
            Fault::SwitchLost if in_frame == 0 && order == Release => self.switch.get(),
            _ => false,
        }
    }
}

impl<W: WordsMut> Faulty<W> {
    fn stored(&self, order: Ordering) {
        if self.fault == Fault::ClearLate
            && order == Release
            && let Some(at) = self.held.take()
        {
            self.words.store32(at, 0, Relaxed);
        }
    }
}

impl<W: Words> Words for Faulty<W> {
    fn load32(&self, at: usize, order: Ordering) -> u32 {
        self.words.load32(at, self.weaker_load(at, order))
    }

    fn load64(&self, at: usize, order: Ordering) -> u64 {
        self.words.load64(at, self.weaker_load(at, order))
    }

    fn copy_out(&self, at: usize, into: &mut [u8]) {
        self.words.copy_out(at, into);
    }

    fn futex(&self, at: usize) -> &AtomicU32 {
        self.words.futex(at)
    }

    fn wake(&self, at: usize) {
        if self.fault != Fault::WakeLost {
            self.words.wake(at);
        }
    }

    fn fence(&self, order: Ordering) {
        match (self.fault, order) {
            (Fault::ReleaseFenceMissing, Release) | (Fault::AcquireFenceMissing, Acquire) => {}
            _ => self.words.fence(order),
        }
    }

    fn waker_fence(&self, fence: WakerFence) {
        self.words.waker_fence(fence);
    }
}

impl<W: WordsMut> WordsMut for Faulty<W> {
    fn store32(&self, at: usize, value: u32, order: Ordering) {
        if !self.leaves_out(at, u64::from(value), order) {
            self.words.store32(at, value, self.weaker_store(at, order));
            self.stored(order);
        }
    }

    fn store64(&self, at: usize, value: u64, order: Ordering) {
        if !self.leaves_out(at, value, order) {
            self.words.store64(at, value, self.weaker_store(at, order));
            self.stored(order);
        }
    }

    fn copy_in(&self, at: usize, from: &[u8]) {
        self.words.copy_in(at, from);
    }
}
