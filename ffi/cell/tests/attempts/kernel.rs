//! Attempts on what reaches past one process: terminals, namespaces, mounts, and parts of the kernel that few need.
use super::{in_child, made};
use std::io;

const CHILD: libc::c_ulong = libc::SIGCHLD as libc::c_ulong;
/// Flags of `userfaultfd` and `perf_event_open` as of the kernel's headers.
const USER_MODE_ONLY: libc::c_int = 1;
const SOFTWARE_CLOCK: [u32; 2] = [1, 128];

pub fn attempt(name: &str) -> io::Result<()> {
    // SAFETY: every pointer below is to a literal or a local that outlives its call; made descriptors are left open.
    unsafe {
        match name {
            "inject" => inject(libc::TIOCSTI),
            // The kernel looks at the low half of a request only, and so must the filter.
            "inject-high-bits" => inject(libc::TIOCSTI | 1 << 32),
            "clone-user" => cloned(libc::CLONE_NEWUSER),
            "clone-mount" => cloned(libc::CLONE_NEWNS),
            "clone3" => clone3(),
            // Inside it is the first process of the cell.
            "trace-first" => {
                let first = libc::getppid();
                in_child(|| libc::ptrace(libc::PTRACE_SEIZE, first, 0, 0) == 0)
            }
            "add-key" => {
                let ring = libc::KEY_SPEC_PROCESS_KEYRING;
                made(libc::syscall(libc::SYS_add_key, c"user".as_ptr(), c"rtt".as_ptr(), c"x".as_ptr(), 1, ring))
            }
            "setns" => in_child(|| {
                let own = libc::syscall(libc::SYS_pidfd_open, libc::getpid(), 0);
                own >= 0 && libc::syscall(libc::SYS_setns, own, libc::CLONE_NEWUTS) == 0
            }),
            "mount" => in_child(|| {
                libc::unshare(libc::CLONE_NEWNS);
                private()
            }),
            "pivot-root" => in_child(|| {
                libc::unshare(libc::CLONE_NEWNS);
                private();
                libc::mount(c"none".as_ptr(), c"/tmp".as_ptr(), c"tmpfs".as_ptr(), 0, std::ptr::null());
                libc::chdir(c"/tmp".as_ptr());
                libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()) == 0
            }),
            "io-uring" => {
                let parameters = [0_u64; 15];
                made(libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_ptr()))
            }
            "bpf" => {
                // An array of one value of 4 bytes.
                let map = [2_u32, 4, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
                made(libc::syscall(libc::SYS_bpf, 0, map.as_ptr(), size_of_val(&map)))
            }
            "perf" => {
                let mut event = [0_u32; 32];
                event[..2].copy_from_slice(&SOFTWARE_CLOCK);
                made(libc::syscall(libc::SYS_perf_event_open, event.as_ptr(), 0, -1, -1, 0))
            }
            "userfaultfd" => made(libc::syscall(libc::SYS_userfaultfd, USER_MODE_ONLY)),
            other => Err(io::Error::other(format!("no attempt is called {other}"))),
        }
    }
}

unsafe fn private() -> bool {
    let (nothing, root) = (c"none".as_ptr(), c"/".as_ptr());
    // SAFETY: the paths are literals.
    unsafe { libc::mount(nothing, root, std::ptr::null(), libc::MS_REC | libc::MS_PRIVATE, std::ptr::null()) == 0 }
}

/// A child with namespaces of its own, by the call whose flags a filter sees.
fn cloned(flags: libc::c_int) -> io::Result<()> {
    // SAFETY: no stack is given, so that the child goes on here on a copy of this one; it ends at once.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags.cast_unsigned() as libc::c_ulong | CHILD, 0, 0, 0, 0) };
    ended(pid)
}

fn clone3() -> io::Result<()> {
    let mut arguments = [0_u64; 11];
    arguments[4] = CHILD;
    // SAFETY: the arguments outlive the call; no stack is given, so that the child goes on on a copy of this one.
    ended(unsafe { libc::syscall(libc::SYS_clone3, arguments.as_ptr(), size_of_val(&arguments)) })
}

fn ended(pid: libc::c_long) -> io::Result<()> {
    if pid == 0 {
        // SAFETY: ends the child.
        unsafe { libc::_exit(0) };
    }
    made(pid)?;
    // SAFETY: no status is asked for.
    made(unsafe { libc::waitpid(pid as libc::pid_t, std::ptr::null_mut(), 0) }.into())
}

/// Types a letter into a terminal of this process's own, in a session that it leads.
fn inject(request: libc::c_ulong) -> io::Result<()> {
    // SAFETY: the name that the kernel makes is copied; every pointer outlives its call.
    unsafe {
        let terminal = libc::posix_openpt(libc::O_RDWR);
        made(terminal.into())?;
        made(libc::unlockpt(terminal).into())?;
        let mut name = [0; 64];
        made((-libc::ptsname_r(terminal, name.as_mut_ptr(), name.len())).into())?;
        // It could not be opened: that is no answer to this question.
        let other = libc::open(name.as_ptr(), libc::O_RDWR | libc::O_NOCTTY);
        assert!(other >= 0, "no terminal to try it with");
        in_child(|| {
            libc::setsid();
            libc::ioctl(other, libc::TIOCSCTTY, 0);
            libc::syscall(libc::SYS_ioctl, other, request, c"x".as_ptr()) == 0
        })
    }
}
