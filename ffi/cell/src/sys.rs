//! System calls as `io::Result`, for those that the standard library has not.
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub const OPEN_TREE_CLONE: u32 = 1;
pub const AT_RECURSIVE: u32 = 0x8000;
const MOVE_MOUNT_F_EMPTY_PATH: u32 = 4;

pub const MOUNT_ATTR_RDONLY: u64 = 1;
pub const MOUNT_ATTR_NOSUID: u64 = 2;
pub const MOUNT_ATTR_NODEV: u64 = 4;
pub const MOUNT_ATTR_NOEXEC: u64 = 8;
pub const MOUNT_ATTR_IDMAP: u64 = 0x0010_0000;

/// The result of a system call that answers −1 and errno, or a number.
pub fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn number(result: libc::c_long) -> i32 {
    i32::try_from(result).expect("bug: the kernel answered with no int")
}

/// The result of a system call that answers a new descriptor.
pub fn owned(result: libc::c_long) -> io::Result<OwnedFd> {
    let fd = number(check(result)?);
    // SAFETY: the kernel has just made this descriptor for us; nobody else holds it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

pub fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}

/// Like `fork`, with namespaces. In the child the pid is 0. The caller has one thread, so the child may go on as usual.
pub fn clone(flags: u64) -> io::Result<(i32, Option<OwnedFd>)> {
    let mut pidfd: RawFd = -1;
    let arguments = libc::clone_args {
        flags: flags | libc::CLONE_PIDFD as u64,
        pidfd: (&raw mut pidfd) as u64,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: libc::SIGCHLD as u64,
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: 0,
    };
    // SAFETY: no stack is given, so the child goes on here on a copy of this one, as after fork; the arguments outlive
    // the call.
    let result = unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<libc::clone_args>()) };
    let pid = number(check(result)?);
    if pid == 0 {
        return Ok((0, None));
    }
    // SAFETY: CLONE_PIDFD has put a new descriptor there.
    Ok((pid, Some(unsafe { OwnedFd::from_raw_fd(pidfd) })))
}

pub fn unshare(flags: i32) -> io::Result<()> {
    // SAFETY: no pointer is passed.
    check(unsafe { libc::unshare(flags) }.into()).map(drop)
}

pub fn own_pidfd() -> io::Result<OwnedFd> {
    // SAFETY: no pointer is passed.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_open, libc::getpid(), 0) })
}

/// `mount(2)`, for what has no descriptor form: propagation, tmpfs, proc, devpts.
pub fn mount(source: &CStr, target: &Path, kind: &CStr, flags: u64, data: &str) -> io::Result<()> {
    let target = c_path(target)?;
    let data = CString::new(data)?;
    // SAFETY: all pointers are NUL-terminated strings that outlive the call.
    let result = unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, data.as_ptr().cast()) };
    check(result.into()).map(drop)
}

/// A private copy of the mount at `path`, with all below it, attached nowhere yet.
pub fn clone_tree(path: &Path) -> io::Result<OwnedFd> {
    let path = c_path(path)?;
    let flags = OPEN_TREE_CLONE | AT_RECURSIVE | libc::O_CLOEXEC as u32;
    // SAFETY: the path is a NUL-terminated string that outlives the call.
    owned(unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) })
}

/// Takes the mount off; what was cloned of it stays.
pub fn unmount(path: &Path) -> io::Result<()> {
    let path = c_path(path)?;
    // SAFETY: the path is a NUL-terminated string that outlives the call.
    check(unsafe { libc::umount2(path.as_ptr(), libc::MNT_DETACH) }.into()).map(drop)
}

/// A device node that belongs to root, and to `group` by `permissions`.
pub fn make_node(path: &Path, kind: u32, permissions: u32, device: u64, group: u32) -> io::Result<()> {
    let name = c_path(path)?;
    // SAFETY: the path is a NUL-terminated string that outlives the call.
    check(unsafe { libc::mknod(name.as_ptr(), kind, device) }.into())?;
    std::os::unix::fs::lchown(path, Some(0), Some(group))?;
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(permissions))
}

#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns: u64,
}

/// Sets attributes of the mount `fd` (and of those below it, if `recursive`).
pub fn set_mount_attributes(
    fd: BorrowedFd<'_>,
    set: u64,
    userns: Option<BorrowedFd<'_>>,
    recursive: bool,
) -> io::Result<()> {
    let userns = userns.map_or(0, |fd| u64::try_from(fd.as_raw_fd()).expect("bug: an open descriptor below 0"));
    let attributes = MountAttr { set, clear: 0, propagation: 0, userns };
    let flags = libc::AT_EMPTY_PATH as u32 | if recursive { AT_RECURSIVE } else { 0 };
    // SAFETY: path and attributes outlive the call, and the size is that of the structure.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            fd.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<MountAttr>(),
        )
    };
    check(result).map(drop)
}

pub fn attach_tree(tree: BorrowedFd<'_>, target: &Path) -> io::Result<()> {
    let target = c_path(target)?;
    // SAFETY: both paths are NUL-terminated strings that outlive the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            target.as_ptr(),
            MOVE_MOUNT_F_EMPTY_PATH,
        )
    };
    check(result).map(drop)
}

/// Makes the working directory the root and lets the old root go.
pub fn pivot_here() -> io::Result<()> {
    // SAFETY: the paths are literals. The old root lies over the new one afterwards, and is taken off by `umount2`.
    check(unsafe { libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()) })?;
    // SAFETY: the path is a literal.
    check(unsafe { libc::umount2(c".".as_ptr(), libc::MNT_DETACH) }.into())?;
    std::env::set_current_dir("/")
}

pub fn open_path(path: &Path) -> io::Result<OwnedFd> {
    let path = c_path(path)?;
    // SAFETY: the path is a NUL-terminated string that outlives the call.
    owned(unsafe { libc::open(path.as_ptr(), libc::O_PATH | libc::O_CLOEXEC) }.into())
}

pub fn prctl(option: i32, value: u64) -> io::Result<i32> {
    // SAFETY: only options that take numbers are passed here.
    check(unsafe { libc::prctl(option, value, 0, 0, 0) }.into()).map(number)
}

/// Closes every descriptor but those of `keep`.
pub fn close_all_but(keep: &[RawFd]) -> io::Result<()> {
    let mut keep: Vec<u32> = keep.iter().filter_map(|fd| u32::try_from(*fd).ok()).collect();
    keep.sort_unstable();
    let mut first = 0;
    for fd in keep {
        if fd > first {
            close_range(first, fd - 1)?;
        }
        first = fd + 1;
    }
    close_range(first, u32::MAX)
}

fn close_range(first: u32, last: u32) -> io::Result<()> {
    // SAFETY: no pointer is passed; whoever owned these descriptors is never run again in this process.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) }).map(drop)
}

/// `dup3`; a descriptor that is there already only loses its close-on-exec.
pub fn duplicate_to(from: RawFd, to: RawFd) -> io::Result<()> {
    if from == to {
        // SAFETY: no pointer is passed.
        return check(unsafe { libc::fcntl(from, libc::F_SETFD, 0) }.into()).map(drop);
    }
    // SAFETY: no pointer is passed.
    check(unsafe { libc::dup2(from, to) }.into()).map(drop)
}

/// Resources that a cell limits; libraries disagree on the type of these numbers.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    FileSize = 1,
    PrivateMemory = 2,
    CoreDump = 4,
    Processes = 6,
    OpenFiles = 7,
}

pub fn set_limit(limit: Limit, value: u64) -> io::Result<()> {
    let limits = libc::rlimit64 { rlim_cur: value, rlim_max: value };
    let before = std::ptr::null_mut::<libc::rlimit64>();
    // SAFETY: the structure outlives the call; the limits that were are not asked for.
    check(unsafe { libc::syscall(libc::SYS_prlimit64, 0, limit as i32, &raw const limits, before) }).map(drop)
}

pub fn set_affinity(cpus: &[u32]) -> io::Result<()> {
    // SAFETY: a mask of zeroes is a valid (empty) mask.
    let mut mask: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    for cpu in cpus {
        // SAFETY: the caller has checked that the core is below the size of the mask.
        unsafe { libc::CPU_SET(*cpu as usize, &mut mask) };
    }
    // SAFETY: the mask outlives the call and the size is its own.
    check(unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const mask) }.into()).map(drop)
}

/// Waits for one child of this process: its pid and wait status.
pub fn wait_any() -> io::Result<(i32, i32)> {
    let mut status = 0;
    loop {
        // SAFETY: the status outlives the call.
        match check(unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) }.into()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other.map(|pid| (number(pid), status)),
        }
    }
}

/// Ends this process at once, without running anything that its parent may have registered.
pub fn exit(code: i32) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(code) }
}
