//! What the parts of a frame cost on one core, with no peer and everything in its cache: where the next nanosecond goes.
use std::hint::black_box;
use std::time::Instant;

use rtt_bench::lanes::{Receiver, SAMPLED_HZ, STAMPED, Sender, lane, try_receive};
use rtt_bench::trips::PAYLOAD;
use rtt_bench::{ASKER, Figure, Outcome, median, pin};
use rtt_lane::{checksum, clock};

/// The first level of the cache holds it.
const RING_BYTES: u64 = 16 * 1024;
/// As many as fit.
const FRAMES: u64 = 200;
const TURNS: usize = 2_000;
const LARGE: usize = 64 * 1024;

pub fn measure() -> Outcome {
    pin(ASKER)?;
    let clock = each(|| {
        black_box(clock::now());
    });
    row("cost, clock::now", clock, None, "");
    let payload = [7_u8; PAYLOAD];
    let sum = each(|| {
        black_box(checksum::of_words(black_box([64, 1, 2, 3]), black_box(&payload)));
    });
    row("cost, checksum of 32 B and header", sum, None, "");
    let large = vec![7_u8; LARGE];
    let of_large = each_of(20, || {
        black_box(checksum::of_words([64, 1, 2, 3], black_box(&large)));
    });
    Figure { name: "cost, checksum of 64 KiB", value: LARGE as f64 / of_large, unit: "GB/s", ..Figure::default() }
        .print();
    let stamped = Alone::measure(STAMPED)?;
    let sampled = Alone::measure(SAMPLED_HZ)?;
    for (name, stamped, sampled) in
        [("send", stamped.send, sampled.send), ("receive", stamped.receive, sampled.receive)]
    {
        row(&format!("cost, {name} of 32 B, no peer"), stamped, Some(sampled), "stamps sampled");
        let parts = clock + sum;
        row(&format!("cost, {name}, all but clock and checksum"), stamped - parts, Some(parts), "clock and checksum");
    }
    Ok(())
}

fn row(name: &str, value: f64, reference: Option<f64>, against: &str) {
    Figure { name, value, unit: "ns", reference, against, ..Figure::default() }.print();
}

/// Nanoseconds of one call, the median of many short turns.
fn each(call: impl FnMut()) -> f64 {
    each_of(FRAMES, call)
}

fn each_of(calls: u64, mut call: impl FnMut()) -> f64 {
    let turns = (0..TURNS).map(|_| {
        let started = Instant::now();
        for _ in 0..calls {
            call();
        }
        started.elapsed().as_nanos() as f64 / calls as f64
    });
    median(turns.collect())
}

/// A side of a lane whose other side does nothing meanwhile.
struct Alone {
    send: f64,
    receive: f64,
}

impl Alone {
    fn measure(rate_hz: f64) -> Outcome<Self> {
        let (mut sender, mut receiver) = lane(RING_BYTES, PAYLOAD as u32, rate_hz)?;
        let (mut sends, mut receives) = (Vec::new(), Vec::new());
        for turn in 0..TURNS as u64 {
            let started = Instant::now();
            fill(&mut sender, turn);
            let filled = Instant::now();
            drain(&mut receiver);
            receives.push(filled.elapsed().as_nanos() as f64 / FRAMES as f64);
            sends.push((filled - started).as_nanos() as f64 / FRAMES as f64);
        }
        Ok(Self { send: median(sends), receive: median(receives) })
    }
}

fn fill(sender: &mut Sender, turn: u64) {
    let payload = [7_u8; PAYLOAD];
    for frame in 0..FRAMES {
        let now = if sender.wants_stamp() { clock::now() } else { 0 };
        sender.send(1, turn * FRAMES + frame, 0, now, black_box(&payload)).expect("the frames of a turn fit");
    }
}

fn drain(receiver: &mut Receiver) {
    let mut payload = [0; PAYLOAD];
    for _ in 0..FRAMES {
        assert!(try_receive(receiver, &mut payload), "bug: a frame that was sent is not there");
        black_box(&payload);
        receiver.done();
    }
}
