//! What a reader shows of itself: its own page.
use super::layout::POSITION;
use crate::clock;
use crate::histogram;
use crate::layout::{ConsumerPage, DROPS, Drop, EVENTS, FrameEvent, Header, flag};
use crate::memory::WordsMut;
use std::mem::offset_of;
use std::sync::atomic::Ordering::{Relaxed, Release};

#[derive(Debug)]
pub struct Record<Own> {
    own: Own,
    page: usize,
    budget_ns: u64,
    shown: u64,
    received: u64,
    stamp: u64,
    events: u64,
}

impl<Own: WordsMut> Record<Own> {
    pub fn new(own: Own, page: usize, budget_ns: u64) -> Self {
        Self { own, page, budget_ns, shown: 0, received: 0, stamp: 0, events: 0 }
    }

    /// Frames passed, plus one; 0: not reading.
    #[inline]
    pub fn show(&mut self, position: u64) {
        if position != self.shown {
            self.shown = position;
            self.own.store64(self.page + POSITION, position, Release);
        }
    }

    /// A frame was delivered; how old it is, 0 where it carries no stamp of its own.
    #[inline]
    pub fn receive(&mut self, header: &Header, bytes: usize) -> u64 {
        self.received += 1;
        self.own.store64(self.page + offset_of!(ConsumerPage, received), self.received, Relaxed);
        if header.flags & flag::STAMPED == 0 {
            return 0;
        }
        let now = clock::now();
        // A stamp is what a peer says: between the previous one and now.
        let stamp = header.stamp.clamp(self.stamp.min(now), now);
        self.stamp = stamp;
        let age = now - stamp;
        self.own.add64(self.page + offset_of!(ConsumerPage, histogram) + histogram::bucket(age) * 8, 1);
        if self.budget_ns > 0 && age > self.budget_ns {
            self.own.add64(self.page + offset_of!(ConsumerPage, over), 1);
        }
        self.own.store64(self.page + offset_of!(ConsumerPage, heartbeat), now, Relaxed);
        // After `over`, so that who loads `samples` first never sees more over than samples.
        let samples = self.page + offset_of!(ConsumerPage, samples);
        self.own.store64(samples, self.own.load64(samples, Relaxed).wrapping_add(1), Release);
        self.note(FrameEvent { frame_id: header.frame_id, stamp, received: now, bytes: bytes as u64 });
        age
    }

    fn note(&mut self, event: FrameEvent) {
        let at = (self.events as usize % EVENTS) * size_of::<FrameEvent>();
        let at = self.page + offset_of!(ConsumerPage, events) + at;
        self.own.store64(at + offset_of!(FrameEvent, frame_id), event.frame_id, Relaxed);
        self.own.store64(at + offset_of!(FrameEvent, stamp), event.stamp, Relaxed);
        self.own.store64(at + offset_of!(FrameEvent, received), event.received, Relaxed);
        self.own.store64(at + offset_of!(FrameEvent, bytes), event.bytes, Relaxed);
        self.events += 1;
        self.own.store64(self.page + offset_of!(ConsumerPage, events_written), self.events, Release);
    }

    pub fn count(&mut self, reason: Drop, by: u64) {
        if by > 0 {
            self.own.add64(self.page + offset_of!(ConsumerPage, drops) + reason as usize * 8, by);
        }
    }

    pub fn set_asleep(&self, asleep: bool) {
        self.own.store32(self.page + offset_of!(ConsumerPage, asleep), u32::from(asleep), Relaxed);
    }

    pub fn acknowledge(&self, epoch: u64) {
        self.own.store64(self.page + offset_of!(ConsumerPage, acknowledged), epoch, Release);
    }

    pub fn received(&self) -> u64 {
        self.received
    }

    pub fn drops(&self) -> [u64; DROPS] {
        let drops = self.page + offset_of!(ConsumerPage, drops);
        std::array::from_fn(|reason| self.own.load64(drops + reason * 8, Relaxed))
    }
}
