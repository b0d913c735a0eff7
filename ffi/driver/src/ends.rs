//! Mapped regions, and the two kinds of lane ends that are made over them.
use rtt_control::lane::{LaneSpec, Region, Side};
use rtt_lane::{Consumer, Geometry, Knobs, LaneError, Producer, View, ViewMut};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

#[derive(Debug)]
pub struct OutLane {
    pub producer: Producer<ViewMut, View>,
    pub spec: LaneSpec,
}

#[derive(Debug)]
pub struct InLane {
    pub consumer: Consumer<ViewMut, View>,
    pub spec: LaneSpec,
    /// Epochs whose `SWITCH` this side did not wait for any longer: what comes before them is superseded.
    pub expects: Vec<u64>,
    /// Nothing will come on it any more, and the keeper was told so.
    pub is_broken: bool,
}

#[derive(Debug)]
pub enum End {
    Out(Box<OutLane>),
    In(Box<InLane>),
}

/// A region that a driver shares with itself is in both.
#[derive(Debug, Default)]
pub struct Regions {
    /// Those whose one writer this driver is.
    written: BTreeMap<u64, ViewMut>,
    read: BTreeMap<u64, View>,
}

impl Regions {
    pub fn map_writable(&mut self, region: &Region, descriptor: &OwnedFd) -> Result<(), LaneError> {
        self.written.insert(region.region, ViewMut::map(descriptor, region.bytes)?);
        Ok(())
    }

    pub fn map_readable(&mut self, region: &Region, descriptor: &OwnedFd) -> Result<(), LaneError> {
        self.read.insert(region.region, View::map(descriptor, region.bytes)?);
        Ok(())
    }

    /// The mapping goes when the last lane end over it does.
    pub fn forget(&mut self, region: u64) {
        self.written.remove(&region);
        self.read.remove(&region);
    }

    /// This driver's end of a lane, at the start of its ring.
    pub fn end(&self, lane: &LaneSpec) -> Result<End, LaneError> {
        let (own, peer) = sides(lane);
        let refused = |why: &str| LaneError::new("lane.region", format!("cannot use lane {} because {why}", lane.lane));
        let own = self.written.get(&own).ok_or_else(|| refused("this driver does not write its own side's region"))?;
        let peer = self.read.get(&peer).cloned().ok_or_else(|| refused("its peer's region was not handed out"))?;
        let (ring_bytes, credit_bytes) = match lane.side {
            Side::Producer => (own.bytes(), peer.bytes()),
            Side::Consumer => (peer.bytes(), own.bytes()),
        };
        let geometry = Geometry::check(
            (lane.producer_page, lane.ring, lane.ring_bytes, ring_bytes),
            (lane.consumer_page, credit_bytes),
            lane.max_frame_bytes,
        )?;
        let knobs = Knobs { max_frame_bytes: lane.max_frame_bytes, budget_ns: lane.budget_ns, rate_hz: lane.rate_hz };
        Ok(match lane.side {
            Side::Producer => End::Out(Box::new(OutLane {
                producer: Producer::new(own.clone(), peer, geometry, knobs),
                spec: lane.clone(),
            })),
            Side::Consumer => End::In(Box::new(InLane {
                consumer: Consumer::new(own.clone(), peer, geometry, knobs),
                spec: lane.clone(),
                expects: Vec::new(),
                is_broken: false,
            })),
        })
    }
}

/// The regions that this side writes and reads.
fn sides(lane: &LaneSpec) -> (u64, u64) {
    match lane.side {
        Side::Producer => (lane.ring_region, lane.credit_region),
        Side::Consumer => (lane.credit_region, lane.ring_region),
    }
}
