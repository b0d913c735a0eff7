//! Lanes as the keeper makes them: a sealed region for each direction, mapped by a writer and by a reader.
use rtt_lane::layout::{CONSUMER_PAGE, PRODUCER_PAGE, REGION_HEADER};
use rtt_lane::{Consumer, Geometry, Knobs, Next, Producer, View, ViewMut};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};

use crate::Outcome;

pub type Sender = Producer<ViewMut, View>;
pub type Receiver = Consumer<ViewMut, View>;

/// Below this declared rate every frame is stamped; at this one, one in 64.
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

/// Polls until the next frame is there and copies it into `payload`.
pub fn receive(from: &mut Receiver, payload: &mut [u8]) {
    while !try_receive(from, payload) {
        std::hint::spin_loop();
    }
}

/// Copies the next frame, if there is one. Its credit is returned by `done`.
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
