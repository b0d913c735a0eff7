//! Who the driver is: its uid outside, its uid inside, and nothing else that it may do.
use crate::error::{Context, Result};
use crate::limits::{BLOCKS, CELLS, INSIDE_ID, RANGE_FIRST};
use crate::probe::Mode;
use crate::sys;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

const SECBIT_NO_SETUID_FIXUP: u64 = 1 << 2;
const LAST_CAPABILITY_EVER: u64 = 63;

/// The ids of a process, read before any namespace is left.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    pub uid: u32,
    pub gid: u32,
}

impl Ids {
    pub fn current() -> Self {
        // SAFETY: both always succeed and take nothing.
        unsafe { Self { uid: libc::geteuid(), gid: libc::getegid() } }
    }
}

/// The outside uid (and gid) of the cell in `slot` of the keeper with `block`.
pub fn range_id(block: u32, slot: u32) -> u32 {
    RANGE_FIRST + (block % BLOCKS) * CELLS + slot % CELLS
}

/// In a fresh user namespace: maps one inside id to our own.
pub fn map_own(own: Ids, inside: Ids) -> Result<()> {
    let write = |name: &str, text: String| {
        fs::write(format!("/proc/self/{name}"), text).context("cell.userns", || format!("write {name}"))
    };
    write("setgroups", "deny".to_owned())?;
    write("uid_map", format!("{} {} 1", inside.uid, own.uid))?;
    write("gid_map", format!("{} {} 1", inside.gid, own.gid))
}

/// Becomes the cell's own outside uid and enters a user namespace where that is all there is.
pub fn leave_root(id: u32) -> Result<()> {
    // Capabilities are kept over the change: some hosts let only privileged processes make user namespaces.
    sys::prctl(libc::PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)
        .context("cell.identity", || "keep capabilities".into())?;
    let none: [libc::gid_t; 0] = [];
    // SAFETY: raw calls, so that no C library broadcasts them to threads; the list is empty.
    unsafe {
        sys::check(libc::syscall(libc::SYS_setgroups, 0, none.as_ptr()))
            .and_then(|_| sys::check(libc::syscall(libc::SYS_setresgid, id, id, id)))
            .and_then(|_| sys::check(libc::syscall(libc::SYS_setresuid, id, id, id)))
    }
    .context("cell.identity", || format!("become uid {id}"))?;
    sys::unshare(libc::CLONE_NEWUSER).context("cell.userns", || "make a user namespace".into())?;
    // The change of ids has given our files in /proc to root.
    sys::prctl(libc::PR_SET_DUMPABLE, 1).context("cell.identity", || "own our files in /proc".into())?;
    map_own(Ids { uid: id, gid: id }, Ids { uid: INSIDE_ID, gid: INSIDE_ID })
}

/// No capability is left, and none can come back.
pub fn drop_capabilities() -> Result<()> {
    for capability in 0..=LAST_CAPABILITY_EVER {
        match sys::prctl(libc::PR_CAPBSET_DROP, capability) {
            Ok(_) => {}
            // Beyond the last one that this kernel knows; or none to drop, in a cell that never had any.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EPERM)) => break,
            Err(error) => return Err(error).context("cell.capabilities", || "drop the bounding set".into()),
        }
    }
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    let header = Header { version: 0x2008_0522, pid: 0 };
    let sets = [0_u32; 6];
    // SAFETY: version 3 of the interface reads one header and two triples of words.
    sys::check(unsafe { libc::syscall(libc::SYS_capset, &raw const header, sets.as_ptr()) })
        .context("cell.capabilities", || "drop all capabilities".into())
        .map(drop)
}

/// A user namespace through which files of `owner` look as if the cell owned them: for idmapped mounts.
pub fn mount_map(owner: Ids, id: u32) -> io::Result<OwnedFd> {
    let (pid, pidfd) = sys::clone(libc::CLONE_NEWUSER as u64)?;
    let Some(pidfd) = pidfd else {
        // The helper only has to exist until it is killed.
        loop {
            // SAFETY: takes nothing.
            unsafe { libc::pause() };
        }
    };
    let made = (|| {
        let pid = outside_pid(&pidfd)?;
        fs::write(format!("/proc/{pid}/uid_map"), format!("{} {id} 1", owner.uid))?;
        fs::write(format!("/proc/{pid}/gid_map"), format!("{} {id} 1", owner.gid))?;
        fs::File::open(format!("/proc/{pid}/ns/user")).map(OwnedFd::from)
    })();
    // SAFETY: our own child, not yet waited for, so that the pid is still its own.
    unsafe { libc::kill(pid, libc::SIGKILL) };
    sys::wait_any()?;
    made
}

/// The pid behind a pidfd, as the procfs in use counts.
pub fn outside_pid(pidfd: &OwnedFd) -> io::Result<i32> {
    fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd()))?
        .lines()
        .find_map(|line| line.strip_prefix("Pid:"))
        .and_then(|text| text.trim().parse().ok())
        .filter(|pid| *pid > 0)
        .ok_or_else(|| io::Error::other("the process is gone or out of sight"))
}

/// A mount under `map` if its file system can do that; `false`: it stays as it is, and the rights of others decide.
pub fn map_mount(tree: BorrowedFd<'_>, owner: Ids, id: u32) -> Result<bool> {
    let map = mount_map(owner, id).context("cell.idmap", || "make an id map".into())?;
    use std::os::fd::AsFd;
    match sys::set_mount_attributes(tree, sys::MOUNT_ATTR_IDMAP, Some(map.as_fd()), false) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EPERM)) => Ok(false),
        Err(error) => Err(error).context("cell.idmap", || "map a mount".into()),
    }
}

/// Namespaces of a cell, as flags of `clone3`; that of users comes first in single mode and last in range mode, so that
/// there the mounts belong to root and the driver has no say over them.
pub fn namespaces(mode: Mode, isolated: bool, network: bool) -> u64 {
    let mut flags = libc::CLONE_NEWPID | libc::CLONE_NEWNS;
    if isolated {
        flags |= libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
        if !network {
            flags |= libc::CLONE_NEWNET;
        }
    }
    if mode == Mode::Single {
        flags |= libc::CLONE_NEWUSER;
    }
    u64::from(flags.cast_unsigned())
}
