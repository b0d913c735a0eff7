//! Lanes against other ways between two processes on the same two cores, in turns: 32 bytes there and back. The lane carries
//! its header, a checksum and a stamp at each end; the others carry the bytes. Prints one JSON object a line.
mod descriptors;
mod heap;
mod iceoryx;
mod ring;
#[cfg(feature = "zmq")]
mod zeromq;

use std::process::ExitCode;

use rtt_bench::lanes::LaneTrip;
use rtt_bench::trips::{Contest, Times};
use rtt_bench::{Figure, Outcome, quantile};

use descriptors::{Descriptors, Reading};

/// Trips that follow each other in one turn, for ways of a fraction of a microsecond and for ways through the kernel.
const FAST: u64 = 250;
const SLOW: u64 = 20;
const TURNS: u64 = 400;

const SHARES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

#[global_allocator]
static HEAP: heap::Heap = heap::Heap::new();

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rivals: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Two contests, for a process that slept leaves its cores slow for the next in turn.
fn measure() -> Outcome {
    let mut polled = Contest::default();
    polled.enter("lane", FAST, LaneTrip::new()?);
    polled.enter("rtrb", FAST, ring::Elements::new()?);
    polled.enter("rtrb", FAST, ring::Chunks::new()?);
    polled.enter("iceoryx2", FAST, iceoryx::Publish::new()?);
    polled.enter("Unix socket (SEQPACKET), polled", SLOW, Descriptors::sockets(Reading::Polled)?);
    polled.enter("pipe, polled", SLOW, Descriptors::pipes(Reading::Polled)?);
    print_all(&polled.run(TURNS)?)?;
    let mut blocking = Contest::default();
    blocking.enter("lane", FAST, LaneTrip::new()?);
    blocking.enter("Unix socket (SEQPACKET), blocking", SLOW, Descriptors::sockets(Reading::Blocking)?);
    blocking.enter("pipe, blocking", SLOW, Descriptors::pipes(Reading::Blocking)?);
    #[cfg(feature = "zmq")]
    blocking.enter("ZeroMQ (PAIR, ipc), blocking", SLOW, zeromq::Pair::new()?);
    print_all(&blocking.run(TURNS)?)
}

fn print_all(times: &[Times]) -> Outcome {
    let Some((lane, rivals)) = times.split_first() else { return Err("bug: a contest lost its ways".into()) };
    for rival in rivals.iter().filter(|rival| is_best(rival, rivals)) {
        print(lane, rival);
    }
    Ok(())
}

/// Of several ways to use one rival the fastest counts.
fn is_best(rival: &Times, all: &[Times]) -> bool {
    all.iter().filter(|other| other.name == rival.name).all(|other| rival.typical_ns <= other.typical_ns)
}

fn print(lane: &Times, rival: &Times) {
    let mark = match rival.name {
        "rtrb" => "<= 1.0x",
        "iceoryx2" => "<= 0.35x",
        _ => "",
    };
    let row = |name: &str, value: f64, reference: f64, mark: &str| {
        let reference = Some(reference);
        Figure { name, value, unit: "ns", reference, against: rival.name, mark }.print();
    };
    let name = format!("lane, one way, 32 B, to {}", rival.name);
    row(&name, lane.typical_ns, rival.typical_ns, mark);
    for (share_name, share) in SHARES {
        let (value, reference) = (quantile(&lane.each_ns, share), quantile(&rival.each_ns, share));
        row(&format!("{name}, {share_name}"), value, reference, "");
    }
}
