//! A lane's figures, read by someone who takes no part: read-only views of both regions, every word loaded once, everything
//! checked, nothing allocated, no system call.
use crate::histogram::BUCKETS;
use crate::lane::Geometry;
use crate::layout::{
    ConsumerPage, DROPS, FRAME_ALIGNMENT, HEADER_BYTES, Header, PAD, ProducerPage, flag, frame_max, padded,
};
use crate::limits::OLDEST_STEPS;
use crate::memory::Words;
use std::mem::offset_of;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

/// Numbers that drivers wrote: claims, checked for what is impossible, and never trusted further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Figures {
    pub sent: u64,
    pub received: u64,
    /// Both sides together, in the order of `layout::DROP_NAMES`.
    pub drops: [u64; DROPS],
    /// Frames sent and neither received nor dropped by the consumer.
    pub depth: u64,
    /// Bytes published and not credited.
    pub uncredited_bytes: u64,
    /// Age of the oldest frame that is not credited; 0 when there is none.
    pub oldest_ns: u64,
    pub samples: u64,
    pub over: u64,
    pub producer_samples: u64,
    pub producer_over: u64,
    /// Frames of which the producer cannot tell: within the budget or over it.
    pub producer_unsure: u64,
    pub throttled: u64,
    pub producer_acknowledged: u64,
    pub consumer_acknowledged: u64,
    pub histogram: [u64; BUCKETS],
}

/// Reads one lane. `ring` is a view of the ring's region, `credit` of the consumer's; `now` is CLOCK_MONOTONIC.
pub fn figures(ring: &impl Words, credit: &impl Words, at: &Geometry, now: u64) -> Figures {
    let producer = |offset: usize| ring.load64(at.producer_page + offset, Relaxed);
    let consumer = |offset: usize| credit.load64(at.consumer_page + offset, Relaxed);
    // What the consumer says first: what the producer says later can only be ahead of it.
    let credited = credit.load64(at.consumer_page, Acquire);
    let samples = credit.load64(at.consumer_page + offset_of!(ConsumerPage, samples), Acquire);
    let received = consumer(offset_of!(ConsumerPage, received));
    let dropped: [u64; DROPS] = std::array::from_fn(|reason| consumer(offset_of!(ConsumerPage, drops) + reason * 8));
    let histogram = std::array::from_fn(|bucket| consumer(offset_of!(ConsumerPage, histogram) + bucket * 8));
    let over = consumer(offset_of!(ConsumerPage, over)).min(samples);
    let head = ring.load64(at.producer_page + offset_of!(ProducerPage, head), Acquire);
    let sent = producer(offset_of!(ProducerPage, sent));
    let refused: [u64; DROPS] = std::array::from_fn(|reason| producer(offset_of!(ProducerPage, drops) + reason * 8));
    let gone = dropped.iter().fold(received, |sum, drops| sum.saturating_add(*drops));
    let uncredited = head.checked_sub(credited).filter(|bytes| *bytes <= at.ring_bytes).unwrap_or(0);
    let producer_samples = producer(offset_of!(ProducerPage, samples));
    Figures {
        sent,
        received,
        drops: std::array::from_fn(|reason| dropped[reason].saturating_add(refused[reason])),
        depth: sent.saturating_sub(gone).min(at.ring_bytes / HEADER_BYTES as u64),
        uncredited_bytes: uncredited,
        oldest_ns: oldest(ring, at, credited, uncredited).map_or(0, |stamp| now.saturating_sub(stamp)),
        samples,
        over,
        producer_samples,
        producer_over: producer(offset_of!(ProducerPage, over)).min(producer_samples),
        producer_unsure: producer(offset_of!(ProducerPage, unsure)),
        throttled: producer(offset_of!(ProducerPage, throttled)),
        producer_acknowledged: producer(offset_of!(ProducerPage, acknowledged)),
        consumer_acknowledged: consumer(offset_of!(ConsumerPage, acknowledged)),
        histogram,
    }
}

/// The stamp of the first frame behind the credit, passing pads and switches.
fn oldest(ring: &impl Words, at: &Geometry, credited: u64, uncredited: u64) -> Option<u64> {
    let end = credited.checked_add(uncredited)?;
    let mut position = credited;
    for _ in 0..OLDEST_STEPS {
        if position >= end || !position.is_multiple_of(FRAME_ALIGNMENT) {
            return None;
        }
        let place = position & (at.ring_bytes - 1);
        let word = at.ring + place as usize;
        let to_end = at.ring_bytes - place;
        let len = ring.load32(word, Acquire);
        if len & PAD != 0 {
            position += if u64::from(len & !PAD) == to_end { to_end } else { return None };
            continue;
        }
        let size = padded(u64::from(len));
        if (len as usize) < HEADER_BYTES || u64::from(len) > frame_max(at.ring_bytes) || size > to_end {
            return None;
        }
        let flags = ring.load32(word + offset_of!(Header, flags), Relaxed);
        if flags & flag::SWITCH == 0 {
            let stamp = ring.load64(word + offset_of!(Header, stamp), Relaxed);
            return (stamp > 0).then_some(stamp);
        }
        position += size;
    }
    None
}
