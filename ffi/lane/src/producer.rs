//! The sending side of a stream ring.
//!
//! The word where the next frame's `len` will be is 0 at all times: before a frame is published, the word behind it is
//! cleared, which is allowed only while free space ≥ frame + 8. The consumer polls that word in place and never reads `head`.
use crate::admission::TokenBucket;
use crate::checksum;
use crate::lane::{Geometry, Knobs};
use crate::layout::{DROPS, Drop, FRAME_ALIGNMENT, HEADER_BYTES, Header, PAD, ProducerPage, flag, padded, payload_max};
use crate::limits::{STAMP_ALL_BELOW_HZ, STAMP_EVERY, SWITCH_ROOM, WITNESS_LOOKS, WITNESS_NS_MIN};
use crate::memory::{Words, WordsMut};
use crate::uncredited::{self, Uncredited};
use crate::wait::{WakerFence, Watch};
use std::mem::offset_of;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Why a frame was not written. Nothing was counted: what it means is the backpressure policy's affair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Full,
    TooLarge { most: usize },
}

/// The one writer of a ring. `own` holds its page and the ring, `peer` the consumer's page.
#[derive(Debug)]
pub struct Producer<Own, Peer> {
    own: Own,
    peer: Peer,
    at: Geometry,
    payload_max: usize,
    budget_ns: u64,
    stamps_all: bool,
    head: u64,
    /// The last credit that passed the checks.
    credit: u64,
    sent: u64,
    stamp: u64,
    fence: WakerFence,
    watched: Option<Watched>,
    /// When the witness looks again.
    look_at: u64,
    bucket: Option<TokenBucket>,
    /// Credits that no honest consumer gives.
    refused_credits: u64,
}

/// The frame that the second witness looks at: uncredited at `seen`, so at least `seen - stamp` old when credited, and at most
/// as old as it is when the credit is seen.
#[derive(Debug)]
struct Watched {
    end: u64,
    stamp: u64,
    seen: u64,
}

const HEAD: usize = offset_of!(ProducerPage, head);
const CLAIM: usize = offset_of!(ProducerPage, claim);

impl<Own: WordsMut, Peer: Words> Producer<Own, Peer> {
    /// A producer at the start of a ring of zeroes. `geometry` has been checked against both regions (`Geometry::check`).
    pub fn new(own: Own, peer: Peer, geometry: Geometry, knobs: Knobs) -> Self {
        Self {
            own,
            peer,
            at: geometry,
            payload_max: payload_max(geometry.ring_bytes).min(knobs.max_frame_bytes.into()) as usize,
            budget_ns: knobs.budget_ns,
            stamps_all: knobs.rate_hz < STAMP_ALL_BELOW_HZ,
            head: 0,
            credit: 0,
            sent: 0,
            stamp: 0,
            fence: WakerFence::new(),
            watched: None,
            look_at: 0,
            bucket: TokenBucket::of(knobs.rate_hz, knobs.budget_ns),
            refused_credits: 0,
        }
    }

    /// Writes one frame, stamped `now`, and wakes the consumer if it sleeps.
    #[inline]
    pub fn send(&mut self, route_id: u32, frame_id: u64, flags: u32, now: u64, payload: &[u8]) -> Result<(), Refused> {
        if payload.len() > self.payload_max {
            return Err(Refused::TooLarge { most: self.payload_max });
        }
        let mut flags = flags;
        if self.stamps() {
            self.stamp = self.stamp.max(now);
            flags |= flag::STAMPED;
        }
        let header = Header {
            len: (HEADER_BYTES + payload.len()) as u32,
            route_id,
            frame_id,
            stamp: self.stamp,
            checksum: 0,
            flags,
        };
        self.publish(header, payload, SWITCH_ROOM)?;
        self.sent += 1;
        self.own.store64(self.at.producer_page + offset_of!(ProducerPage, sent), self.sent, Relaxed);
        if flags & flag::STAMPED != 0 {
            self.witness(now);
        }
        Ok(())
    }

    /// Ends the lane for a transition. False: the room kept for it is used up, by transitions that the consumer slept over.
    pub fn switch(&mut self, epoch: u64) -> bool {
        let header = Header {
            len: HEADER_BYTES as u32,
            frame_id: epoch,
            stamp: self.stamp,
            flags: flag::SWITCH,
            ..Header::default()
        };
        self.publish(header, &[], 0).is_ok()
    }

    #[inline]
    fn publish(&mut self, header: Header, payload: &[u8], leave: u64) -> Result<(), Refused> {
        let size = padded(u64::from(header.len));
        let place = self.head & (self.at.ring_bytes - 1);
        let to_end = self.at.ring_bytes - place;
        let pad = if to_end < size { to_end } else { 0 };
        if !self.has_room(pad + size + FRAME_ALIGNMENT + leave) {
            return Err(Refused::Full);
        }
        let [first, id, stamp, flags] = header.words();
        let checksum = checksum::of_words([first, id, stamp, flags], payload);
        let start = if pad > 0 { 0 } else { place };
        let next = (start + size) & (self.at.ring_bytes - 1);
        let end = self.head + pad + size;
        // A tap that copies old bytes looks at `claim` afterwards: it must be ahead of the bytes that spoil its copy.
        self.own.store64(self.at.producer_page + CLAIM, end, Relaxed);
        self.own.fence(Release);
        // Before the frame's own words: they and its `len` then leave this core in one go, with no other line between them
        // for which the consumer, who polls theirs, could take it away.
        self.own.store32(self.at.ring + next as usize, 0, Relaxed);
        let frame = self.at.ring + start as usize;
        self.own.store_header(frame, [first, id, stamp, flags | u64::from(checksum)]);
        self.own.copy_in(frame + HEADER_BYTES, payload);
        // Publishes all stores above. Pairs with the Acquire of `Consumer::look`.
        let polled = self.at.ring + place as usize;
        if pad > 0 {
            self.own.store32(frame, header.len, Relaxed);
            self.own.store32(polled, PAD | pad as u32, Release);
        } else {
            self.own.store32(polled, header.len, Release);
        }
        self.head = end;
        self.own.store64(self.at.producer_page + HEAD, end, Release);
        self.own.waker_fence(self.fence);
        if self.peer.load32(self.at.consumer_page + offset_of!(crate::layout::ConsumerPage, asleep), Relaxed) != 0 {
            self.own.wake(polled);
        }
        Ok(())
    }

    #[inline]
    fn has_room(&mut self, needed: u64) -> bool {
        if self.at.ring_bytes - (self.head - self.credit) >= needed {
            return true;
        }
        self.look_at_credit();
        self.at.ring_bytes - (self.head - self.credit) >= needed
    }

    /// Takes over the consumer's credit if an honest one could have given it: old ≤ new ≤ head, on a frame's boundary.
    fn look_at_credit(&mut self) {
        // Pairs with the Release of `Consumer::done`: the consumer's copy is over before its bytes are overwritten.
        let credit = self.peer.load64(self.at.consumer_page, Acquire);
        if credit >= self.credit && credit <= self.head && credit.is_multiple_of(FRAME_ALIGNMENT) {
            self.credit = credit;
        } else {
            self.refused_credits += 1;
        }
    }

    fn stamps(&self) -> bool {
        self.stamps_all || self.sent.is_multiple_of(STAMP_EVERY)
    }

    /// Whether the next frame is to carry its own stamp (else `now` is not looked at).
    pub fn wants_stamp(&self) -> bool {
        self.stamps()
    }

    /// The second witness: bounds of the age at credit, which no consumer can talk down and no delay of this side blows up. A
    /// frame counts where both are on one side of the budget: a producer that sends seldom looks seldom, and then knows little.
    /// The consumer's line is fetched only a few times a budget: at each frame it would double the frame's cost.
    #[inline]
    fn witness(&mut self, now: u64) {
        if now >= self.look_at {
            self.look_for_witness(now);
        }
    }

    #[cold]
    fn look_for_witness(&mut self, now: u64) {
        let page = self.at.producer_page;
        self.own.store64(page + offset_of!(ProducerPage, heartbeat), now, Relaxed);
        self.look_at = now.saturating_add((self.budget_ns / WITNESS_LOOKS).max(WITNESS_NS_MIN));
        if self.watched.is_some() {
            self.look_at_credit();
        }
        match self.watched.as_mut() {
            Some(watched) if self.credit < watched.end => watched.seen = now,
            Some(watched) => {
                let is_over = self.budget_ns > 0 && watched.seen - watched.stamp > self.budget_ns;
                let is_within = self.budget_ns == 0 || now.saturating_sub(watched.stamp) <= self.budget_ns;
                if is_over {
                    self.own.add64(page + offset_of!(ProducerPage, over), 1);
                }
                let counts = if is_over || is_within {
                    offset_of!(ProducerPage, samples)
                } else {
                    offset_of!(ProducerPage, unsure)
                };
                self.own.add64(page + counts, 1);
                self.watched = None;
            }
            None => self.watched = Some(Watched { end: self.head, stamp: self.stamp, seen: self.stamp }),
        }
    }

    /// Whether the declared rate admits a frame now; else how long to wait for it.
    pub fn admit(&mut self, now: u64) -> Result<(), u64> {
        let Some(bucket) = self.bucket.as_mut() else { return Ok(()) };
        bucket.take(now).inspect_err(|_| {
            self.own.add64(self.at.producer_page + offset_of!(ProducerPage, throttled), 1);
        })
    }

    /// A frame that was admitted and then not sent gives its token back.
    pub fn readmit(&mut self) {
        if let Some(bucket) = self.bucket.as_mut() {
            bucket.give_back();
        }
    }

    pub fn count(&mut self, reason: Drop) {
        self.own.add64(self.at.producer_page + offset_of!(ProducerPage, drops) + reason as usize * 8, 1);
    }

    /// Whether a payload of these bytes fits now.
    pub fn fits(&mut self, payload: usize) -> bool {
        let size = padded((HEADER_BYTES + payload) as u64);
        let to_end = self.at.ring_bytes - (self.head & (self.at.ring_bytes - 1));
        let pad = if to_end < size { to_end } else { 0 };
        self.has_room(pad + size + FRAME_ALIGNMENT + SWITCH_ROOM)
    }

    pub fn payload_max(&self) -> usize {
        self.payload_max
    }

    /// What a blocked producer sleeps on: the credit as it was seen last.
    pub fn watch(&self) -> Watch<'_> {
        let seen = self.credit as u32;
        Watch { word: self.peer.futex(self.at.consumer_page), seen }
    }

    /// Said before and after sleeping on `watch`. Pairs with the look in `Consumer::done`.
    pub fn set_asleep(&self, asleep: bool) {
        self.own.store32(self.at.producer_page + offset_of!(ProducerPage, asleep), u32::from(asleep), Relaxed);
    }

    /// Shows which epoch this endpoint has performed.
    pub fn acknowledge(&self, epoch: u64) {
        self.own.store64(self.at.producer_page + offset_of!(ProducerPage, acknowledged), epoch, Release);
    }

    /// Frames ever published.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Bytes published and not credited, as seen last.
    pub fn uncredited(&mut self) -> u64 {
        self.look_at_credit();
        self.head - self.credit
    }

    /// Takes back what a dead consumer has not credited, to be sent again on another lane: it counts as sent there.
    pub fn take_uncredited(&mut self) -> Vec<Uncredited> {
        self.look_at_credit();
        let found = uncredited::between(&self.own, self.at.ring, self.at.ring_bytes, self.credit, self.head);
        self.sent -= (found.len() as u64).min(self.sent);
        self.own.store64(self.at.producer_page + offset_of!(ProducerPage, sent), self.sent, Relaxed);
        found
    }

    pub fn refused_credits(&self) -> u64 {
        self.refused_credits
    }

    pub fn drops(&self) -> [u64; DROPS] {
        let drops = self.at.producer_page + offset_of!(ProducerPage, drops);
        std::array::from_fn(|reason| self.own.load64(drops + reason * 8, Relaxed))
    }
}
