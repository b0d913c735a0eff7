//! Lanes as the tests name them, and the memory that they lie in.
use rtt_control::lane::{Backpressure, LaneSpec, Side, Wait};
use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create, open};
use std::os::fd::{AsRawFd, OwnedFd};

/// A lane between two endpoints; `id` names it for good.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    pub id: u64,
    pub from: (String, String),
    pub to: (String, String),
    pub knobs: Knobs,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Knobs {
    pub ring_bytes: u64,
    pub backpressure: Backpressure,
    pub block_ns: u64,
    pub drain_ns: u64,
    pub rate_hz: f64,
    pub wait: Wait,
    pub spin_ns: u64,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            ring_bytes: 4096,
            backpressure: Backpressure::Block,
            block_ns: 5_000_000_000,
            drain_ns: 5_000_000_000,
            rate_hz: 0.0,
            wait: Wait::Sleep,
            spin_ns: 0,
        }
    }
}

pub fn memfd(bytes: u64) -> OwnedFd {
    let memfd = memfd_create("rtt-test", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    ftruncate(&memfd, bytes).unwrap();
    fcntl_add_seals(&memfd, SealFlags::SHRINK | SealFlags::GROW).unwrap();
    memfd
}

pub fn read_only(memfd: &OwnedFd) -> OwnedFd {
    open(format!("/proc/self/fd/{}", memfd.as_raw_fd()), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).unwrap()
}

pub fn spec(link: &Link) -> LaneSpec {
    LaneSpec {
        lane: link.id,
        route: "route".into(),
        route_id: 1,
        side: Side::Producer,
        endpoint: link.from.1.clone(),
        peer: link.to.0.clone(),
        ring_region: 0,
        producer_page: 0,
        ring: 0,
        ring_bytes: link.knobs.ring_bytes,
        credit_region: 0,
        consumer_page: 0,
        max_frame_bytes: 256,
        backpressure: link.knobs.backpressure,
        block_ns: link.knobs.block_ns,
        wait: link.knobs.wait,
        spin_ns: link.knobs.spin_ns,
        drain_within_ns: link.knobs.drain_ns,
        budget_ns: 5_000_000,
        rate_hz: link.knobs.rate_hz,
    }
}
