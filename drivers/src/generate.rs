//! `gen`: a declared load. Frames carry a sequence number and bytes that follow from it, for `sink` to check.
use crate::arguments::Arguments;
use crate::noise::Noise;
use crate::outcome::Outcome;
use crate::pacing::{Beat, monotonic_ns};
use rtt_driver::{Driver, SendError};

const NS_PER_S: u64 = 1_000_000_000;
/// Frames that are due are sent together on this beat, so that a high rate does not need a high clock rate.
const BEAT_NS: u64 = 1_000_000;
pub const SEQUENCE_BYTES: usize = 8;
/// The longest that a late generator makes up for.
const CATCH_UP_NS: u64 = NS_PER_S / 10;

pub fn run(mut arguments: Arguments) -> Outcome {
    let rate = arguments.take("rate", 1_000_u64)?;
    let bytes = arguments.take("bytes", 64_usize)?.max(SEQUENCE_BYTES);
    arguments.done()?;
    let driver = Driver::connect()?;
    let name = driver.endpoints().first().ok_or("the manifest has no endpoint")?.name.clone();
    let mut output = driver.output(&name)?;
    let mut payload = vec![0; bytes];
    let mut sequence = 0;
    let mut beat = Beat::new(BEAT_NS.max(NS_PER_S / rate.max(1)));
    let (mut owed_from, mut sent) = (monotonic_ns(), 0_u64);
    while !driver.stopping() {
        let now = beat.wait();
        let mut due = ((now - owed_from) as u128 * u128::from(rate) / u128::from(NS_PER_S)) as u64;
        if due - sent > rate * CATCH_UP_NS / NS_PER_S + 1 {
            (owed_from, sent, due) = (now, 0, 1); // Long asleep or without a lane: go on from here.
        }
        while sent < due {
            fill(&mut payload, sequence);
            match output.send(&payload) {
                Ok(_) => sequence += 1,
                Err(SendError::NotBound) => break,
                // Counted by the lane; the number is used again, so that `sink` sees no gap for what was never sent.
                Err(SendError::Full | SendError::Dropped | SendError::Stopping) => {}
                Err(error) => return Err(error.into()),
            }
            sent += 1;
        }
    }
    Ok(())
}

/// The payload of number `sequence`: the number, then bytes that follow from it.
pub fn fill(payload: &mut [u8], sequence: u64) {
    let (head, body) = payload.split_at_mut(SEQUENCE_BYTES);
    head.copy_from_slice(&sequence.to_le_bytes());
    let mut noise = Noise::new(sequence);
    for chunk in body.chunks_mut(8) {
        chunk.copy_from_slice(&noise.next_u64().to_le_bytes()[..chunk.len()]);
    }
}
