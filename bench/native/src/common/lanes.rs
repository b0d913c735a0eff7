//! Lanes as the keeper makes them: a sealed region for each direction, mapped by a writer and by a reader.
use rtt_lane::layout::{CONSUMER_PAGE, PRODUCER_PAGE, REGION_HEADER};
use rtt_lane::{Consumer, Geometry, Knobs, Next, Producer, View, ViewMut, clock};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};

use crate::Outcome;
use crate::trips::{PAYLOAD, Trip};

pub type Sender = Producer<ViewMut, View>;
pub type Receiver = Consumer<ViewMut, View>;

/// Every frame is stamped.
pub const STAMPED: f64 = 0.0;
/// One frame in 64 is stamped.
pub const SAMPLED_HZ: f64 = 1e9;

pub fn lane(ring_bytes: u64, max_frame_bytes: u32, rate_hz: f64) -> Outcome<(Sender, Receiver)> {
    let ring_region = REGION_HEADER + PRODUCER_PAGE + ring_bytes;
    let credit_region = REGION_HEADER + CONSUMER_PAGE;
    let geometry = Geometry::check(
        (REGION_HEADER, REGION_HEADER + PRODUCER_PAGE, ring_bytes, ring_region),
        (REGION_HEADER, credit_region),
        max_frame_bytes,
    )?;
    let knobs = Knobs { max_frame_bytes, budget_ns: 0, rate_hz };
    let (ring, ring_reader) = region(ring_region)?;
    let (credit, credit_reader) = region(credit_region)?;
    Ok((Producer::new(ring, credit_reader, geometry, knobs), Consumer::new(credit, ring_reader, geometry, knobs)))
}

fn region(bytes: u64) -> Outcome<(ViewMut, View)> {
    let memory = memfd_create("bench-region", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    ftruncate(&memory, bytes)?;
    fcntl_add_seals(&memory, SealFlags::SHRINK | SealFlags::GROW)?;
    let writer = ViewMut::map(&memory, bytes)?;
    fcntl_add_seals(&memory, SealFlags::FUTURE_WRITE | SealFlags::SEAL)?;
    Ok((writer, View::map(&memory, bytes)?))
}

/// Gives the last frame back, as the driver kit does, then polls until the next one is there and copies it into `payload`.
#[inline]
pub fn receive(from: &mut Receiver, payload: &mut [u8]) {
    from.done();
    while !try_receive(from, payload) {
        std::hint::spin_loop();
    }
}

/// Copies the next frame, if there is one. Its credit is returned by `done`.
#[inline]
pub fn try_receive(from: &mut Receiver, payload: &mut [u8]) -> bool {
    match from.look() {
        Next::Frame(bytes) => {
            from.take(&mut payload[..bytes]).expect("an honest producer's frame is whole");
            true
        }
        Next::Empty => false,
        other => panic!("an honest producer wrote {other:?}"),
    }
}

/// A lane each way, 32 bytes a frame, with checksum and a stamp at each end.
pub struct LaneTrip {
    there: Sender,
    there_end: Receiver,
    back: Sender,
    back_end: Receiver,
    payload: [u8; PAYLOAD],
}

impl LaneTrip {
    pub const RING_BYTES: u64 = 64 * 1024;

    pub fn new() -> Outcome<Self> {
        let (there, there_end) = lane(Self::RING_BYTES, PAYLOAD as u32, STAMPED)?;
        let (back, back_end) = lane(Self::RING_BYTES, PAYLOAD as u32, STAMPED)?;
        Ok(Self { there, there_end, back, back_end, payload: [7; PAYLOAD] })
    }
}

impl Trip for LaneTrip {
    #[inline]
    fn ask(&mut self, number: u64) {
        self.there.send(1, number, 0, clock::now(), &self.payload).expect("one frame at a time fits");
        receive(&mut self.back_end, &mut self.payload);
    }

    #[inline]
    fn echo(&mut self, number: u64) {
        receive(&mut self.there_end, &mut self.payload);
        self.back.send(1, number, 0, clock::now(), &self.payload).expect("one frame at a time fits");
    }
}
