//! One panel for one folder: an exclusive lock on a file, freed by the kernel when the process is gone.
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;
use std::os::fd::IntoRawFd as _;

/// The descriptor that holds the lock, or nothing when somebody else has it.
pub fn take(path: &str) -> Result<Option<i64>, String> {
    let file = open(path, OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW, Mode::RUSR | Mode::WUSR)
        .map_err(|error| format!("cannot open the lock {path} because {error}"))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(i64::from(file.into_raw_fd()))),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(format!("cannot lock {path} because {error}")),
    }
}
