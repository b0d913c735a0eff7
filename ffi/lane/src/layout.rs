//! Where everything lies in a region. The same numbers are in `core/apply` (pages) and in the stubs (frames); offsets are
//! asserted at compile time.
//!
//! A region has one writer. It starts with a page of zeroes; then, for each lane that its writer produces, a producer page and
//! the ring; for each lane that it consumes, a consumer page.
//!
//! Within a page, what one side stores at each frame is 128 bytes away from what the other side polls, so that the two lines
//! (and the line that the prefetcher brings along) are never written by one and polled by the other for different reasons.
use std::mem::{offset_of, size_of};

pub const REGION_HEADER: u64 = 4096;
pub const PRODUCER_PAGE: u64 = 4096;
pub const CONSUMER_PAGE: u64 = 4096;

/// A frame's header as it lies in the ring, little endian; the payload follows. `len` is published last.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Header and payload in bytes, without the filling to 8; 0: not yet published; `PAD | bytes`: skip to the ring's start.
    pub len: u32,
    pub route_id: u32,
    /// Counts the frames of an output over all its lanes; of a `SWITCH` it is the epoch.
    pub frame_id: u64,
    /// CLOCK_MONOTONIC nanoseconds at sending; exact where `STAMPED` is set.
    pub stamp: u64,
    /// CRC-32C over the header with `checksum` 0, then the payload.
    pub checksum: u32,
    pub flags: u32,
}

impl Header {
    /// As the four little-endian words that lie in the ring.
    #[inline]
    pub const fn words(&self) -> [u64; 4] {
        let first = self.len as u64 | (self.route_id as u64) << 32;
        [first, self.frame_id, self.stamp, self.checksum as u64 | (self.flags as u64) << 32]
    }

    #[inline]
    pub const fn of_words([first, frame_id, stamp, last]: [u64; 4]) -> Self {
        Self {
            len: first as u32,
            route_id: (first >> 32) as u32,
            frame_id,
            stamp,
            checksum: last as u32,
            flags: (last >> 32) as u32,
        }
    }
}

pub const HEADER_BYTES: usize = 32;
/// Frames start at multiples of this.
pub const FRAME_ALIGNMENT: u64 = 8;
/// The marker in `len`.
pub const PAD: u32 = 1 << 31;

pub mod flag {
    /// The lane ends here for a transition; no payload.
    pub const SWITCH: u32 = 1;
    /// `stamp` was taken for this very frame.
    pub const STAMPED: u32 = 2;
    /// Sent again after its consumer died: to be compared by `frame_id` with what was received.
    pub const RESENT: u32 = 4;
}

const _: () = assert!(size_of::<Header>() == HEADER_BYTES);
const _: () = assert!(offset_of!(Header, len) == 0);
const _: () = assert!(offset_of!(Header, route_id) == 4);
const _: () = assert!(offset_of!(Header, frame_id) == 8);
const _: () = assert!(offset_of!(Header, stamp) == 16);
const _: () = assert!(offset_of!(Header, checksum) == 24);
const _: () = assert!(offset_of!(Header, flags) == 28);

/// Why a frame was not delivered. The order is that of the counters in both pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Drop {
    Full = 0,
    Superseded = 1,
    Corrupt = 2,
    TooLarge = 3,
    Duplicate = 4,
    /// The ring went round before a slow reader of a broadcast lane came to it.
    Overwritten = 5,
    /// Passed over for a newer one by a reader that keeps the latest.
    Outdated = 6,
    /// Came further over buses than its time to live.
    Expired = 7,
}

pub const DROPS: usize = 8;
pub const DROP_NAMES: [&str; DROPS] =
    ["full", "superseded", "corrupt", "tooLarge", "duplicate", "overwritten", "outdated", "expired"];

/// Written by the producer, in the ring's region.
#[repr(C)]
pub struct ProducerPage {
    /// Bytes that are or are about to be overwritten, ever; ahead of `head` while a frame is written.
    pub claim: u64,
    /// Bytes ever published.
    pub head: u64,
    /// Frames ever published, without `SWITCH`es and without those that went out again on another lane.
    pub sent: u64,
    _line0: [u64; 13],
    /// Not 0 while the producer sleeps on the consumer's credit.
    pub asleep: u32,
    _line1: [u32; 31],
    /// The last epoch that the producer's endpoint has performed.
    pub acknowledged: u64,
    /// CLOCK_MONOTONIC nanoseconds of the witness's last look, which comes with a stamped frame: an endpoint that sends nothing
    /// looks as one that does not live.
    pub heartbeat: u64,
    /// The second witness: frames that were surely within the budget or surely over it when they were credited, and of them
    /// those over it.
    pub samples: u64,
    pub over: u64,
    /// Frames that the declared rate held back or refused.
    pub throttled: u64,
    pub drops: [u64; DROPS],
    /// Frames that were credited between two looks of the witness, of which the budget lies between them too.
    pub unsure: u64,
    _rest: [u64; 466],
}

pub const EVENTS: usize = 16;

/// A recent frame, for the flight recorder.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct FrameEvent {
    pub frame_id: u64,
    pub stamp: u64,
    pub received: u64,
    pub bytes: u64,
}

/// Written by the consumer, in the credit's region.
#[repr(C)]
pub struct ConsumerPage {
    /// Bytes ever given back to the producer. Its low half is what a blocked producer sleeps on.
    pub credit: u64,
    /// Frames ever received. One counts here, in the histogram and in the events when its owner is done with it or looks for
    /// the next: until then it waits for nothing of this, and is uncredited.
    pub received: u64,
    _line0: [u64; 14],
    /// Not 0 while the consumer sleeps on the next frame's `len`.
    pub asleep: u32,
    _line1: [u32; 31],
    pub acknowledged: u64,
    /// CLOCK_MONOTONIC nanoseconds at which the last stamped frame was taken.
    pub heartbeat: u64,
    /// Frames whose latency was measured, and those over the budget: an exact edge beside the histogram's.
    pub samples: u64,
    pub over: u64,
    /// Events ever written; the newest is at `events_written - 1` modulo `EVENTS`.
    pub events_written: u64,
    pub drops: [u64; DROPS],
    _line2: [u64; 19],
    pub events: [FrameEvent; EVENTS],
    pub histogram: [u64; crate::histogram::BUCKETS],
    _rest: [u64; 128],
}

const _: () = assert!(size_of::<ProducerPage>() == PRODUCER_PAGE as usize);
const _: () = assert!(size_of::<ConsumerPage>() == CONSUMER_PAGE as usize);
const _: () = assert!(offset_of!(ProducerPage, head) == 8);
const _: () = assert!(offset_of!(ProducerPage, asleep) == 128);
const _: () = assert!(offset_of!(ProducerPage, acknowledged) == 256);
const _: () = assert!(offset_of!(ProducerPage, drops) == 296);
const _: () = assert!(offset_of!(ProducerPage, unsure) == 360);
const _: () = assert!(offset_of!(ConsumerPage, credit) == 0);
const _: () = assert!(offset_of!(ConsumerPage, asleep) == 128);
const _: () = assert!(offset_of!(ConsumerPage, acknowledged) == 256);
const _: () = assert!(offset_of!(ConsumerPage, drops) == 296);
const _: () = assert!(offset_of!(ConsumerPage, events) == 512);
const _: () = assert!(offset_of!(ConsumerPage, histogram) == 1024);

/// Bytes that a frame of `len` (header and payload) takes in the ring.
pub const fn padded(len: u64) -> u64 {
    (len + FRAME_ALIGNMENT - 1) & !(FRAME_ALIGNMENT - 1)
}

/// The largest `len` that a ring takes.
pub const fn frame_max(ring_bytes: u64) -> u64 {
    ring_bytes / crate::limits::FRAME_FRACTION
}

/// The largest payload that a ring takes.
pub const fn payload_max(ring_bytes: u64) -> u64 {
    frame_max(ring_bytes) - HEADER_BYTES as u64
}
