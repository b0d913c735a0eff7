//! One way, 32 bytes: half a round trip over two lanes, against half a round trip of one cache line each way.
use std::sync::atomic::Ordering;
use std::time::Instant;

use rtt_lane::clock;

use crate::bare::Line;
use crate::rings::{Receiver, Sender, lane, receive};
use crate::{CORES, Figure, Outcome, median, pin};

const PAYLOAD: usize = 32;
const RING_BYTES: u64 = 64 * 1024;
/// Short batches: on a machine that does other work too, most of them are then not interrupted.
const TRIPS: u64 = 500;
const BATCHES: usize = 600;

pub fn measure() -> Outcome {
    let (there, there_end) = lane(RING_BYTES, PAYLOAD as u32, 0.0)?;
    let (back, back_end) = lane(RING_BYTES, PAYLOAD as u32, 0.0)?;
    let (ping, pong) = (Line::default(), Line::default());
    std::thread::scope(|scope| {
        let echo = scope.spawn(|| {
            pin(CORES[1]).map_err(|error| error.to_string())?;
            echo(there_end, back, &ping, &pong);
            Ok::<(), String>(())
        });
        let outcome = ask(there, back_end, &ping, &pong);
        echo.join().map_err(|_| "cannot measure because the echoing thread panicked")??;
        outcome
    })
}

/// Per batch: first the lanes, then the bare lines.
fn echo(mut there: Receiver, mut back: Sender, ping: &Line, pong: &Line) {
    let mut payload = [0u8; PAYLOAD];
    for batch in 0..BATCHES as u64 {
        for trip in 0..TRIPS {
            receive(&mut there, &mut payload);
            there.done();
            back.send(1, batch * TRIPS + trip, 0, clock::now(), &payload).expect("one frame at a time fits");
        }
        for trip in 0..TRIPS {
            let number = batch * TRIPS + trip + 1;
            while ping.0.load(Ordering::Acquire) != number {
                std::hint::spin_loop();
            }
            pong.0.store(number, Ordering::Release);
        }
    }
}

fn ask(mut there: Sender, mut back: Receiver, ping: &Line, pong: &Line) -> Outcome {
    pin(CORES[0])?;
    let mut payload = [7u8; PAYLOAD];
    let (mut lanes, mut lines) = (Vec::new(), Vec::new());
    for batch in 0..BATCHES as u64 {
        let started = Instant::now();
        for trip in 0..TRIPS {
            there.send(1, batch * TRIPS + trip, 0, clock::now(), &payload).expect("one frame at a time fits");
            receive(&mut back, &mut payload);
            back.done();
        }
        lanes.push(one_way_ns(started));
        let started = Instant::now();
        for trip in 0..TRIPS {
            let number = batch * TRIPS + trip + 1;
            ping.0.store(number, Ordering::Release);
            while pong.0.load(Ordering::Acquire) != number {
                std::hint::spin_loop();
            }
        }
        lines.push(one_way_ns(started));
    }
    Figure {
        name: "lane, one way, 32 B",
        value: median(lanes),
        unit: "ns",
        reference: median(lines),
        against: "cache-line ping-pong",
        mark: "<= 2x",
    }
    .print();
    Ok(())
}

fn one_way_ns(started: Instant) -> f64 {
    started.elapsed().as_nanos() as f64 / (2 * TRIPS) as f64
}
