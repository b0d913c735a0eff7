//! Figures of lanes, read from regions that drivers write: mapped here, loaded once, checked, copied out as plain numbers.
//! JavaScript never sees the memory itself.
use crate::error::{PanelError, Result};
use crate::limits::{LANES, REGIONS};
use rtt_lane::figures::{Figures, figures};
use rtt_lane::histogram::BUCKETS;
use rtt_lane::layout::DROPS;
use rtt_lane::{Geometry, View};
use std::collections::HashMap;
use std::os::fd::AsFd;

/// Numbers that describe one lane: lane, ring region, credit region, producer page, ring, ring bytes, consumer page, largest
/// frame.
pub const LANE_WORDS: usize = 8;
/// Numbers of one lane's figures, in the order of `row`.
pub const FIGURE_WORDS: usize = 14 + DROPS + BUCKETS;

#[derive(Default)]
pub struct Telemetry {
    regions: HashMap<u64, View>,
    lanes: Vec<Lane>,
}

struct Lane {
    lane: u64,
    ring: View,
    credit: View,
    at: Geometry,
}

impl Telemetry {
    pub fn map(&mut self, descriptor: impl AsFd, region: u64, bytes: u64) -> Result<()> {
        if self.regions.len() >= REGIONS {
            return Err(PanelError::new("native.regions", format!("cannot map a region because {REGIONS} are mapped")));
        }
        let view = View::map(descriptor, bytes)?;
        self.regions.insert(region, view);
        Ok(())
    }

    /// Forgets regions that are not among these; they are unmapped once no lane reads them.
    pub fn keep(&mut self, regions: &[u64]) {
        self.regions.retain(|region, _| regions.contains(region));
    }

    /// From now on these lanes are read, in this order. All of them or none.
    pub fn set_lanes(&mut self, table: &[u64]) -> Result<()> {
        if !table.len().is_multiple_of(LANE_WORDS) || table.len() / LANE_WORDS > LANES {
            return Err(PanelError::bug("the table of lanes has a wrong size"));
        }
        self.lanes = table.chunks_exact(LANE_WORDS).map(|row| self.lane(row)).collect::<Result<_>>()?;
        Ok(())
    }

    fn lane(&self, row: &[u64]) -> Result<Lane> {
        let &[lane, ring_region, credit_region, producer_page, ring, ring_bytes, consumer_page, max_frame] = row else {
            return Err(PanelError::bug("a lane's row has a wrong size"));
        };
        let find = |region: u64| {
            let missing = || {
                PanelError::new(
                    "native.region",
                    format!("cannot read lane {lane} because region {region} is not mapped"),
                )
            };
            self.regions.get(&region).cloned().ok_or_else(missing)
        };
        let (ring_view, credit_view) = (find(ring_region)?, find(credit_region)?);
        let max_frame = u32::try_from(max_frame).map_err(|_| PanelError::bug("a frame's size is no u32"))?;
        let ends = ((producer_page, ring, ring_bytes, ring_view.bytes()), (consumer_page, credit_view.bytes()));
        let at = Geometry::check(ends.0, ends.1, max_frame)?;
        Ok(Lane { lane, ring: ring_view, credit: credit_view, at })
    }

    /// Fills one row for each lane; answers how many. Allocates nothing.
    pub fn figures(&self, now: u64, into: &mut [f64]) -> Result<i32> {
        if into.len() < self.lanes.len() * FIGURE_WORDS {
            return Err(PanelError::bug("the buffer is smaller than the figures of all lanes"));
        }
        for (lane, room) in self.lanes.iter().zip(into.chunks_exact_mut(FIGURE_WORDS)) {
            row(lane.lane, &figures(&lane.ring, &lane.credit, &lane.at, now), room);
        }
        i32::try_from(self.lanes.len()).map_err(|_| PanelError::bug("there are too many lanes"))
    }
}

/// What JavaScript can hold exactly; a driver may claim any number.
const LARGEST: u64 = 1 << 53;

fn row(lane: u64, from: &Figures, into: &mut [f64]) {
    let mut into = into.iter_mut();
    let mut put = |value: u64| {
        if let Some(place) = into.next() {
            *place = value.min(LARGEST) as f64;
        }
    };
    put(lane);
    put(from.sent);
    put(from.received);
    put(from.depth);
    put(from.uncredited_bytes);
    put(from.oldest_ns);
    put(from.samples);
    put(from.over);
    put(from.producer_samples);
    put(from.producer_over);
    put(from.throttled);
    put(from.producer_acknowledged);
    put(from.consumer_acknowledged);
    put(from.producer_unsure);
    from.drops.iter().for_each(|drops| put(*drops));
    from.histogram.iter().for_each(|count| put(*count));
}
