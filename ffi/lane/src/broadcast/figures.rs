//! A broadcast lane's figures, for one of its readers: read like those of a stream, by someone who takes no part.
use super::layout::{POSITION, Slot, Slots, WriterPage, whole};
use crate::figures::Figures;
use crate::layout::{ConsumerPage, DROPS, Header};
use crate::limits::FRAMES_AHEAD_MAX;
use crate::memory::Words;
use std::mem::offset_of;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

/// Reads one reader's lane. `ring` is a view of the writer's region, `own` of the reader's; `now` is CLOCK_MONOTONIC.
///
/// `sent` counts from where this reader joined: what it has received, lost and not yet seen. What the writer refused to send is
/// among the drops of every reader.
pub fn figures(ring: &impl Words, own: &impl Words, at: &Slots, now: u64) -> Figures {
    let writer = |offset: usize| ring.load64(at.writer_page + offset, Relaxed);
    let reader = |offset: usize| own.load64(at.reader_page + offset, Relaxed);
    // What the reader says first: what the writer says later can only be ahead of it.
    let shown = own.load64(at.reader_page + POSITION, Acquire);
    let samples = own.load64(at.reader_page + offset_of!(ConsumerPage, samples), Acquire);
    let received = reader(offset_of!(ConsumerPage, received));
    let dropped: [u64; DROPS] = std::array::from_fn(|reason| reader(offset_of!(ConsumerPage, drops) + reason * 8));
    let histogram = std::array::from_fn(|bucket| reader(offset_of!(ConsumerPage, histogram) + bucket * 8));
    let over = reader(offset_of!(ConsumerPage, over)).min(samples);
    let head = ring.load64(at.writer_page + offset_of!(WriterPage, head), Acquire);
    let refused: [u64; DROPS] = std::array::from_fn(|reason| writer(offset_of!(WriterPage, drops) + reason * 8));
    let gone = dropped.iter().fold(received, |sum, drops| sum.saturating_add(*drops));
    // A reader that is away or behind by what no writer sends has nothing to come.
    let behind = shown.checked_sub(1).and_then(|position| head.checked_sub(position));
    let behind = behind.filter(|frames| *frames <= FRAMES_AHEAD_MAX).unwrap_or(0);
    let depth = behind.min(at.count);
    Figures {
        sent: gone.saturating_add(behind),
        received,
        drops: std::array::from_fn(|reason| dropped[reason].saturating_add(refused[reason])),
        depth,
        uncredited_bytes: depth * at.bytes as u64,
        oldest_ns: oldest(ring, at, head - depth, head).map_or(0, |stamp| now.saturating_sub(stamp)),
        samples,
        over,
        producer_samples: 0,
        producer_over: 0,
        producer_unsure: 0,
        throttled: writer(offset_of!(WriterPage, throttled)),
        producer_acknowledged: writer(offset_of!(WriterPage, acknowledged)),
        consumer_acknowledged: reader(offset_of!(ConsumerPage, acknowledged)),
        histogram,
    }
}

/// The stamp of the first frame that is still there. The very oldest may be overwritten at this moment: then it is the next.
fn oldest(ring: &impl Words, at: &Slots, first: u64, head: u64) -> Option<u64> {
    (first..head).take(2).find_map(|frame| {
        let place = at.place(frame);
        let is_whole = || ring.load64(place, Acquire) == whole(frame);
        if !is_whole() {
            return None;
        }
        let stamp = ring.load64(place + offset_of!(Slot, header) + offset_of!(Header, stamp), Relaxed);
        ring.fence(Acquire);
        (is_whole() && stamp > 0).then_some(stamp)
    })
}
