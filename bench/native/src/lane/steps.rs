//! The parts of a frame, one after the other, over a ring of bare words: what each adds to the cache line under it. A lane
//! with the same parts that costs more than the last of them has something to save.
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use rtt_bench::Outcome;
use rtt_bench::bare::{FRAME_WORDS, Line, Slot};
use rtt_bench::shared::shared;
use rtt_bench::trips::{Contest, Trip};
use rtt_lane::{checksum, clock};

const SLOTS: usize = 1024;

/// Each has all the parts of those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Step {
    /// 64 bytes of words, the first of which is polled in place.
    Frame,
    /// The word where the next frame will be is cleared before this one is published.
    Clear,
    /// Head and credit are stored at each frame.
    Pages,
    /// CRC-32C at each end.
    Checksum,
    /// A look at the clock at each end.
    Stamp,
}

const FRAME: u8 = Step::Frame as u8;
const CLEAR: u8 = Step::Clear as u8;
const PAGES: u8 = Step::Pages as u8;
const CHECKSUM: u8 = Step::Checksum as u8;
const STAMP: u8 = Step::Stamp as u8;

impl Step {
    pub fn all() -> [Self; 5] {
        [Self::Frame, Self::Clear, Self::Pages, Self::Checksum, Self::Stamp]
    }

    pub fn enter(self, contest: &mut Contest, trips: u64) -> Outcome {
        match self {
            Self::Frame => contest.enter("a frame of 64 B", trips, Steps::<FRAME>::new()?),
            Self::Clear => contest.enter("and the next word cleared", trips, Steps::<CLEAR>::new()?),
            Self::Pages => contest.enter("and head and credit stored", trips, Steps::<PAGES>::new()?),
            Self::Checksum => contest.enter("and a checksum at each end", trips, Steps::<CHECKSUM>::new()?),
            Self::Stamp => contest.enter("and a stamp at each end", trips, Steps::<STAMP>::new()?),
        }
        Ok(())
    }
}

struct Steps<const UP_TO: u8> {
    there: Ring<UP_TO>,
    back: Ring<UP_TO>,
}

impl<const UP_TO: u8> Steps<UP_TO> {
    fn new() -> Outcome<Self> {
        Ok(Self { there: Ring::new()?, back: Ring::new()? })
    }
}

impl<const UP_TO: u8> Trip for Steps<UP_TO> {
    #[inline]
    fn ask(&mut self, number: u64) {
        self.there.send(number);
        self.back.receive(number);
    }

    #[inline]
    fn echo(&mut self, number: u64) {
        self.there.receive(number);
        self.back.send(number);
    }
}

struct Ring<const UP_TO: u8> {
    slots: &'static [Slot],
    /// Head, and credit.
    pages: &'static [Line],
    payload: [u64; 4],
    /// The sum of all ages: a clock whose answer is not used would not be asked.
    ages: u64,
}

impl<const UP_TO: u8> Ring<UP_TO> {
    fn new() -> Outcome<Self> {
        Ok(Self { slots: shared(SLOTS)?, pages: shared(2)?, payload: [7; 4], ages: 0 })
    }

    #[inline]
    fn send(&mut self, number: u64) {
        let slot = &self.slots[number as usize % SLOTS].0;
        let stamp = if UP_TO >= STAMP { clock::now() } else { 0 };
        let sum = if UP_TO >= CHECKSUM { self.sum(number, stamp) } else { 0 };
        if UP_TO >= CLEAR {
            self.slots[(number as usize + 1) % SLOTS].0[0].store(0, Relaxed);
        }
        slot[1].store(number, Relaxed);
        slot[2].store(stamp, Relaxed);
        slot[3].store(u64::from(sum), Relaxed);
        for (word, value) in slot[FRAME_WORDS - self.payload.len()..].iter().zip(self.payload) {
            word.store(value, Relaxed);
        }
        // Pairs with the Acquire of `receive`.
        slot[0].store(number, Release);
        if UP_TO >= PAGES {
            self.pages[0].0.store(number, Release);
        }
    }

    #[inline]
    fn receive(&mut self, number: u64) {
        let slot = &self.slots[number as usize % SLOTS].0;
        while slot[0].load(Acquire) != number {
            std::hint::spin_loop();
        }
        let (id, stamp, sum) = (slot[1].load(Relaxed), slot[2].load(Relaxed), slot[3].load(Relaxed));
        for (value, word) in self.payload.iter_mut().zip(&slot[FRAME_WORDS - 4..]) {
            *value = word.load(Relaxed);
        }
        if UP_TO >= CHECKSUM {
            assert!(u64::from(self.sum(id, stamp)) == sum, "bug: a frame is not what was sent");
        }
        if UP_TO >= STAMP {
            self.ages = self.ages.wrapping_add(clock::now().wrapping_sub(stamp));
        }
        if UP_TO >= PAGES {
            self.pages[1].0.store(number, Release);
        }
    }

    #[inline]
    fn sum(&self, id: u64, stamp: u64) -> u32 {
        let mut payload = [0_u8; 32];
        for (bytes, word) in payload.chunks_exact_mut(8).zip(self.payload) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        checksum::of_words([64, id, stamp, 0], &payload)
    }
}
