//! Cells and transitions of the tests.
use rtt_control::cell::{CellSpec, Direction, Endpoint, OpenToken, Tag, Verb};
use rtt_control::lane::{Backpressure, LaneSpec, Region, Side, StagedBinding, Transition, Wait};

const PAGE: u64 = 4096;
const RING: u64 = 4096;

/// An out endpoint `out`, an in endpoint `in`, a token for each.
pub fn cell(instance: &str, play: &str) -> CellSpec {
    let token = |endpoint: &str, verb, digit: &str| OpenToken {
        endpoint: endpoint.to_owned(),
        verb,
        token: digit.repeat(64),
        expires_ns: u64::MAX,
    };
    CellSpec {
        instance: instance.to_owned(),
        tag: Tag { plan: "p".to_owned(), move_: String::new() },
        run: vec![format!("rtt:{play}")],
        endpoints: vec![Endpoint::opaque("out", Direction::Out), Endpoint::opaque("in", Direction::In)],
        tokens: vec![token("out", Verb::Send, "a"), token("in", Verb::Receive, "b")],
        open_files: 64,
        stop_within_ns: 2_000_000_000,
        isolated: true,
        stop_order: 1,
        ..CellSpec::default()
    }
}

/// One lane from `a` to `b`, with regions `4 × id` (ring) and `4 × id + 1` (credit).
pub fn one_lane(id: u64, from: u64, a: &str, b: &str) -> Transition {
    let region = |region, writer: &str, reader: &str, bytes| Region {
        region,
        writer: writer.to_owned(),
        reader: reader.to_owned(),
        bytes,
    };
    let lane = |side, peer: &str| LaneSpec {
        lane: id,
        route: "route".to_owned(),
        route_id: 7,
        side,
        endpoint: if side == Side::Producer { "out".to_owned() } else { "in".to_owned() },
        peer: peer.to_owned(),
        ring_region: 4 * id,
        producer_page: PAGE,
        ring: 2 * PAGE,
        ring_bytes: RING,
        credit_region: 4 * id + 1,
        consumer_page: PAGE,
        max_frame_bytes: 64,
        backpressure: Backpressure::Block,
        block_ns: 0,
        wait: Wait::Sleep,
        spin_ns: 0,
        drain_within_ns: 0,
        budget_ns: 0,
        rate_hz: 0.0,
    };
    let binding = |instance: &str, lane| StagedBinding {
        instance: instance.to_owned(),
        forward: vec![lane],
        inverse: Vec::new(),
        must_acknowledge: true,
    };
    Transition {
        id,
        from,
        forward: id,
        inverse: id + 1,
        regions: vec![region(4 * id, a, b, 2 * PAGE + RING), region(4 * id + 1, b, a, 2 * PAGE)],
        bindings: vec![binding(a, lane(Side::Producer, b)), binding(b, lane(Side::Consumer, a))],
    }
}

/// `count` lanes, each in regions of its own.
pub fn many_lanes(id: u64, from: u64, a: &str, b: &str, count: u64) -> Transition {
    let mut whole = one_lane(id, from, a, b);
    for number in 1..count {
        let mut next = one_lane(id, from, a, b);
        let other = |region: u64| region + 2 * number;
        next.regions.iter_mut().for_each(|region| region.region = other(region.region));
        for (binding, into) in next.bindings.into_iter().zip(&mut whole.bindings) {
            let lanes = binding.forward.into_iter().map(|lane| LaneSpec {
                lane: id + number,
                ring_region: other(lane.ring_region),
                credit_region: other(lane.credit_region),
                ..lane
            });
            into.forward.extend(lanes);
        }
        whole.regions.extend(next.regions);
    }
    whole
}
