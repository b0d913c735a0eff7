//! A lane between two views of two sealed memfds, as two processes would see it.
use rtt_lane::layout::{CONSUMER_PAGE, PRODUCER_PAGE, REGION_HEADER};
use rtt_lane::{Consumer, Geometry, Knobs, Producer, View, ViewMut};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use std::os::fd::OwnedFd;

pub struct Lane {
    pub producer: Producer<ViewMut, View>,
    pub consumer: Consumer<ViewMut, View>,
    pub geometry: Geometry,
    /// For telemetry, and for those who misbehave.
    pub ring: ViewMut,
    pub credit: ViewMut,
}

pub fn region(bytes: u64) -> OwnedFd {
    let memfd = memfd_create("rtt-test", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    ftruncate(&memfd, bytes).unwrap();
    fcntl_add_seals(&memfd, SealFlags::SHRINK | SealFlags::GROW).unwrap();
    memfd
}

pub fn lane(ring_bytes: u64, knobs: Knobs) -> Lane {
    let ring_region = REGION_HEADER + PRODUCER_PAGE + ring_bytes;
    let credit_region = REGION_HEADER + CONSUMER_PAGE;
    let (ring, credit) = (region(ring_region), region(credit_region));
    let geometry = Geometry::check(
        (REGION_HEADER, REGION_HEADER + PRODUCER_PAGE, ring_bytes, ring_region),
        (REGION_HEADER, credit_region),
        knobs.max_frame_bytes,
    )
    .unwrap();
    let ring_writer = ViewMut::map(&ring, ring_region).unwrap();
    let credit_writer = ViewMut::map(&credit, credit_region).unwrap();
    Lane {
        producer: Producer::new(ring_writer.clone(), View::map(&credit, credit_region).unwrap(), geometry, knobs),
        consumer: Consumer::new(credit_writer.clone(), View::map(&ring, ring_region).unwrap(), geometry, knobs),
        geometry,
        ring: ring_writer,
        credit: credit_writer,
    }
}

pub fn knobs(max_frame_bytes: u32) -> Knobs {
    Knobs { max_frame_bytes, budget_ns: 5_000_000, rate_hz: 0.0 }
}
