//! Lanes against bare memory, between two processes on two cores. Prints one JSON object a line: name, value, unit, reference,
//! against, mark. `lane_bench [latency|throughput|large|costs]...` measures some of it, without an argument all.
mod costs;
mod large;
mod latency;
mod steps;
mod throughput;

use std::process::ExitCode;

use rtt_bench::Outcome;

type Part = (&'static str, fn() -> Outcome);

const PARTS: [Part; 4] = [
    ("latency", latency::measure),
    ("throughput", throughput::measure),
    ("large", large::measure),
    ("costs", costs::measure),
];

fn main() -> ExitCode {
    match measure(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lane_bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(names: Vec<String>) -> Outcome {
    if let Some(unknown) = names.iter().find(|name| !PARTS.iter().any(|(part, _)| part == name)) {
        let known = PARTS.map(|(part, _)| part).join(", ");
        return Err(format!("cannot measure {unknown} because there is no such part; remedy: one of {known}").into());
    }
    for (_, part) in PARTS.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|wanted| wanted == name)) {
        part()?;
    }
    Ok(())
}
