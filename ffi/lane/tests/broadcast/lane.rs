//! A broadcast lane and its readers, each over memfds of their own, as their processes would see them.
use rtt_lane::broadcast::{Keep, Reader, Slots, Writer};
use rtt_lane::layout::{CONSUMER_PAGE, PRODUCER_PAGE, REGION_HEADER};
use rtt_lane::{Geometry, Knobs, View, ViewMut};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use std::os::fd::OwnedFd;

pub struct Broadcast {
    pub writer: Writer<ViewMut, View>,
    pub slots: Slots,
    /// For telemetry, further readers, and those who misbehave.
    pub ring: ViewMut,
    descriptor: OwnedFd,
    geometry: Geometry,
    knobs: Knobs,
}

pub struct Heard {
    pub reader: Reader<ViewMut, View>,
    pub page: ViewMut,
}

pub fn knobs(max_frame_bytes: u32) -> Knobs {
    Knobs { max_frame_bytes, budget_ns: 5_000_000, rate_hz: 0.0 }
}

fn region(bytes: u64) -> OwnedFd {
    let memfd = memfd_create("rtt-test", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    ftruncate(&memfd, bytes).unwrap();
    fcntl_add_seals(&memfd, SealFlags::SHRINK | SealFlags::GROW).unwrap();
    memfd
}

const CREDIT_REGION: u64 = REGION_HEADER + CONSUMER_PAGE;

pub fn broadcast(ring_bytes: u64, knobs: Knobs) -> Broadcast {
    let ring_region = REGION_HEADER + PRODUCER_PAGE + ring_bytes;
    let descriptor = region(ring_region);
    let geometry = Geometry::check(
        (REGION_HEADER, REGION_HEADER + PRODUCER_PAGE, ring_bytes, ring_region),
        (REGION_HEADER, CREDIT_REGION),
        knobs.max_frame_bytes,
    )
    .unwrap();
    let ring = ViewMut::map(&descriptor, ring_region).unwrap();
    Broadcast {
        writer: Writer::new(ring.clone(), &geometry, knobs).unwrap(),
        slots: Slots::of(&geometry, knobs.max_frame_bytes).unwrap(),
        ring,
        descriptor,
        geometry,
        knobs,
    }
}

impl Broadcast {
    /// A reader that the writer wakes. It has not joined.
    pub fn reader(&mut self, lane: u64, keep: Keep) -> Heard {
        let credit = region(CREDIT_REGION);
        let page = ViewMut::map(&credit, CREDIT_REGION).unwrap();
        self.writer.admit_reader(lane, page.reader(), self.geometry.consumer_page);
        let peer = View::map(&self.descriptor, self.ring.bytes()).unwrap();
        let reader = Reader::new(page.clone(), peer, &self.geometry, self.knobs, keep).unwrap();
        Heard { reader, page }
    }

    /// A reader that has joined at this epoch, together with the writer.
    pub fn joined(&mut self, lane: u64, keep: Keep, epoch: u64) -> Heard {
        let mut heard = self.reader(lane, keep);
        heard.reader.join(epoch);
        self.writer.end(epoch);
        heard
    }
}
