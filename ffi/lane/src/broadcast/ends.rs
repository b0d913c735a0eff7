//! Where readers change, as one of them sees it.
use super::layout::{End, WriterPage};
use crate::limits::{ENDS, FRAMES_AHEAD_MAX, LOOKS_AT_ONCE};
use crate::memory::Words;
use crate::wait::Watch;
use std::mem::offset_of;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

/// The writer claims what no honest one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impossible;

#[derive(Debug)]
pub struct Ends {
    page: usize,
    passed: u64,
    /// How many there were at the last look.
    seen: u64,
    /// The first that is not passed; the largest number where there is none.
    pub until: u64,
    pub epoch: u64,
}

impl Ends {
    pub fn new(page: usize) -> Self {
        Self { page, passed: 0, seen: 0, until: u64::MAX, epoch: 0 }
    }

    /// Whether the writer has noted another. Looked at after the next frame, which brings what was noted before it along.
    #[inline]
    pub fn changed(&self, peer: &impl Words) -> bool {
        peer.load64(self.page + offset_of!(WriterPage, ends_written), Relaxed) != self.seen
    }

    /// Reads the first that is not passed. Of those that are forgotten, nothing is said any more.
    #[cold]
    pub fn learn(&mut self, peer: &impl Words) -> Result<(), Impossible> {
        self.until = u64::MAX;
        for _ in 0..LOOKS_AT_ONCE {
            let written = self.written(peer)?;
            self.passed = self.passed.max(oldest(written));
            if self.passed == written {
                return Ok(());
            }
            if let Some(end) = self.entry(peer, self.passed, written) {
                (self.until, self.epoch) = (end.at, end.epoch);
                return Ok(());
            }
        }
        // No honest writer goes through so many transitions while one is read.
        Err(Impossible)
    }

    pub fn pass(&mut self, peer: &impl Words) -> Result<(), Impossible> {
        self.passed += 1;
        self.learn(peer)
    }

    /// Where this epoch was noted; where that was so long ago that it is forgotten, the next that is not. None: not yet.
    #[cold]
    pub fn find(&mut self, peer: &impl Words, epoch: u64) -> Result<Option<u64>, Impossible> {
        let written = self.written(peer)?;
        for number in oldest(written)..written {
            // One that changed while it was read is looked for again at the next look.
            let Some(end) = self.entry(peer, number, written) else { return Ok(None) };
            if end.epoch >= epoch {
                self.passed = if end.epoch == epoch { number + 1 } else { number };
                self.learn(peer)?;
                return Ok(Some(end.at));
            }
        }
        Ok(None)
    }

    fn written(&mut self, peer: &impl Words) -> Result<u64, Impossible> {
        // Pairs with the Release of `Writer::end`.
        let written = peer.load64(self.page + offset_of!(WriterPage, ends_written), Acquire);
        if written < self.passed || written > FRAMES_AHEAD_MAX {
            return Err(Impossible);
        }
        self.seen = written;
        Ok(written)
    }

    /// One that is among the last but one round, if it still was when it had been read.
    fn entry(&self, peer: &impl Words, number: u64, written: u64) -> Option<End> {
        let entry = self.page + offset_of!(WriterPage, ends) + (number % ENDS as u64) as usize * size_of::<End>();
        let epoch = peer.load64(entry + offset_of!(End, epoch), Relaxed);
        let at = peer.load64(entry + offset_of!(End, at), Relaxed);
        // Pairs with the Release fence of `Writer::end`.
        peer.fence(Acquire);
        let now = peer.load64(self.page + offset_of!(WriterPage, ends_written), Relaxed);
        (now == written).then_some(End { epoch, at })
    }

    /// Woken when another is noted.
    pub fn watch<'a>(&self, peer: &'a impl Words) -> Watch<'a> {
        Watch { word: peer.futex(self.page + offset_of!(WriterPage, ends_written)), seen: self.seen as u32 }
    }
}

/// The first that is not about to be overwritten.
fn oldest(written: u64) -> u64 {
    written.saturating_sub(ENDS as u64 - 1)
}
