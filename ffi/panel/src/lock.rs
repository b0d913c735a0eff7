//! A file that one process holds at a time, whatever happens to that process. It says who holds it.
use crate::error::{PanelError, Result};
use crate::table::Table;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, ftruncate, open};
use rustix::io::{Errno, pwrite};
use std::os::fd::OwnedFd;
use std::path::Path;

pub static LOCKS: Table<OwnedFd> = Table::new();

/// `None`: somebody else holds it.
pub fn take(path: &Path) -> Result<Option<OwnedFd>> {
    let wrong = |error: Errno| PanelError::system(&format!("take the lock {}", path.display()), error);
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let lock = open(path, flags, Mode::RUSR | Mode::WUSR).map_err(wrong)?;
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => return Ok(None),
        taken => taken.map_err(wrong)?,
    }
    // For people; on a full disk it stays unsaid.
    let holder = format!("{}\n", rustix::process::getpid().as_raw_nonzero());
    let _ = ftruncate(&lock, 0).and_then(|()| pwrite(&lock, holder.as_bytes(), 0));
    Ok(Some(lock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let path = std::env::temp_dir().join(format!("rtt-lock-{}", std::process::id()));
        let first = take(&path).unwrap();
        assert!(first.is_some());
        assert!(take(&path).unwrap().is_none());
        drop(first);
        assert!(take(&path).unwrap().is_some());
        assert_eq!(std::fs::read_to_string(&path).unwrap().trim(), std::process::id().to_string());
        std::fs::remove_file(&path).unwrap();
    }
}
