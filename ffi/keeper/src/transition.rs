//! A transition that is staged: whose part is done, and whether what it asks for is possible at all.
use crate::error::{Refusal, Result};
use crate::limits::LANES_OF_A_BINDING;
use rtt_control::lane::{LaneSpec, Region, Side, StagedBinding, Transition};
use std::collections::{BTreeMap, BTreeSet};

/// Producer and consumer pages of a lane.
const LANE_PAGE: u64 = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Writers have their descriptors.
    Staged,
    /// Regions are sealed, and readers have theirs.
    Sealed,
    /// The forward epoch was in force at some time.
    Flipped,
}

#[derive(Debug)]
pub struct Staged {
    pub transition: Transition,
    /// Where each instance's binding is in it.
    bindings: BTreeMap<String, usize>,
    pub phase: Phase,
    /// Alive drivers that have been shown their bindings and have not answered.
    pub unmapped: BTreeSet<String>,
    pub unready: BTreeSet<String>,
}

impl Staged {
    pub fn new(transition: Transition) -> Self {
        let names = transition.bindings.iter().map(|binding| binding.instance.clone());
        let bindings = names.enumerate().map(|(index, name)| (name, index)).collect();
        Self { transition, bindings, phase: Phase::Staged, unmapped: BTreeSet::new(), unready: BTreeSet::new() }
    }

    pub fn binding(&self, instance: &str) -> Option<&StagedBinding> {
        self.bindings.get(instance).and_then(|index| self.transition.bindings.get(*index))
    }

    /// Its regions by the one side that `of` names, each in the transition's order.
    pub fn regions_by(&self, of: fn(&Region) -> &String) -> BTreeMap<&str, Vec<Region>> {
        let mut all: BTreeMap<&str, Vec<Region>> = BTreeMap::new();
        for region in &self.transition.regions {
            all.entry(of(region)).or_default().push(region.clone());
        }
        all
    }

    /// Whether `epoch` is one of the two that this transition leads to.
    pub fn leads_to(&self, epoch: u64) -> bool {
        self.transition.forward == epoch || self.transition.inverse == epoch
    }

    /// Every region that its bindings use, now or after a flip back.
    pub fn uses(&self) -> BTreeSet<u64> {
        let lanes = self.transition.bindings.iter().flat_map(|binding| binding.forward.iter().chain(&binding.inverse));
        let own = self.transition.regions.iter().map(|region| region.region);
        lanes.flat_map(|lane| [lane.ring_region, lane.credit_region]).chain(own).collect()
    }
}

/// Whether a binding only names lanes that lie in regions of the right writer and reader. `find` knows regions that are
/// there and those that the transition makes.
pub fn check_binding<'a>(binding: &StagedBinding, find: impl Fn(u64) -> Option<&'a Region>) -> Result<()> {
    for lanes in [&binding.forward, &binding.inverse] {
        if lanes.len() > LANES_OF_A_BINDING {
            return Err(refused(&binding.instance, "its binding has too many lanes"));
        }
        let mut seen = BTreeSet::new();
        for lane in lanes {
            if !seen.insert(lane.lane) {
                return Err(refused(&binding.instance, &format!("lane {} is in its binding twice", lane.lane)));
            }
            check_lane(&binding.instance, lane, &find)?;
        }
    }
    Ok(())
}

fn check_lane<'a>(instance: &str, lane: &LaneSpec, find: &impl Fn(u64) -> Option<&'a Region>) -> Result<()> {
    let wrong = |why: &str| refused(instance, &format!("{why} of lane {}", lane.lane));
    let (producer, consumer) = match lane.side {
        Side::Producer => (instance, lane.peer.as_str()),
        Side::Consumer => (lane.peer.as_str(), instance),
    };
    let ring = find(lane.ring_region).ok_or_else(|| wrong("there is no ring region"))?;
    let credit = find(lane.credit_region).ok_or_else(|| wrong("there is no credit region"))?;
    if (ring.writer.as_str(), ring.reader.as_str()) != (producer, consumer) {
        return Err(wrong("others write or read the ring region"));
    }
    if (credit.writer.as_str(), credit.reader.as_str()) != (consumer, producer) {
        return Err(wrong("others write or read the credit region"));
    }
    let inside =
        |from: u64, bytes: u64, region: &Region| from.checked_add(bytes).is_some_and(|end| end <= region.bytes);
    if !inside(lane.producer_page, LANE_PAGE, ring) || !inside(lane.ring, lane.ring_bytes, ring) {
        return Err(wrong("the region is too small for the ring"));
    }
    if !inside(lane.consumer_page, LANE_PAGE, credit) {
        return Err(wrong("the region is too small for the credit page"));
    }
    Ok(())
}

fn refused(instance: &str, why: &str) -> Refusal {
    Refusal::new("keeper.binding", format!("cannot stage the binding of {instance} because {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtt_control::lane::{Backpressure, Wait};

    fn region(region: u64, writer: &str, reader: &str) -> Region {
        Region { region, writer: writer.to_owned(), reader: reader.to_owned(), bytes: 16_384 }
    }

    fn lane() -> LaneSpec {
        LaneSpec {
            lane: 1,
            route: "r".into(),
            route_id: 1,
            side: Side::Producer,
            endpoint: "out".into(),
            peer: "b.1".into(),
            ring_region: 1,
            producer_page: 4_096,
            ring: 8_192,
            ring_bytes: 8_192,
            credit_region: 2,
            consumer_page: 4_096,
            max_frame_bytes: 64,
            backpressure: Backpressure::Block,
            block_ns: 0,
            wait: Wait::Sleep,
            spin_ns: 0,
            drain_within_ns: 0,
            budget_ns: 0,
            rate_hz: 0.0,
        }
    }

    fn check(lane: LaneSpec, regions: &[Region]) -> Result<()> {
        let binding = StagedBinding { instance: "a.1".into(), forward: vec![lane], ..StagedBinding::default() };
        check_binding(&binding, |id| regions.iter().find(|each| each.region == id))
    }

    #[test]
    fn a_lane_lies_in_regions_of_its_two_drivers() {
        let good = [region(1, "a.1", "b.1"), region(2, "b.1", "a.1")];
        assert!(check(lane(), &good).is_ok());
        assert!(check(lane(), &good[..1]).is_err());
        assert!(check(lane(), &[region(1, "c.1", "b.1"), region(2, "b.1", "a.1")]).is_err());
        assert!(check(lane(), &[region(1, "a.1", "b.1"), region(2, "a.1", "b.1")]).is_err());
        assert!(check(LaneSpec { side: Side::Consumer, ..lane() }, &good).is_err());
        assert!(check(LaneSpec { ring: 12_288, ..lane() }, &good).is_err());
        assert!(check(LaneSpec { producer_page: u64::MAX - 100, ..lane() }, &good).is_err());
        assert!(check(LaneSpec { consumer_page: 16_384, ..lane() }, &good).is_err());
    }
}
