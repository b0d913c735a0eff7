//! One way, 32 bytes: half of there and back over two lanes, against a bare cache line each way; and what each part of a
//! frame adds to the line.
use rtt_bench::bare::LineTrip;
use rtt_bench::lanes::LaneTrip;
use rtt_bench::trips::{Contest, Times};
use rtt_bench::{Figure, Outcome, quantile};

use crate::steps::Step;

/// Trips that follow each other in one turn.
const TRIPS: u64 = 250;
const TURNS: u64 = 800;

const SHARES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

pub fn measure() -> Outcome {
    let mut contest = Contest::default();
    contest.enter("lane", TRIPS, LaneTrip::new()?);
    contest.enter("line", TRIPS, LineTrip::new()?);
    let steps = Step::all();
    for step in &steps {
        step.enter(&mut contest, TRIPS)?;
    }
    let times = contest.run(TURNS)?;
    let [lane, line, parts @ ..] = times.as_slice() else { return Err("bug: a contest lost its ways".into()) };
    print(lane, line, "cache-line ping-pong");
    let mut before = line.typical_ns;
    for part in parts {
        Figure {
            name: &format!("one way, {}", part.name),
            value: part.typical_ns,
            unit: "ns",
            reference: Some(before),
            against: "the row before",
            ..Figure::default()
        }
        .print();
        before = part.typical_ns;
    }
    Ok(())
}

fn print(lane: &Times, line: &Times, against: &str) {
    Figure {
        name: "lane, one way, 32 B",
        value: lane.typical_ns,
        unit: "ns",
        reference: Some(line.typical_ns),
        against,
        mark: "<= 1.15x",
    }
    .print();
    for (name, share) in SHARES {
        Figure {
            name: &format!("lane, one way, 32 B, {name}"),
            value: quantile(&lane.each_ns, share),
            unit: "ns",
            reference: Some(quantile(&line.each_ns, share)),
            against,
            ..Figure::default()
        }
        .print();
    }
}
