//! Landlock: what the driver may reach of the file tree that it sees, at the newest ABI of the host.
//!
//! Every right that the ABI knows is handled, so that what no rule grants is refused; TCP is refused whole without a
//! grant, and the domain cannot signal or connect to abstract sockets outside of it.
use crate::error::{CellError, Context, Result};
use crate::files::Access;
use crate::sys;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

const CREATE_RULESET_VERSION: u32 = 1;
const RULE_PATH_BENEATH: u32 = 1;

const EXECUTE: u64 = 1;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
const MAKE_CHAR: u64 = 1 << 6;
const MAKE_SOCK: u64 = 1 << 9;
const MAKE_BLOCK: u64 = 1 << 11;
const REFER: u64 = 1 << 13;
const TRUNCATE: u64 = 1 << 14;
const IOCTL_DEV: u64 = 1 << 15;
/// Rights that an object which is no directory can have.
const OF_A_FILE: u64 = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;

/// Rights of ABI 1: everything but refer, truncate and device ioctls.
const OF_ABI_1: u64 = (1 << 13) - 1;
const NET_TCP: u64 = 0b11;
const SCOPE_ABSTRACT_SOCKET_AND_SIGNAL: u64 = 0b11;

/// What a rule grants below its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    Read,
    /// Programs and their libraries.
    ReadExecute,
    ReadWrite,
    /// Device nodes: never executed, never made. A read-only mount would not keep one from being written to.
    Device(Access),
}

#[repr(C)]
struct RulesetAttr {
    fs: u64,
    net: u64,
    scoped: u64,
}

#[repr(C, packed)]
struct PathBeneathAttr {
    allowed: u64,
    parent: i32,
}

/// The ABI of the host, 0 when there is none.
pub fn abi() -> u32 {
    // SAFETY: the version is asked with no structure and size 0.
    let result = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, CREATE_RULESET_VERSION)
    };
    u32::try_from(result).unwrap_or(0)
}

/// Rights on files that `abi` knows.
fn handled(abi: u32) -> u64 {
    let mut rights = OF_ABI_1;
    for (since, right) in [(2, REFER), (3, TRUNCATE), (5, IOCTL_DEV)] {
        if abi >= since {
            rights |= right;
        }
    }
    rights
}

fn rights(grant: Grant) -> u64 {
    match grant {
        Grant::Read => READ_FILE | READ_DIR,
        Grant::ReadExecute => READ_FILE | READ_DIR | EXECUTE,
        Grant::ReadWrite => (OF_ABI_1 | REFER | TRUNCATE) & !(EXECUTE | MAKE_CHAR | MAKE_BLOCK | MAKE_SOCK),
        Grant::Device(Access::Read) => READ_FILE | READ_DIR | IOCTL_DEV,
        Grant::Device(Access::ReadWrite) => READ_FILE | WRITE_FILE | READ_DIR | TRUNCATE | IOCTL_DEV,
    }
}

/// Binds this thread and all that come from it. `no_new_privs` is set already.
pub fn restrict<'a>(abi: u32, network: bool, grants: impl Iterator<Item = (&'a Path, Grant)>) -> Result<()> {
    if abi == 0 {
        return Err(CellError::new(
            "cell.landlock",
            "cannot isolate the driver because this kernel has no Landlock; boot with lsm=landlock,…",
        ));
    }
    let ruleset = create(abi, network).context("cell.landlock", || "make a Landlock ruleset".to_owned())?;
    for (path, grant) in grants {
        allow(&ruleset, path, rights(grant) & handled(abi))
            .context("cell.landlock", || format!("grant {} in Landlock", path.display()))?;
    }
    // SAFETY: the descriptor is open; no pointer is passed.
    sys::check(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) })
        .context("cell.landlock", || "enforce Landlock".to_owned())
        .map(drop)
}

fn create(abi: u32, network: bool) -> io::Result<OwnedFd> {
    let attributes = RulesetAttr {
        fs: handled(abi),
        net: if abi >= 4 && !network { NET_TCP } else { 0 },
        scoped: if abi >= 6 { SCOPE_ABSTRACT_SOCKET_AND_SIGNAL } else { 0 },
    };
    // An older kernel takes the structure as far as it knows it.
    let size = match abi {
        0..=3 => 8,
        4..=5 => 16,
        _ => size_of::<RulesetAttr>(),
    };
    // SAFETY: the structure outlives the call and is at least `size` bytes long.
    sys::owned(unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const attributes, size, 0) })
}

fn allow(ruleset: &OwnedFd, path: &Path, rights: u64) -> io::Result<()> {
    let parent = sys::open_path(path)?;
    let allowed = if path.is_dir() { rights } else { rights & OF_A_FILE };
    let rule = PathBeneathAttr { allowed, parent: parent.as_raw_fd() };
    // SAFETY: the structure outlives the call.
    sys::check(unsafe {
        libc::syscall(libc::SYS_landlock_add_rule, ruleset.as_raw_fd(), RULE_PATH_BENEATH, &raw const rule, 0)
    })
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_grant_has_a_right_that_the_ruleset_does_not_handle() {
        for grant in [Grant::Read, Grant::ReadExecute, Grant::ReadWrite, Grant::Device(Access::ReadWrite)] {
            assert_eq!(rights(grant) & !handled(7), 0, "{grant:?}");
        }
    }

    #[test]
    fn written_files_are_never_programs() {
        assert_eq!(rights(Grant::ReadWrite) & EXECUTE, 0);
        assert_eq!(rights(Grant::Device(Access::ReadWrite)) & EXECUTE, 0);
        assert_eq!(rights(Grant::ReadExecute) & (WRITE_FILE | TRUNCATE), 0);
    }
}
