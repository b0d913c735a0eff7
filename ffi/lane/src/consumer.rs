//! The receiving side of a stream ring.
//!
//! Whatever the ring holds, a look costs bounded time and memory safety holds: every length is loaded once and checked, the
//! payload is copied into private memory and only then verified.
use crate::checksum;
use crate::clock;
use crate::histogram;
use crate::lane::{Geometry, Knobs};
use crate::layout::{
    ConsumerPage, DROPS, Drop, EVENTS, FRAME_ALIGNMENT, FrameEvent, HEADER_BYTES, Header, PAD, ProducerPage, flag,
    frame_max, padded,
};
use crate::limits::PADS_PER_POLL;
use crate::memory::{Words, WordsMut};
use crate::wait::{WakerFence, Watch};
use std::mem::offset_of;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// What lies next in the ring. Looking changes nothing that the producer sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Empty,
    /// A frame with this many bytes of payload; its checksum has not been looked at.
    Frame(usize),
    /// The producer has left the lane for this epoch.
    Switch(u64),
    /// A length that no honest producer writes, and no way to find the next frame: nothing will come on this lane.
    Broken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    pub header: Header,
    pub bytes: usize,
    /// CLOCK_MONOTONIC nanoseconds since the stamp, 0 where the frame carries none of its own.
    pub age_ns: u64,
}

/// The frame's checksum is wrong: it has been passed and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt;

/// The one reader of a ring. `own` holds its page, `peer` the producer's page and the ring.
#[derive(Debug)]
pub struct Consumer<Own, Peer> {
    own: Own,
    peer: Peer,
    at: Geometry,
    budget_ns: u64,
    /// Bytes ever passed; `credit` is what of them was given back.
    tail: u64,
    credit: u64,
    /// The next header's words as they were loaded, once; the first is 0 when none was.
    peeked: [u64; 4],
    received: u64,
    stamp: u64,
    last_id: Option<u64>,
    /// Set after frames were skipped for a broken length: the next frame's id tells how many.
    skipped: bool,
    broken: bool,
    events: u64,
    taken: Option<Taken>,
    fence: WakerFence,
}

/// A frame whose owner has it, and whose figures are not on the page yet.
#[derive(Debug)]
struct Taken {
    id: u64,
    bytes: usize,
    /// Where it carries a stamp of its own: that, between the last one and `now`.
    stamped: Option<Stamped>,
}

#[derive(Clone, Copy, Debug)]
struct Stamped {
    stamp: u64,
    now: u64,
}

impl<Own: WordsMut, Peer: Words> Consumer<Own, Peer> {
    /// A consumer at the start of a ring. `geometry` has been checked against both regions (`Geometry::check`).
    pub fn new(own: Own, peer: Peer, geometry: Geometry, knobs: Knobs) -> Self {
        Self {
            own,
            peer,
            at: geometry,
            budget_ns: knobs.budget_ns,
            tail: 0,
            credit: 0,
            peeked: [0; 4],
            received: 0,
            stamp: 0,
            last_id: None,
            skipped: false,
            broken: false,
            events: 0,
            taken: None,
            fence: WakerFence::new(),
        }
    }

    /// Looks at the next frame.
    #[inline]
    pub fn look(&mut self) -> Next {
        if self.peeked[0] == 0 && !self.peek() {
            self.settle();
            return if self.broken { Next::Broken } else { Next::Empty };
        }
        if self.peeked_flags() & flag::SWITCH != 0 {
            Next::Switch(self.peeked[1])
        } else {
            Next::Frame(self.peeked[0] as u32 as usize - HEADER_BYTES)
        }
    }

    #[inline]
    fn peeked_flags(&self) -> u32 {
        (self.peeked[3] >> 32) as u32
    }

    /// Loads the next header once, passing pads. False: there is none.
    #[inline]
    fn peek(&mut self) -> bool {
        if self.broken {
            return false;
        }
        for _ in 0..=PADS_PER_POLL {
            let place = self.tail & (self.at.ring_bytes - 1);
            let word = self.at.ring + place as usize;
            // Pairs with the Release of `Producer::publish`.
            let len = self.peer.load32(word, Acquire);
            if len == 0 {
                return false;
            }
            let to_end = self.at.ring_bytes - place;
            if len & PAD != 0 {
                // A pad goes to the end of the ring and is shorter than the frame that did not fit.
                let pad = u64::from(len & !PAD);
                if pad != to_end || pad > frame_max(self.at.ring_bytes) {
                    return self.resynchronize();
                }
                self.tail += pad;
                continue;
            }
            let size = padded(u64::from(len));
            if (len as usize) < HEADER_BYTES || u64::from(len) > frame_max(self.at.ring_bytes) || size > to_end {
                return self.resynchronize();
            }
            // Its `len` is what was checked, and not looked at again.
            let [first, id, stamp, last] = self.peer.load_header(word);
            self.peeked = [first & !u64::from(u32::MAX) | u64::from(len), id, stamp, last];
            if (last >> 32) as u32 & flag::SWITCH != 0 && !self.is_switch() {
                self.pass();
                self.count(Drop::Corrupt, 1);
                self.done();
                return false;
            }
            return true;
        }
        // More pads in a row than a ring has.
        self.resynchronize()
    }

    fn is_switch(&self) -> bool {
        self.peeked[0] as u32 as usize == HEADER_BYTES && self.peeked[3] as u32 == checksum::of_words(self.peeked, &[])
    }

    /// A length is wrong: goes on at the producer's head, if that is one that this ring can have.
    #[cold]
    fn resynchronize(&mut self) -> bool {
        let head = self.peer.load64(self.at.producer_page + offset_of!(ProducerPage, head), Acquire);
        let possible =
            head > self.tail && head - self.tail <= self.at.ring_bytes && head.is_multiple_of(FRAME_ALIGNMENT);
        self.count(Drop::Corrupt, 1);
        if possible {
            self.tail = head;
            self.skipped = true;
            self.done();
        } else {
            self.broken = true;
        }
        false
    }

    /// Copies the frame that `look` showed into private memory, then verifies the copy. `into` is as long as its payload. The
    /// credit stays with the frame until `done`.
    #[inline]
    pub fn take(&mut self, into: &mut [u8]) -> Result<Received, Corrupt> {
        let [first, id, stamp, last] = self.peeked;
        if first == 0 {
            return Err(Corrupt);
        }
        let bytes = first as u32 as usize - HEADER_BYTES;
        assert!(into.len() == bytes, "bug: a frame's buffer is not as long as its payload");
        let place = self.tail & (self.at.ring_bytes - 1);
        let payload = self.at.ring + place as usize + HEADER_BYTES;
        let sum = self.peer.copy_out_summed(payload, into, checksum::of_header(self.peeked));
        self.pass();
        if sum != last as u32 {
            self.count(Drop::Corrupt, 1);
            self.done();
            return Err(Corrupt);
        }
        let header = Header::of_words([first, id, stamp, last]);
        self.settle();
        self.account(&header);
        let stamped = self.look_at_clock(&header);
        self.taken = Some(Taken { id, bytes, stamped });
        Ok(Received { header, bytes, age_ns: stamped.map_or(0, |at| at.now - at.stamp) })
    }

    #[inline]
    fn pass(&mut self) {
        self.tail += padded(self.peeked[0] & u64::from(u32::MAX));
        self.peeked[0] = 0;
    }

    /// Counts what a broken length made this side skip, by the gap in the producer's ids.
    #[inline]
    fn account(&mut self, header: &Header) {
        if self.skipped {
            self.skipped = false;
            if let Some(last) = self.last_id {
                let most = self.at.ring_bytes / HEADER_BYTES as u64;
                // One has been counted when the length was found wrong.
                let gap = header.frame_id.saturating_sub(last).saturating_sub(2);
                self.count(Drop::Corrupt, gap.min(most));
            }
        }
        self.last_id = Some(header.frame_id);
        self.received += 1;
    }

    #[inline]
    fn look_at_clock(&mut self, header: &Header) -> Option<Stamped> {
        if header.flags & flag::STAMPED == 0 {
            return None;
        }
        let now = clock::now();
        // A stamp is what a peer says: between the previous one and now.
        self.stamp = header.stamp.clamp(self.stamp.min(now), now);
        Some(Stamped { stamp: self.stamp, now })
    }

    /// Writes the figures of the frame that was taken last. Not when it is taken: its owner waits then, and later nobody does.
    #[inline]
    fn settle(&mut self) {
        let Some(Taken { id, bytes, stamped }) = self.taken.take() else { return };
        let page = self.at.consumer_page;
        self.own.store64(page + offset_of!(ConsumerPage, received), self.received, Relaxed);
        let Some(Stamped { stamp, now }) = stamped else { return };
        let age = now - stamp;
        self.own.add64(page + offset_of!(ConsumerPage, histogram) + histogram::bucket(age) * 8, 1);
        if self.budget_ns > 0 && age > self.budget_ns {
            self.own.add64(page + offset_of!(ConsumerPage, over), 1);
        }
        // After `over`, so that a reader that loads `samples` first never sees more over than samples.
        self.own.store64(page + offset_of!(ConsumerPage, heartbeat), now, Relaxed);
        let samples = page + offset_of!(ConsumerPage, samples);
        self.own.store64(samples, self.own.load64(samples, Relaxed).wrapping_add(1), Release);
        let event = page + offset_of!(ConsumerPage, events) + (self.events as usize % EVENTS) * size_of::<FrameEvent>();
        self.own.store64(event + offset_of!(FrameEvent, frame_id), id, Relaxed);
        self.own.store64(event + offset_of!(FrameEvent, stamp), stamp, Relaxed);
        self.own.store64(event + offset_of!(FrameEvent, received), now, Relaxed);
        self.own.store64(event + offset_of!(FrameEvent, bytes), bytes as u64, Relaxed);
        self.events += 1;
        self.own.store64(page + offset_of!(ConsumerPage, events_written), self.events, Release);
    }

    /// Gives all that was passed back to the producer, and wakes it if it sleeps on a full ring.
    #[inline]
    pub fn done(&mut self) {
        if self.credit == self.tail {
            return;
        }
        self.settle();
        self.credit = self.tail;
        // Pairs with the Acquire of `Producer::look_at_credit`: the copies are over.
        self.own.store64(self.at.consumer_page, self.credit, Release);
        self.own.waker_fence(self.fence);
        if self.peer.load32(self.at.producer_page + offset_of!(ProducerPage, asleep), Relaxed) != 0 {
            self.own.wake(self.at.consumer_page);
        }
    }

    /// Passes the `SWITCH` that `look` showed.
    pub fn pass_switch(&mut self) {
        if self.peeked[0] != 0 && self.peeked_flags() & flag::SWITCH != 0 {
            self.pass();
            self.done();
        }
    }

    /// Passes the frame that `look` showed without delivering it.
    pub fn drop_next(&mut self, reason: Drop) {
        if self.peeked[0] != 0 && self.peeked_flags() & flag::SWITCH == 0 {
            self.last_id = Some(self.peeked[1]);
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
        self.own.add64(self.at.consumer_page + offset_of!(ConsumerPage, drops) + reason as usize * 8, by);
    }

    /// What an idle consumer sleeps on: the next frame's `len`, not yet published.
    pub fn watch(&self) -> Watch<'_> {
        let place = self.tail & (self.at.ring_bytes - 1);
        Watch { word: self.peer.futex(self.at.ring + place as usize), seen: 0 }
    }

    /// Said before and after sleeping on `watch`. Pairs with the look in `Producer::publish`.
    pub fn set_asleep(&self, asleep: bool) {
        self.own.store32(self.at.consumer_page + offset_of!(ConsumerPage, asleep), u32::from(asleep), Relaxed);
    }

    /// Shows which epoch this endpoint has performed.
    pub fn acknowledge(&self, epoch: u64) {
        self.own.store64(self.at.consumer_page + offset_of!(ConsumerPage, acknowledged), epoch, Release);
    }

    pub fn received(&self) -> u64 {
        self.received
    }

    pub fn is_broken(&self) -> bool {
        self.broken
    }

    pub fn drops(&self) -> [u64; DROPS] {
        let drops = self.at.consumer_page + offset_of!(ConsumerPage, drops);
        std::array::from_fn(|reason| self.own.load64(drops + reason * 8, Relaxed))
    }
}
