//! What memory itself costs: one word that bounces, and a ring of words with no header, no checksum and no clock.
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Outcome;
use crate::shared::{Shared, shared};
use crate::trips::Trip;

/// A word alone on its line and on the neighbour that the prefetcher brings along.
#[repr(align(128))]
#[derive(Debug, Default)]
pub struct Line(pub AtomicU64);

// SAFETY: an atomic and filling.
unsafe impl Shared for Line {}

/// A cache line each way.
pub struct LineTrip {
    lines: &'static [Line],
}

impl LineTrip {
    pub fn new() -> Outcome<Self> {
        Ok(Self { lines: shared(2)? })
    }
}

impl Trip for LineTrip {
    #[inline]
    fn ask(&mut self, number: u64) {
        self.lines[0].0.store(number, Ordering::Release);
        wait_for(&self.lines[1].0, number);
    }

    #[inline]
    fn echo(&mut self, number: u64) {
        wait_for(&self.lines[0].0, number);
        self.lines[1].0.store(number, Ordering::Release);
    }
}

#[inline]
pub fn wait_for(word: &AtomicU64, number: u64) {
    while word.load(Ordering::Acquire) != number {
        std::hint::spin_loop();
    }
}

pub const FRAME_WORDS: usize = 8;

/// One slot of a bare ring: 64 bytes, of which the first word says that it is there.
#[repr(align(64))]
pub struct Slot(pub [AtomicU64; FRAME_WORDS]);

// SAFETY: atomics.
unsafe impl Shared for Slot {}

/// A ring of 64-byte frames between two sides. The first word of a frame is its number, never 0.
#[derive(Clone, Copy)]
pub struct BareRing {
    slots: &'static [Slot],
    credit: &'static Line,
}

impl BareRing {
    pub fn new(frames: usize) -> Outcome<Self> {
        assert!(frames.is_power_of_two(), "bug: the slots of a ring are found by a mask");
        Ok(Self { slots: shared(frames)?, credit: &shared(1)?[0] })
    }

    /// Whether frame `number` (from 1) may be written, given what the producer knew of the credit.
    #[inline]
    pub fn has_room(&self, number: u64, known: &mut u64) -> bool {
        let most = self.slots.len() as u64;
        if number - *known <= most {
            return true;
        }
        *known = self.credit.0.load(Ordering::Acquire);
        number - *known <= most
    }

    #[inline]
    pub fn write(&self, number: u64, payload: &[u64; FRAME_WORDS]) {
        let slot = &self.slots[number as usize & (self.slots.len() - 1)].0;
        for (word, value) in slot.iter().zip(payload).skip(1) {
            word.store(*value, Ordering::Relaxed);
        }
        // Pairs with the Acquire of `read`.
        slot[0].store(number, Ordering::Release);
    }

    #[inline]
    pub fn read(&self, number: u64, payload: &mut [u64; FRAME_WORDS]) -> bool {
        let slot = &self.slots[number as usize & (self.slots.len() - 1)].0;
        if slot[0].load(Ordering::Acquire) != number {
            return false;
        }
        for (value, word) in payload.iter_mut().zip(slot) {
            *value = word.load(Ordering::Relaxed);
        }
        true
    }

    #[inline]
    pub fn give_credit(&self, number: u64) {
        self.credit.0.store(number, Ordering::Release);
    }
}
