//! The two cores that the sides of a measurement run on.
use crate::Outcome;

/// The side that starts: it asks, sends and takes the time.
pub const ASKER: usize = 0;
/// The side that answers and receives.
pub const ECHO: usize = 1;

/// Binds the calling thread to one core.
pub fn pin(core: usize) -> Outcome {
    let mut cores = rustix::thread::CpuSet::new();
    cores.set(core);
    rustix::thread::sched_setaffinity(None, &cores)
        .map_err(|error| format!("cannot measure because core {core} cannot be used: {error}"))?;
    Ok(())
}
