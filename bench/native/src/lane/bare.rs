//! What memory itself costs: one word that bounces, and a ring of words with no header, no checksum and no clock.
use std::sync::atomic::{AtomicU64, Ordering};

/// A word alone on its line and on the neighbour that the prefetcher brings along.
#[repr(align(128))]
#[derive(Default)]
pub struct Line(pub AtomicU64);

pub const FRAME_WORDS: usize = 8;

/// One slot of a bare ring: 64 bytes, of which the first word says that it is there.
#[repr(align(64))]
struct Slot([AtomicU64; FRAME_WORDS]);

/// A ring of 64-byte frames between two threads. The first word of a frame is its number, never 0.
pub struct BareRing {
    slots: Box<[Slot]>,
    credit: Line,
}

impl BareRing {
    pub fn new(frames: usize) -> Self {
        assert!(frames.is_power_of_two(), "bug: the slots of a ring are found by a mask");
        let slots = (0..frames).map(|_| Slot(Default::default())).collect();
        Self { slots, credit: Line::default() }
    }

    /// Whether frame `number` (from 1) may be written, given what the producer knew of the credit.
    pub fn has_room(&self, number: u64, known: &mut u64) -> bool {
        let most = self.slots.len() as u64;
        if number - *known <= most {
            return true;
        }
        *known = self.credit.0.load(Ordering::Acquire);
        number - *known <= most
    }

    pub fn write(&self, number: u64, payload: &[u64; FRAME_WORDS]) {
        let slot = &self.slots[number as usize & (self.slots.len() - 1)].0;
        for (word, value) in slot.iter().zip(payload).skip(1) {
            word.store(*value, Ordering::Relaxed);
        }
        // Pairs with the Acquire of `read`.
        slot[0].store(number, Ordering::Release);
    }

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

    pub fn give_credit(&self, number: u64) {
        self.credit.0.store(number, Ordering::Release);
    }
}
