//! The sending side of a broadcast lane.
use super::layout::{End, SLOT_HEADER, Slot, Slots, WriterPage, whole, writing};
use crate::admission::TokenBucket;
use crate::checksum;
use crate::error::LaneError;
use crate::lane::{Geometry, Knobs};
use crate::layout::{ConsumerPage, DROPS, Drop, HEADER_BYTES, Header, flag};
use crate::limits::{ENDS, STAMP_ALL_BELOW_HZ, STAMP_EVERY};
use crate::memory::{Words, WordsMut};
use crate::producer::Refused;
use crate::wait::WakerFence;
use std::mem::offset_of;
use std::sync::atomic::Ordering::{Relaxed, Release};

const HEADER: usize = offset_of!(Slot, header);

/// The one writer of a broadcast ring. `own` holds its page and the slots; of each reader it sees the page.
#[derive(Debug)]
pub struct Writer<Own, Peer> {
    own: Own,
    at: Slots,
    rate_hz: f64,
    /// Frames ever published, and where the slot of the next one is.
    head: u64,
    place: usize,
    stamp: u64,
    ends: u64,
    bucket: Option<TokenBucket>,
    fence: WakerFence,
    readers: Vec<Reading<Peer>>,
}

/// A reader as its writer sees it: whether it sleeps.
#[derive(Debug)]
struct Reading<Peer> {
    lane: u64,
    peer: Peer,
    asleep: usize,
}

impl<Own: WordsMut, Peer: Words> Writer<Own, Peer> {
    /// A writer at the start of a ring of zeroes. `geometry` has been checked against the region (`Geometry::check`).
    pub fn new(own: Own, geometry: &Geometry, knobs: Knobs) -> Result<Self, LaneError> {
        let at = Slots::of(geometry, knobs.max_frame_bytes)?;
        Ok(Self {
            own,
            at,
            rate_hz: knobs.rate_hz,
            head: 0,
            place: at.ring,
            stamp: 0,
            ends: 0,
            bucket: TokenBucket::of(knobs.rate_hz, knobs.budget_ns),
            fence: WakerFence::new(),
            readers: Vec::new(),
        })
    }

    /// From now on this reader is woken when it sleeps. Its page has been checked against its region.
    pub fn admit_reader(&mut self, lane: u64, peer: Peer, consumer_page: usize) {
        self.dismiss_reader(lane);
        self.readers.push(Reading { lane, peer, asleep: consumer_page + offset_of!(ConsumerPage, asleep) });
    }

    pub fn dismiss_reader(&mut self, lane: u64) {
        self.readers.retain(|each| each.lane != lane);
    }

    /// The lanes of those who are woken.
    pub fn readers(&self) -> impl Iterator<Item = u64> + '_ {
        self.readers.iter().map(|each| each.lane)
    }

    /// Writes one frame over the oldest, stamped `now`. There is always room.
    #[inline]
    pub fn send(&mut self, route_id: u32, frame_id: u64, flags: u32, now: u64, payload: &[u8]) -> Result<(), Refused> {
        if payload.len() > self.at.payload_max {
            return Err(Refused::TooLarge { most: self.at.payload_max });
        }
        let mut flags = flags & !flag::SWITCH;
        if self.wants_stamp() {
            self.stamp = self.stamp.max(now);
            flags |= flag::STAMPED;
        }
        let len = (HEADER_BYTES + payload.len()) as u32;
        let header = Header { len, route_id, frame_id, stamp: self.stamp, checksum: 0, flags };
        self.publish(&header, payload);
        if flags & flag::STAMPED != 0 {
            self.own.store64(self.at.writer_page + offset_of!(WriterPage, heartbeat), now, Relaxed);
        }
        Ok(())
    }

    #[inline]
    fn publish(&mut self, header: &Header, payload: &[u8]) {
        let [first, id, stamp, flags] = header.words();
        let checksum = checksum::of_words([first, id, stamp, flags], payload);
        let (page, place, frame) = (self.at.writer_page, self.place, self.head);
        self.own.store64(page + offset_of!(WriterPage, claim), frame + 1, Relaxed);
        // Release: a reader that meets this word in the place of an older frame finds `head` behind that frame.
        self.own.store64(place, writing(frame), Release);
        // Pairs with the Acquire fence of `Reader::is_still`: who has read anything of what follows sees the odd word.
        self.own.fence(Release);
        self.own.store64(place + HEADER, first, Relaxed);
        self.own.store64(place + HEADER + 8, id, Relaxed);
        self.own.store64(place + HEADER + 16, stamp, Relaxed);
        self.own.store64(place + HEADER + 24, flags | u64::from(checksum), Relaxed);
        self.own.copy_in(place + SLOT_HEADER, payload);
        // Publishes all stores above. Pairs with the Acquire of `Reader::look`.
        self.own.store64(place, whole(frame), Release);
        self.head = frame + 1;
        self.place = self.at.after(place);
        self.own.store64(page + offset_of!(WriterPage, head), self.head, Release);
        self.own.store64(page + offset_of!(WriterPage, sent), self.head, Relaxed);
        self.wake_sleepers(place);
    }

    /// One wake is for all: who sleeps has read everything, and so sleeps on the same word.
    #[inline]
    fn wake_sleepers(&self, word: usize) {
        self.own.waker_fence(self.fence);
        // Pairs with `Reader::set_asleep`.
        if self.readers.iter().any(|each| each.peer.load32(each.asleep, Relaxed) != 0) {
            self.own.wake(word);
        }
    }

    /// Notes that at this epoch the readers change: who leaves reads up to here, who joins starts here.
    pub fn end(&mut self, epoch: u64) {
        let page = self.at.writer_page;
        let written = page + offset_of!(WriterPage, ends_written);
        let entry = page + offset_of!(WriterPage, ends) + (self.ends % ENDS as u64) as usize * size_of::<End>();
        // Readers take no entry as old as the one overwritten here; should one be that late, what it reads of this one shows it
        // the count from before. Pairs with the Acquire fence of `Reader::entry`.
        self.own.fence(Release);
        self.own.store64(entry + offset_of!(End, epoch), epoch, Relaxed);
        self.own.store64(entry + offset_of!(End, at), self.head, Relaxed);
        self.ends += 1;
        // Pairs with the Acquire of `Reader::learn_end`; a frame that is published later brings it along.
        self.own.store64(written, self.ends, Release);
        self.wake_sleepers(written);
    }

    /// Whether the next frame is to carry its own stamp (else `now` is not looked at).
    #[inline]
    pub fn wants_stamp(&self) -> bool {
        self.rate_hz < STAMP_ALL_BELOW_HZ || self.head.is_multiple_of(STAMP_EVERY)
    }

    /// Whether the declared rate admits a frame now; else how long to wait for it.
    pub fn admit(&mut self, now: u64) -> Result<(), u64> {
        let Some(bucket) = self.bucket.as_mut() else { return Ok(()) };
        bucket.take(now).inspect_err(|_| {
            self.own.add64(self.at.writer_page + offset_of!(WriterPage, throttled), 1);
        })
    }

    /// A frame that was admitted and then not sent gives its token back.
    pub fn readmit(&mut self) {
        if let Some(bucket) = self.bucket.as_mut() {
            bucket.give_back();
        }
    }

    pub fn count(&mut self, reason: Drop) {
        self.own.add64(self.at.writer_page + offset_of!(WriterPage, drops) + reason as usize * 8, 1);
    }

    pub fn payload_max(&self) -> usize {
        self.at.payload_max
    }

    /// Shows which epoch this endpoint has performed.
    pub fn acknowledge(&self, epoch: u64) {
        self.own.store64(self.at.writer_page + offset_of!(WriterPage, acknowledged), epoch, Release);
    }

    /// Frames ever published.
    pub fn sent(&self) -> u64 {
        self.head
    }

    pub fn drops(&self) -> [u64; DROPS] {
        let drops = self.at.writer_page + offset_of!(WriterPage, drops);
        std::array::from_fn(|reason| self.own.load64(drops + reason * 8, Relaxed))
    }
}
