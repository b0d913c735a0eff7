//! `rtt-keeper`: a small single-threaded process below the panel. It starts drivers in cells, holds descriptors and does
//! the flip. It obeys and decides nothing; it outlives a panel that dies, and everything it started ends with it.

mod arguments;
mod clock;
mod driver;
mod epoch;
mod error;
mod events;
mod flip;
mod instance;
mod keeper;
mod limits;
mod lock;
mod outbox;
mod output;
mod panel;
mod poller;
mod probe;
mod region;
mod signals;
mod spawn;
mod stop;
mod tokens;
mod transition;

use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            eprintln!("rtt-keeper: {refusal}");
            ExitCode::from(if refusal.code == "keeper.locked" { 3 } else { 1 })
        }
    }
}

fn run() -> error::Result<()> {
    if let [first, run, folder] = std::env::args().skip(1).collect::<Vec<_>>().as_slice()
        && (first.as_str(), run.as_str()) == ("--probe", "--run")
    {
        return probe::run(std::path::Path::new(folder));
    }
    let arguments = arguments::parse(std::env::args().skip(1))?;
    // Its own session: what ends the panel's does not end it. It may lead one already.
    let _ = rustix::process::setsid();
    raise_descriptor_limit();
    keeper::Keeper::new(arguments)?.run()
}

/// Each driver costs some descriptors, each region two.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}
