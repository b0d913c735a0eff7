//! The first process of a cell: builds it, starts the driver, and lives exactly as long.
//!
//! It is a fork of the keeper with one thread. It dies with the keeper, and everything in the cell dies with it. It holds
//! the keeper's lock, which is therefore free only when all cells are gone.
use crate::cgroup::Membership;
use crate::driver::{self, Kept};
use crate::error::{CellError, Context, Result};
use crate::identity::{Ids, drop_capabilities, leave_root, map_own};
use crate::limits::{FILE_BYTES, INSIDE_ID, PROCESSES};
use crate::probe::{Host, Mode};
use crate::root::{self, Root};
use crate::seccomp::Filters;
use crate::spec::{Cell, Program};
use crate::{status, sys};
use std::os::fd::{AsRawFd, RawFd};

/// What it takes over from the keeper.
pub(crate) struct Inherited<'a> {
    pub cell: &'a Cell,
    pub host: &'a Host,
    pub filters: &'a Filters,
    pub own: Ids,
    /// The outside uid of this cell, in range mode.
    pub id: u32,
    pub cgroup: &'a Membership,
    /// Readable once the keeper is gone.
    pub keeper: RawFd,
    pub status: RawFd,
    pub control: RawFd,
    pub output: RawFd,
    pub lock: RawFd,
}

pub(crate) fn run(inherited: &Inherited<'_>) -> ! {
    match start(inherited) {
        Ok(pid) => reap(inherited, pid),
        Err(error) => {
            let _ = status::send_failed(inherited.status, &error);
            sys::exit(125)
        }
    }
}

/// Answers the driver's pid; the driver itself reports, when all of it is in force.
fn start(inherited: &Inherited<'_>) -> Result<i32> {
    let Inherited { cell, host, .. } = *inherited;
    die_with_keeper(inherited)?;
    let mut keep = vec![inherited.keeper, inherited.status, inherited.control, inherited.output, inherited.lock];
    if let Program::Passed(fd) = &cell.program {
        keep.push(fd.as_raw_fd());
    }
    sys::close_all_but(&keep).context("cell.descriptors", || "close what is not the cell's".into())?;
    // SAFETY: the name is a literal; no other thread runs here.
    unsafe {
        libc::prctl(libc::PR_SET_NAME, c"rtt-cell".as_ptr());
        libc::umask(0o022);
    }
    let cgroup = inherited.cgroup.join();
    let root = enclose(inherited)?;
    sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1).context("cell.start", || "set no_new_privs".into())?;
    // Nobody of the cell looks into this copy of the keeper.
    sys::prctl(libc::PR_SET_DUMPABLE, 0).context("cell.start", || "close this process to others".into())?;
    // The change of credentials has taken the order to die with the keeper.
    die_with_keeper(inherited)?;
    let enforced = enforced(inherited, &root, &cgroup);
    match sys::clone(0).context("cell.start", || "fork the driver".into())? {
        (pid, Some(_pidfd)) => Ok(pid),
        (_, None) => {
            let kept = Kept { control: inherited.control, output: inherited.output, status: inherited.status };
            driver::run(cell, &root, inherited.filters, host.landlock, kept, &enforced)
        }
    }
}

fn die_with_keeper(inherited: &Inherited<'_>) -> Result<()> {
    sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as u64).context("cell.start", || "end with the keeper".into())?;
    let mut poll = libc::pollfd { fd: inherited.keeper, events: libc::POLLIN, revents: 0 };
    // SAFETY: one structure, which outlives the call.
    if unsafe { libc::poll(&raw mut poll, 1, 0) } != 0 {
        // It died before the order was in force.
        sys::exit(125);
    }
    Ok(())
}

/// Namespaces, root and identity. Afterwards nothing of the host can be named but what was granted.
fn enclose(inherited: &Inherited<'_>) -> Result<Root> {
    let Inherited { cell, host, own, .. } = *inherited;
    if host.mode == Mode::Single {
        let inside = if cell.isolated { Ids { uid: INSIDE_ID, gid: INSIDE_ID } } else { own };
        map_own(own, inside)?;
    }
    if cell.isolated {
        sys::unshare(libc::CLONE_NEWCGROUP).context("cell.cgroup", || "make a cgroup namespace".into())?;
        let name = b"cell";
        // SAFETY: the name is a literal of that length.
        sys::check(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) }.into())
            .context("cell.uts", || "name the cell's host".into())?;
    }
    let root = root::enter(cell, host.mode, inherited.id)?;
    if cell.isolated && host.mode == Mode::Range {
        leave_root(inherited.id)?;
    }
    if cell.isolated || host.mode == Mode::Single {
        drop_capabilities()?;
    }
    Ok(root)
}

fn enforced(inherited: &Inherited<'_>, root: &Root, cgroup: &str) -> Vec<String> {
    let Inherited { cell, host, .. } = *inherited;
    let mut all = vec!["noNewPrivs=set".to_owned(), "pid=namespace".to_owned(), format!("cgroup={cgroup}")];
    // What a process shares with its children is nobody's private memory: only a control group counts it.
    let memory = if cgroup.starts_with("memory") { "all of the cell" } else { "private of each process" };
    all.extend((cell.memory_bytes > 0).then(|| format!("memory={memory}, {} bytes", cell.memory_bytes)));
    if !cell.isolated {
        all.push("isolation=waived".to_owned());
        return all;
    }
    all.extend(["user", "mount", "ipc", "uts", "cgroupView"].map(|name| format!("{name}=namespace")));
    all.push(format!("uid={}", if host.mode == Mode::Range { "range" } else { "single" }));
    all.push(format!("net={}", if cell.network { "granted" } else { "namespace" }));
    all.push(format!("landlock=abi {}", host.landlock));
    all.push("seccomp=filter".to_owned());
    all.push("capabilities=none".to_owned());
    all.push(format!("rlimits=nofile {}, nproc {PROCESSES}, fsize {FILE_BYTES}", cell.open_files));
    all.extend(root.notes.iter().cloned());
    all
}

fn reap(inherited: &Inherited<'_>, driver: i32) -> ! {
    let _ = sys::close_all_but(&[inherited.status, inherited.lock]);
    if inherited.cell.isolated
        && let Err(error) = inherited.filters.bind_reaper()
    {
        let _ = status::send_failed(inherited.status, &error);
        sys::exit(125);
    }
    loop {
        match sys::wait_any() {
            Ok((pid, status)) if pid == driver => {
                let _ = status::send_ended(inherited.status, ending(status));
                sys::exit(0)
            }
            Ok(_) => {}
            Err(error) => {
                let error = CellError::new("cell.reaper", format!("cannot wait for the driver because {error}"));
                let _ = status::send_failed(inherited.status, &error);
                sys::exit(125)
            }
        }
    }
}

/// Exit code 0–255, or −signal.
fn ending(status: i32) -> i32 {
    if libc::WIFSIGNALED(status) { -libc::WTERMSIG(status) } else { libc::WEXITSTATUS(status) }
}
