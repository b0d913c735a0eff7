//! The driver kit between two processes, each with a driver as the keeper starts it: what the kit adds to a lane, and what its
//! ways of waiting cost. Prints one JSON object a line: name, value, unit, reference, against, mark.
//! `kit_bench [latency|wake]...` measures some of it, without an argument all.
#[path = "../../../ffi/driver/tests/common/mod.rs"]
mod keeper;
mod latency;
mod rig;
mod syscalls;
mod wake;
mod ways;

use std::process::ExitCode;

use rtt_bench::Outcome;

type Part = (&'static str, fn() -> Outcome);

const PARTS: [Part; 2] = [("latency", latency::measure), ("wake", wake::measure)];

fn main() -> ExitCode {
    match measure(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kit_bench: {error}");
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
