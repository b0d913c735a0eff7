//! Where everything of a broadcast lane lies. The writer's page and the reader's are those of a stream's producer and consumer
//! (the counters lie at the same places), with positions in frames instead of bytes.
use crate::error::LaneError;
use crate::lane::Geometry;
use crate::layout::{ConsumerPage, DROPS, HEADER_BYTES, Header, PRODUCER_PAGE, ProducerPage};
use crate::limits::{ENDS, SLOTS_MIN};
use std::mem::{offset_of, size_of};

/// A place of the ring; the payload follows. Whole slots are multiples of `SLOT_ALIGNMENT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// 2n + 1 while frame n is written, 2n + 2 once it is whole. Its low half is what readers sleep on.
    pub sequence: u64,
    pub header: Header,
}

pub const SLOT_HEADER: usize = size_of::<Slot>();
pub const SLOT_ALIGNMENT: usize = 64;

/// Where a transition changed the readers: `epoch`, and how many frames were published before.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    pub epoch: u64,
    pub at: u64,
}

/// Written by the writer, in the ring's region. All but the ends lies where a stream's producer has it.
#[repr(C)]
pub struct WriterPage {
    /// Frames that are or were written, ever; ahead of `head` while one is.
    pub claim: u64,
    /// Frames ever published.
    pub head: u64,
    pub sent: u64,
    _line0: [u64; 29],
    pub acknowledged: u64,
    pub heartbeat: u64,
    _witness: [u64; 2],
    pub throttled: u64,
    pub drops: [u64; DROPS],
    _line1: [u64; 19],
    /// Ends ever noted; the newest is at `ends_written - 1` modulo `ENDS`. Readers look at this word with each frame, and it
    /// changes with transitions only. Its low half is what they sleep on beside the sequence.
    pub ends_written: u64,
    _line2: [u64; 15],
    pub ends: [End; ENDS],
    _rest: [u64; 400],
}

const _: () = assert!(size_of::<WriterPage>() == PRODUCER_PAGE as usize);
const _: () = assert!(offset_of!(WriterPage, claim) == offset_of!(ProducerPage, claim));
const _: () = assert!(offset_of!(WriterPage, head) == offset_of!(ProducerPage, head));
const _: () = assert!(offset_of!(WriterPage, sent) == offset_of!(ProducerPage, sent));
const _: () = assert!(offset_of!(WriterPage, acknowledged) == offset_of!(ProducerPage, acknowledged));
const _: () = assert!(offset_of!(WriterPage, heartbeat) == offset_of!(ProducerPage, heartbeat));
const _: () = assert!(offset_of!(WriterPage, throttled) == offset_of!(ProducerPage, throttled));
const _: () = assert!(offset_of!(WriterPage, drops) == offset_of!(ProducerPage, drops));
const _: () = assert!(offset_of!(WriterPage, ends_written) == 512);
const _: () = assert!(offset_of!(WriterPage, ends) == 640);
const _: () = assert!(offset_of!(Slot, sequence) == 0);
const _: () = assert!(offset_of!(Slot, header) == 8);
const _: () = assert!(SLOT_HEADER == 8 + HEADER_BYTES);
/// A reader's position lies where a stream's consumer gives its credit: frames passed, plus one; 0 before it has joined.
pub(super) const POSITION: usize = offset_of!(ConsumerPage, credit);

/// The sequence word of frame n while it is written.
pub(super) const fn writing(frame: u64) -> u64 {
    frame.wrapping_mul(2).wrapping_add(1)
}

/// The sequence word of frame n once it is whole.
pub(super) const fn whole(frame: u64) -> u64 {
    frame.wrapping_mul(2).wrapping_add(2)
}

/// Bytes of a slot for payloads of up to so many bytes.
pub const fn slot_bytes(max_frame_bytes: u32) -> usize {
    (SLOT_HEADER + max_frame_bytes as usize).next_multiple_of(SLOT_ALIGNMENT)
}

/// The largest payload of which a ring holds enough slots.
pub const fn payload_max(ring_bytes: u64) -> usize {
    ring_bytes as usize / SLOTS_MIN as usize - SLOT_HEADER
}

/// The ring as its two sides use it: their own copy of what the panel planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    pub writer_page: usize,
    pub ring: usize,
    pub count: u64,
    pub bytes: usize,
    pub reader_page: usize,
    pub payload_max: usize,
}

impl Slots {
    /// `geometry` has been checked against both regions (`Geometry::check`).
    pub fn of(geometry: &Geometry, max_frame_bytes: u32) -> Result<Self, LaneError> {
        let bytes = slot_bytes(max_frame_bytes);
        let count = geometry.ring_bytes / bytes as u64;
        if count < SLOTS_MIN {
            return Err(LaneError::new(
                "lane.slots",
                format!(
                    "cannot use a broadcast lane because {SLOTS_MIN} frames of {max_frame_bytes} bytes do not fit in a ring of {}",
                    geometry.ring_bytes
                ),
            ));
        }
        Ok(Self {
            writer_page: geometry.producer_page,
            ring: geometry.ring,
            count,
            bytes,
            reader_page: geometry.consumer_page,
            payload_max: max_frame_bytes as usize,
        })
    }

    /// Where the slot of a frame begins.
    pub(super) fn place(&self, frame: u64) -> usize {
        self.ring + (frame % self.count) as usize * self.bytes
    }

    /// Where the slot after this one begins.
    #[inline]
    pub(super) fn after(&self, place: usize) -> usize {
        let next = place + self.bytes;
        if next == self.ring + self.count as usize * self.bytes { self.ring } else { next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{RING_BYTES_MAX, RING_BYTES_MIN};

    fn geometry(ring_bytes: u64) -> Geometry {
        Geometry { producer_page: 4096, ring: 8192, ring_bytes, consumer_page: 4096 }
    }

    #[test]
    fn the_largest_payload_fits_and_one_byte_more_does_not() {
        for ring in [RING_BYTES_MIN, 1 << 16, RING_BYTES_MAX] {
            let most = payload_max(ring) as u32;
            assert_eq!(Slots::of(&geometry(ring), most).unwrap().count, SLOTS_MIN);
            assert_eq!(Slots::of(&geometry(ring), most + 1).unwrap_err().code, "lane.slots");
        }
    }

    #[test]
    fn slots_lie_side_by_side_in_the_ring_on_lines_of_their_own() {
        for payload in [0, 1, 24, 25, 88, 1000, payload_max(1 << 14) as u32] {
            let slots = Slots::of(&geometry(1 << 14), payload).unwrap();
            assert!(slots.bytes.is_multiple_of(64) && slots.bytes >= SLOT_HEADER + payload as usize);
            let mut place = slots.place(0);
            for frame in 0..3 * slots.count {
                assert_eq!(place, slots.place(frame));
                assert!(place.is_multiple_of(64) && place + slots.bytes <= slots.ring + (1 << 14));
                place = slots.after(place);
            }
        }
    }
}
