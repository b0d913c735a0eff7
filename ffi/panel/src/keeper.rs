//! Starts the keeper. It is all that the panel's process ever starts, by `posix_spawn`: no code of ours runs between a fork
//! and an exec in a process with many threads.
use crate::error::{PanelError, Result};
use crate::limits::TEXT;
use crate::program;
use crate::table::{Table, locked};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, pidfd_open, waitid};
use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

pub static KEEPERS: Table<Keeper> = Table::new();

/// What a new keeper works on.
pub struct Places {
    pub run: PathBuf,
    pub store: PathBuf,
    pub logs: PathBuf,
    pub project: PathBuf,
    /// Takes what the keeper itself says.
    pub words: PathBuf,
}

/// A keeper that this process has started.
pub struct Keeper {
    pub pid: Pid,
    process: OwnedFd,
    /// Ends once the keeper listens, or is gone.
    ready: OwnedFd,
    exit: Mutex<Option<i32>>,
}

/// Its descriptors, as its command line says.
const DRIVERS_AT: RawFd = 3;
const READY_AT: RawFd = 4;
/// Above all numbers that the keeper is given, so that nothing is overwritten while they are put in place.
const ABOVE: RawFd = 64;

pub fn start(places: &Places, keeper: &[u8], drivers: &[u8]) -> Result<Keeper> {
    let wrong = |error: Errno| PanelError::system("start the keeper", error);
    let above = |file: OwnedFd| fcntl_dupfd_cloexec(file, ABOVE).map_err(wrong);
    let program = above(program::hold("rtt-keeper", keeper, &places.run)?)?;
    let drivers = above(program::hold("rtt-drivers", drivers, &places.run)?)?;
    let (ready, listens) = pipe_with(PipeFlags::CLOEXEC).map_err(wrong)?;
    let listens = above(listens)?;
    let pid = spawn(places, &program, &drivers, &listens)?;
    drop(listens);
    let process = pidfd_open(pid, PidfdFlags::empty()).map_err(wrong)?;
    Ok(Keeper { pid, process, ready, exit: Mutex::new(None) })
}

impl Keeper {
    /// Waits until it listens or has failed; false when neither has happened in time.
    pub fn wait_ready(&self, within_ms: i32) -> Result<bool> {
        wait_for(&self.ready, within_ms)
    }

    /// Waits until it has ended; false when it has not in time.
    pub fn wait_exit(&self, within_ms: i32) -> Result<bool> {
        if locked(&self.exit).is_some() {
            return Ok(true);
        }
        Ok(wait_for(&self.process, within_ms)? && self.exit()?.is_some())
    }

    /// How it ended: its exit code, or -signal. Takes it off the process table.
    pub fn exit(&self) -> Result<Option<i32>> {
        let mut exit = locked(&self.exit);
        if exit.is_some() {
            return Ok(*exit);
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let status = waitid(WaitId::PidFd(self.process.as_fd()), options);
        let status = status.map_err(|error| PanelError::system("ask how the keeper ended", error))?;
        *exit = status.map(|status| match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => code,
            (None, signal) => -signal.unwrap_or(0),
        });
        Ok(*exit)
    }
}

fn wait_for(file: &OwnedFd, within_ms: i32) -> Result<bool> {
    let within = Timespec { tv_sec: i64::from(within_ms / 1_000), tv_nsec: i64::from(within_ms % 1_000) * 1_000_000 };
    loop {
        match poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&within)) {
            Ok(count) => return Ok(count > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(PanelError::system("wait for the keeper", error)),
        }
    }
}

fn spawn(places: &Places, program: &OwnedFd, drivers: &OwnedFd, listens: &OwnedFd) -> Result<Pid> {
    // Nothing but what is put in place below is to reach the keeper, whoever opened it.
    // SAFETY: marks descriptors of this process to be closed at exec.
    let marked = unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if marked != 0 {
        return Err(PanelError::system("keep descriptors from the keeper", std::io::Error::last_os_error()));
    }
    let words = [
        ("rtt-keeper", None),
        ("--run", Some(&places.run)),
        ("--store", Some(&places.store)),
        ("--logs", Some(&places.logs)),
        ("--project", Some(&places.project)),
    ];
    let mut arguments = Vec::new();
    for (word, path) in words {
        arguments.push(c_text(Path::new(word))?);
        arguments.extend(path.map(|path| c_text(path)).transpose()?);
    }
    for (word, number) in [("--drivers-fd", DRIVERS_AT), ("--ready-fd", READY_AT)] {
        arguments.push(c_text(Path::new(word))?);
        arguments.push(c_text(Path::new(&number.to_string()))?);
    }
    let path = c_text(Path::new(&format!("/proc/self/fd/{}", program.as_raw_fd())))?;
    let said = c_text(&places.words)?;
    let mut actions = Actions::new()?;
    actions.open(0, c"/dev/null", libc::O_RDONLY)?;
    actions.open(1, &said, libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND)?;
    actions.copy(1, 2)?;
    actions.copy(drivers.as_raw_fd(), DRIVERS_AT)?;
    actions.copy(listens.as_raw_fd(), READY_AT)?;
    launch(&path, &actions, &arguments)
}

fn launch(path: &CString, actions: &Actions, arguments: &[CString]) -> Result<Pid> {
    let attributes = Attributes::new()?;
    let arguments = pointers(arguments);
    let environment = [c"PATH=/usr/bin:/bin".as_ptr().cast_mut(), std::ptr::null_mut()];
    let mut pid: libc::pid_t = 0;
    // SAFETY: all pointers are to values that live until the call returns; the lists end with null.
    let failed = unsafe {
        libc::posix_spawn(
            &raw mut pid,
            path.as_ptr(),
            &raw const actions.0,
            &raw const attributes.0,
            arguments.as_ptr(),
            environment.as_ptr(),
        )
    };
    check("start the keeper", failed)?;
    Pid::from_raw(pid).ok_or_else(|| PanelError::bug("a started process has no number"))
}

struct Actions(libc::posix_spawn_file_actions_t);

impl Actions {
    fn new() -> Result<Self> {
        let mut actions = MaybeUninit::uninit();
        // SAFETY: the call fills it in.
        check("start the keeper", unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        // SAFETY: it was filled in.
        Ok(Self(unsafe { actions.assume_init() }))
    }

    fn open(&mut self, number: RawFd, path: &std::ffi::CStr, flags: i32) -> Result<()> {
        // SAFETY: the path is copied by the call.
        let failed =
            unsafe { libc::posix_spawn_file_actions_addopen(&raw mut self.0, number, path.as_ptr(), flags, 0o600) };
        check("start the keeper", failed)
    }

    fn copy(&mut self, from: RawFd, to: RawFd) -> Result<()> {
        // SAFETY: plain numbers.
        check("start the keeper", unsafe { libc::posix_spawn_file_actions_adddup2(&raw mut self.0, from, to) })
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: it was initialised, and nothing uses it any more.
        unsafe { libc::posix_spawn_file_actions_destroy(&raw mut self.0) };
    }
}

struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    /// A session of its own, no signal blocked, none ignored.
    fn new() -> Result<Self> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the call fills it in.
        check("start the keeper", unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: it was filled in.
        let mut attributes = Self(unsafe { attributes.assume_init() });
        let flags =
            libc::c_int::from(libc::POSIX_SPAWN_SETSID) | libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF;
        let mut none = MaybeUninit::<libc::sigset_t>::uninit();
        let mut all = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: the sets are filled in by the first two calls and only read by the next.
        unsafe {
            libc::sigemptyset(none.as_mut_ptr());
            libc::sigfillset(all.as_mut_ptr());
            check("start the keeper", libc::posix_spawnattr_setsigmask(&raw mut attributes.0, none.as_ptr()))?;
            check("start the keeper", libc::posix_spawnattr_setsigdefault(&raw mut attributes.0, all.as_ptr()))?;
            let flags = libc::c_short::try_from(flags).map_err(|_| PanelError::bug("a flag is too large"))?;
            check("start the keeper", libc::posix_spawnattr_setflags(&raw mut attributes.0, flags))?;
        }
        Ok(attributes)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: it was initialised, and nothing uses it any more.
        unsafe { libc::posix_spawnattr_destroy(&raw mut self.0) };
    }
}

fn check(what: &str, failed: i32) -> Result<()> {
    if failed == 0 { Ok(()) } else { Err(PanelError::system(what, std::io::Error::from_raw_os_error(failed))) }
}

fn c_text(path: &Path) -> Result<CString> {
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes.len() > TEXT {
        return Err(PanelError::new("native.text", "cannot start the keeper because a path is too long"));
    }
    CString::new(bytes)
        .map_err(|_| PanelError::new("native.text", "cannot start the keeper because a path holds a NUL"))
}

fn pointers(texts: &[CString]) -> Vec<*mut c_char> {
    texts.iter().map(|text| text.as_ptr().cast_mut()).chain([std::ptr::null_mut()]).collect()
}
