//! The bare native two-phase commit that `rtt apply` is measured against: the same processes (panel, keeper, drivers), the
//! same descriptors, seals and barriers, the same two `fdatasync`s, and nothing else: no plan, no signature, no schema.
//!
//! `apply_reference --links N --rounds R --log FILE` prints one JSON object: the median and the 95th percentile
//! of one apply in milliseconds. The other roles are this program again, started with their socket as standard input.
mod driver;
mod keeper;
mod panel;
mod wire;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let outcome = match args.next().as_deref() {
        Some("keeper") => keeper::run(args.next()),
        Some("driver") => driver::run(),
        Some(first) => panel::run(first.to_owned(), args),
        None => Err(panel::USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("apply_reference: {error}");
            ExitCode::FAILURE
        }
    }
}
