//! The other side of a measurement: a process of its own, as drivers are, on a core of its own.
use libc::c_int;

use crate::{ECHO, Outcome, pin};

/// A child that does one piece of work.
#[derive(Debug)]
pub struct Peer {
    pid: libc::pid_t,
}

/// Runs `work` in a forked process on the second core. A child that fails ends this process too: the other side of a
/// measurement would poll for ever.
pub fn beside(work: impl FnOnce() -> Outcome) -> Outcome<Peer> {
    watch_children()?;
    let parent = std::process::id();
    // SAFETY: benchmarks fork from their only thread, so that no lock is held by a thread that the child lacks.
    match unsafe { libc::fork() } {
        -1 => {
            Err(format!("cannot measure because no process can be started: {}", std::io::Error::last_os_error()).into())
        }
        0 => {
            let code = match with_parent(parent).and_then(|()| pin(ECHO)).and_then(|()| work()) {
                Ok(()) => 0,
                Err(error) => {
                    eprintln!("bench: {error}");
                    1
                }
            };
            // SAFETY: it ends the process without the destructors and buffers that belong to the parent.
            unsafe { libc::_exit(code) }
        }
        pid => Ok(Peer { pid }),
    }
}

/// The child ends with its parent.
fn with_parent(parent: u32) -> Outcome {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    if now != Some(parent as i32) {
        return Err("the measuring process is gone".into());
    }
    Ok(())
}

impl Peer {
    /// Waits for the end of the work.
    pub fn join(self) -> Outcome {
        let mut status: c_int = 0;
        // SAFETY: a child of this process, and a place for its status.
        let pid = unsafe { libc::waitpid(self.pid, &raw mut status, 0) };
        std::mem::forget(self);
        if pid > 0 && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 {
            return Ok(());
        }
        Err(format!("cannot measure because the other side ended with status {status}").into())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // SAFETY: a child of this process that nobody has waited for yet. Its end is wanted: the handler would misread it.
        unsafe {
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
            libc::kill(self.pid, libc::SIGKILL);
            libc::waitpid(self.pid, std::ptr::null_mut(), 0);
        }
    }
}

/// Ends this process when a child ends badly.
fn watch_children() -> Outcome {
    // SAFETY: all zero is an empty mask and no flags; the handler has the signature that SA_SIGINFO asks for.
    let outcome = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = ended as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_NOCLDSTOP | libc::SA_RESTART;
        libc::sigaction(libc::SIGCHLD, &raw const action, std::ptr::null_mut())
    };
    if outcome == 0 { Ok(()) } else { Err(std::io::Error::last_os_error().into()) }
}

extern "C" fn ended(_: c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid `siginfo` of SIGCHLD; `write` and `_exit` may be called in a handler.
    unsafe {
        if (*info).si_code == libc::CLD_EXITED && (*info).si_status() == 0 {
            return;
        }
        let says = b"bench: cannot measure because the other side ended\n";
        libc::write(2, says.as_ptr().cast(), says.len());
        libc::_exit(1);
    }
}
