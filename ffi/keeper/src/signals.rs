//! SIGTERM and SIGINT as a descriptor: they mean "end all drivers in order".
use crate::error::{Refusal, Result};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

pub fn descriptor() -> Result<OwnedFd> {
    // SAFETY: the set is made, filled and used here, and outlives the calls. Cells undo the mask before their program.
    let fd = unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGTERM);
        libc::sigaddset(&raw mut set, libc::SIGINT);
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        libc::signal(libc::SIGHUP, libc::SIG_IGN);
        libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    };
    if fd < 0 {
        return Err(Refusal::system("take signals", std::io::Error::last_os_error()));
    }
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Takes what is there, so that the descriptor is not ready any more.
pub fn take(signals: &OwnedFd) {
    let mut one = [0_u8; size_of::<libc::signalfd_siginfo>()];
    // SAFETY: the buffer outlives the call, and its length is given.
    while unsafe { libc::read(signals.as_raw_fd(), one.as_mut_ptr().cast(), one.len()) } > 0 {}
}
