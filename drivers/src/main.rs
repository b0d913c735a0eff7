//! The built-in drivers of RTT, one program: `rtt-drivers NAME [ARGUMENT...]`.
mod arguments;
mod controller;
mod exec;
mod generate;
mod line;
mod noise;
mod outcome;
mod pacing;
mod pipes;
mod plant;
mod pole;
mod procfs;
mod record;
mod sampler;
mod sink;
mod value;

use arguments::Arguments;
use outcome::Outcome;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_default();
    let arguments = Arguments::new(words);
    match run(&name, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str, arguments: Arguments) -> Outcome {
    match name {
        "plant" => plant::run(arguments),
        "controller" => controller::run(arguments),
        "gen" => generate::run(arguments),
        "sink" => sink::run(arguments),
        "sampler" => sampler::run(arguments),
        "exec" => exec::run(),
        // Not for cells: the same plant and controller over plain pipes, to compare with.
        "pipes" => pipes::run(arguments),
        "pipes-controller" => pipes::controller(),
        _ => Err(format!("cannot run `{name}` because there is no built-in driver of that name").into()),
    }
}
