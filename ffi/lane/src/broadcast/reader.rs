//! The receiving side of a broadcast lane.
//!
//! Whatever the ring holds, a look costs bounded time and memory safety holds: every length is loaded once and checked, the
//! payload is copied into private memory, and only then it is asked whether the writer has come by meanwhile.
use super::ends::{Ends, Impossible};
use super::layout::{SLOT_HEADER, Slot, Slots, WriterPage, whole};
use super::record::Record;
use crate::checksum;
use crate::consumer::{Corrupt, Next, Received};
use crate::error::LaneError;
use crate::lane::{Geometry, Knobs};
use crate::layout::{DROPS, Drop, HEADER_BYTES, Header};
use crate::limits::{FRAMES_AHEAD_MAX, LOOKS_AT_ONCE};
use crate::memory::{Words, WordsMut};
use crate::wait::Watch;
use std::mem::offset_of;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

const HEADER: usize = offset_of!(Slot, header);
/// No frame has a number above this: its sequence word could not be told from others.
const POSITION_MAX: u64 = u64::MAX / 4;

/// What a reader wants that cannot have all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Every frame in order, from the oldest that is still there.
    Oldest,
    /// The newest only.
    Latest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not reading: before the first `join`, and after `leave`.
    Away,
    /// Until the writer has noted the end of this epoch, it is not said where to start.
    Joining(u64),
    Reading,
    /// The writer has claimed what no honest one does.
    Broken,
}

/// One of the readers of a broadcast ring. `own` holds its page, `peer` the writer's page and the slots.
#[derive(Debug)]
pub struct Reader<Own, Peer> {
    record: Record<Own>,
    peer: Peer,
    at: Slots,
    keep: Keep,
    state: State,
    /// Frames passed, and where the slot of the next one is.
    position: u64,
    place: usize,
    /// The next header's words as they were copied and found whole; the first is 0 when none was.
    peeked: [u64; 4],
    /// How far ahead of the oldest frame it starts after the next loss: more, the more often it was caught up while copying.
    margin: u64,
    ends: Ends,
    /// The sequence word's low half as it was seen last.
    seen: u32,
}

impl<Own: WordsMut, Peer: Words> Reader<Own, Peer> {
    /// A reader that has not joined. `geometry` has been checked against both regions (`Geometry::check`).
    pub fn new(own: Own, peer: Peer, geometry: &Geometry, knobs: Knobs, keep: Keep) -> Result<Self, LaneError> {
        let at = Slots::of(geometry, knobs.max_frame_bytes)?;
        Ok(Self {
            record: Record::new(own, at.reader_page, knobs.budget_ns),
            peer,
            at,
            keep,
            state: State::Away,
            position: 0,
            place: at.ring,
            peeked: [0; 4],
            margin: 0,
            ends: Ends::new(at.writer_page),
            seen: 0,
        })
    }

    /// Reads from where the writer performs this epoch; what was sent before is not this reader's.
    pub fn join(&mut self, epoch: u64) {
        if self.state != State::Broken {
            self.state = State::Joining(epoch);
            self.peeked[0] = 0;
        }
    }

    /// Stops reading.
    pub fn leave(&mut self) {
        if self.state != State::Broken {
            self.state = State::Away;
            self.peeked[0] = 0;
            self.record.show(0);
        }
    }

    /// Stops reading before the end that it was to read to: what is there is counted as superseded.
    pub fn abandon(&mut self) {
        if self.state == State::Reading {
            let head =
                self.peer.load64(self.at.writer_page + offset_of!(WriterPage, head), Acquire).min(self.ends.until);
            let rest = head.saturating_sub(self.position);
            self.count(Drop::Superseded, if rest <= FRAMES_AHEAD_MAX { rest } else { 0 });
        }
        self.leave();
    }

    /// Looks at the next frame. `Switch` says that the readers change here, for this epoch.
    #[inline]
    pub fn look(&mut self) -> Next {
        if self.peeked[0] != 0 {
            return Next::Frame(self.peeked[0] as u32 as usize - HEADER_BYTES);
        }
        let state = self.state;
        match state {
            State::Reading => {}
            State::Joining(epoch) if self.start(epoch) => {}
            State::Broken => return Next::Broken,
            State::Joining(_) | State::Away => return Next::Empty,
        }
        if self.keep == Keep::Latest {
            self.pass_over();
        }
        for _ in 0..LOOKS_AT_ONCE {
            // Pairs with the Release of `Writer::publish`.
            let sequence = self.peer.load64(self.place, Acquire);
            self.seen = sequence as u32;
            let ended = self.has_ended();
            if self.state == State::Broken {
                return Next::Broken;
            }
            if ended {
                return Next::Switch(self.ends.epoch);
            }
            let expected = whole(self.position);
            if sequence < expected {
                return Next::Empty;
            }
            if sequence == expected {
                if self.peek(sequence) {
                    return Next::Frame(self.peeked[0] as u32 as usize - HEADER_BYTES);
                }
            } else {
                self.catch_up(sequence);
            }
        }
        // The writer is faster than a look: the next one goes on.
        Next::Empty
    }

    /// Whether the next end is here.
    #[inline]
    fn has_ended(&mut self) -> bool {
        if self.ends.changed(&self.peer) && self.ends.learn(&self.peer).is_err() {
            self.fail();
        }
        self.ends.until <= self.position
    }

    /// Copies the header. False: the writer came by, or it cannot be a frame's.
    #[inline]
    fn peek(&mut self, sequence: u64) -> bool {
        let words: [u64; 4] = std::array::from_fn(|word| self.peer.load64(self.place + HEADER + word * 8, Relaxed));
        if !self.is_still(sequence) {
            return false;
        }
        let len = words[0] as u32 as usize;
        if (HEADER_BYTES..=HEADER_BYTES + self.at.payload_max).contains(&len) {
            self.peeked = words;
            return true;
        }
        self.advance();
        self.count(Drop::Corrupt, 1);
        false
    }

    /// Whether what was copied is what the sequence word said. Pairs with the Release fence of `Writer::publish`.
    #[inline]
    fn is_still(&self, sequence: u64) -> bool {
        self.peer.fence(Acquire);
        self.peer.load64(self.place, Relaxed) == sequence
    }

    /// Copies the frame that `look` showed into private memory, then asks whether it was still there, and verifies the copy.
    /// `into` is as long as its payload.
    #[inline]
    pub fn take(&mut self, into: &mut [u8]) -> Result<Received, Corrupt> {
        let words = self.peeked;
        if words[0] == 0 {
            return Err(Corrupt);
        }
        let bytes = words[0] as u32 as usize - HEADER_BYTES;
        assert!(into.len() == bytes, "bug: a frame's buffer is not as long as its payload");
        self.peer.copy_out(self.place + SLOT_HEADER, into);
        let whole = self.is_still(whole(self.position));
        self.pass();
        if !whole {
            self.margin = self.wider();
            self.count(Drop::Overwritten, 1);
            return Err(Corrupt);
        }
        if checksum::of_words(words, into) != words[3] as u32 {
            self.count(Drop::Corrupt, 1);
            return Err(Corrupt);
        }
        self.margin = 0;
        let header = Header::of_words(words);
        let age_ns = self.record.receive(&header, bytes);
        Ok(Received { header, bytes, age_ns })
    }

    fn wider(&self) -> u64 {
        (self.margin * 2).max(1).min(self.at.count - 1)
    }

    #[inline]
    fn pass(&mut self) {
        self.peeked[0] = 0;
        self.advance();
    }

    #[inline]
    fn advance(&mut self) {
        self.position += 1;
        self.place = self.at.after(self.place);
    }

    /// Here is a younger frame than expected: goes on with the oldest that is still there, or a little ahead of it, and at most
    /// up to the next end. How many are lost is what the word says; how long that takes does not depend on it.
    #[cold]
    fn catch_up(&mut self, sequence: u64) {
        let newest = (sequence - 1) / 2;
        let ahead = newest.wrapping_sub(self.position);
        // What `Writer::publish` had published before it wrote this word.
        let head = self.peer.load64(self.at.writer_page + offset_of!(WriterPage, head), Acquire).max(newest);
        if !ahead.is_multiple_of(self.at.count) || head.wrapping_sub(self.position) > FRAMES_AHEAD_MAX {
            self.fail();
            return;
        }
        // The one after the head overwrites the oldest next.
        let oldest = head.max(newest + 1) - self.at.count;
        let next = (oldest + self.margin).min(head).min(self.ends.until);
        self.margin = self.wider();
        self.count(Drop::Overwritten, next - self.position);
        self.go_to(next);
    }

    /// For who wants the latest only: all that have a successor are passed over.
    fn pass_over(&mut self) {
        // Pairs with the Release of `Writer::publish`.
        let head = self.peer.load64(self.at.writer_page + offset_of!(WriterPage, head), Acquire);
        self.has_ended();
        let Some(last) = head.min(self.ends.until).checked_sub(1).filter(|last| *last > self.position) else { return };
        if last - self.position > FRAMES_AHEAD_MAX {
            self.fail();
            return;
        }
        self.count(Drop::Outdated, last - self.position);
        self.go_to(last);
    }

    fn go_to(&mut self, position: u64) {
        self.position = position;
        self.place = self.at.place(position);
    }

    /// Nothing will come on this lane any more.
    #[cold]
    fn fail(&mut self) {
        self.count(Drop::Corrupt, 1);
        self.state = State::Broken;
        self.peeked[0] = 0;
    }

    /// Starts where the writer has noted this epoch; false where it has not yet.
    #[cold]
    fn start(&mut self, epoch: u64) -> bool {
        match self.ends.find(&self.peer, epoch) {
            Ok(Some(at)) => {
                self.state = State::Reading;
                self.go_to(at.min(POSITION_MAX));
                self.done();
                true
            }
            Ok(None) => false,
            Err(Impossible) => {
                self.fail();
                false
            }
        }
    }

    /// Passes the end that `look` showed: this reader stays.
    pub fn pass_switch(&mut self) {
        if self.state == State::Reading && self.ends.until <= self.position && self.ends.pass(&self.peer).is_err() {
            self.fail();
        }
    }

    /// Shows how far this reader is. The writer does not look at it.
    #[inline]
    pub fn done(&mut self) {
        if self.state == State::Reading {
            self.record.show(self.position + 1);
        }
    }

    /// Passes the frame that `look` showed without delivering it.
    pub fn drop_next(&mut self, reason: Drop) {
        if self.peeked[0] != 0 {
            self.pass();
            self.count(reason, 1);
            self.done();
        }
    }

    /// The header that `look` showed.
    pub fn peeked(&self) -> Option<Header> {
        (self.peeked[0] != 0).then(|| Header::of_words(self.peeked))
    }

    pub fn count(&mut self, reason: Drop, by: u64) {
        self.record.count(reason, by);
    }

    /// What an idle reader sleeps on: the next end, and the next frame's sequence once it is said where to start.
    pub fn watches(&self) -> [Watch<'_>; 2] {
        let ends = self.ends.watch(&self.peer);
        let frame = Watch { word: self.peer.futex(self.place), seen: self.seen };
        [ends, if self.state == State::Reading { frame } else { ends }]
    }

    /// Said before and after sleeping on `watches`. Pairs with the look in `Writer::wake_sleepers`.
    pub fn set_asleep(&self, asleep: bool) {
        self.record.set_asleep(asleep);
    }

    /// Shows which epoch this endpoint has performed.
    pub fn acknowledge(&self, epoch: u64) {
        self.record.acknowledge(epoch);
    }

    pub fn received(&self) -> u64 {
        self.record.received()
    }

    pub fn is_broken(&self) -> bool {
        self.state == State::Broken
    }

    pub fn drops(&self) -> [u64; DROPS] {
        self.record.drops()
    }
}
