//! Times one apply from the first request to the second `fdatasync`.
use std::fs::OpenOptions;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::time::Instant;

use rustix::fs::fdatasync;

use crate::wire::{Kind, Outcome, expect, send, start};

pub const USAGE: &str = "usage: apply_reference --links N --rounds R --log FILE";

/// A record of the real log fills whole sectors of this size.
const SECTOR: usize = 4096;
/// Rounds that warm up and do not count.
const WARM_UP: usize = 5;

struct Options {
    links: u32,
    rounds: usize,
    log: String,
}

fn options(first: String, rest: impl Iterator<Item = String>) -> Outcome<Options> {
    let mut options = Options { links: 1, rounds: 50, log: String::new() };
    let mut args = std::iter::once(first).chain(rest);
    while let Some(name) = args.next() {
        let value = args.next().ok_or(format!("cannot read {name} because it has no value; {USAGE}"))?;
        match name.as_str() {
            "--links" => options.links = value.parse()?,
            "--rounds" => options.rounds = value.parse()?,
            "--log" => options.log = value,
            _ => return Err(format!("cannot read {name} because it is unknown; {USAGE}").into()),
        }
    }
    if options.log.is_empty() || options.links == 0 || options.rounds == 0 {
        return Err(format!("cannot start because a number is missing or too small; {USAGE}").into());
    }
    Ok(options)
}

pub fn run(first: String, rest: impl Iterator<Item = String>) -> Outcome {
    let options = options(first, rest)?;
    let log = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&options.log)?;
    let sectors = 2 * (options.rounds + WARM_UP);
    // Pre-zeroed, as the real log: the syncs then move no metadata.
    log.write_all_at(&vec![0; sectors * SECTOR], 0)?;
    log.sync_all()?;
    let log: OwnedFd = log.into();

    let (mut child, keeper) = start("keeper", Some(&options.links.to_string()))?;
    expect(&keeper, Kind::Hello)?;
    let mut times: Vec<f64> = Vec::new();
    for round in 0..options.rounds + WARM_UP {
        let started = Instant::now();
        ask(&keeper, Kind::Prepare, options.links)?;
        ask(&keeper, Kind::Stage, options.links)?;
        record(&log, 2 * round)?;
        ask(&keeper, Kind::Flip, 0)?;
        ask(&keeper, Kind::Verify, 0)?;
        record(&log, 2 * round + 1)?;
        if round >= WARM_UP {
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
        ask(&keeper, Kind::Free, 0)?;
    }
    drop(keeper);
    child.wait()?;
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    println!(
        "{{\"links\":{},\"rounds\":{},\"median_ms\":{:.4},\"p95_ms\":{:.4}}}",
        options.links,
        options.rounds,
        at(0.5),
        at(0.95)
    );
    Ok(())
}

fn ask(keeper: &OwnedFd, kind: Kind, number: u32) -> Outcome {
    send(keeper, kind, number, 0, &[])?;
    expect(keeper, kind)?;
    Ok(())
}

fn record(log: &OwnedFd, sector: usize) -> Outcome {
    let bytes = [0x5a_u8; SECTOR];
    let written = rustix::io::pwrite(log, &bytes, (sector * SECTOR) as u64)?;
    if written != SECTOR {
        return Err("cannot write the log because the disk took less than a sector".into());
    }
    fdatasync(log)?;
    Ok(())
}
