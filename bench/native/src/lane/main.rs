//! Lanes against bare memory, two pinned threads on two cores. Prints one JSON object a line: name, value, unit, reference,
//! against, mark. Each reference is measured in turns with what it is compared with, so that both see the same moments of
//! a busy machine.
mod bare;
mod latency;
mod rings;
mod throughput;

use std::process::ExitCode;

pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The two cores that the sides of a measurement run on.
pub const CORES: [usize; 2] = [0, 1];

fn main() -> ExitCode {
    match latency::measure().and_then(|()| throughput::measure()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lane_bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Binds the calling thread to one core.
pub fn pin(core: usize) -> Outcome {
    let mut cores = rustix::thread::CpuSet::new();
    cores.set(core);
    rustix::thread::sched_setaffinity(None, &cores)
        .map_err(|error| format!("cannot measure because core {core} cannot be used: {error}"))?;
    Ok(())
}

pub struct Figure<'a> {
    pub name: &'a str,
    pub value: f64,
    pub unit: &'a str,
    pub reference: f64,
    pub against: &'a str,
    pub mark: &'a str,
}

impl Figure<'_> {
    pub fn print(&self) {
        let Self { name, value, unit, reference, against, mark } = self;
        println!(
            r#"{{"name":"{name}","value":{value},"unit":"{unit}","reference":{reference},"against":"{against}","mark":"{mark}"}}"#
        );
    }
}

/// The median; of an even number of samples the upper of the middle two.
pub fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}
