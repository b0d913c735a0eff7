//! The last steps of a driver's process before its program: limits, Landlock, descriptors, seccomp.
use crate::error::{CellError, Context, Result};
use crate::limits::{CPUS, FILE_BYTES, OPEN_FILES_DEFAULT, PROCESSES};
use crate::root::Root;
use crate::seccomp::Filters;
use crate::spec::{Cell, Program};
use crate::{landlock, status, sys};
use std::convert::Infallible;
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd, RawFd};

/// What the driver keeps of the descriptors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub control: RawFd,
    pub output: RawFd,
    pub status: RawFd,
}

const CONTROL: RawFd = 3;
/// Descriptors below are given to the program; ours are moved above first.
const FREE_FROM: RawFd = 16;

/// Becomes the driver, or says why not and ends. What is enforced is told when it is in force, and the program not yet there.
pub(crate) fn run(cell: &Cell, root: &Root, filters: &Filters, abi: u32, kept: Kept, enforced: &[String]) -> ! {
    let mut said = kept.status;
    let Err(error) = become_driver(cell, root, filters, abi, kept, enforced, &mut said);
    let _ = status::send_failed(said, &error);
    sys::exit(127)
}

fn become_driver(
    cell: &Cell,
    root: &Root,
    filters: &Filters,
    abi: u32,
    kept: Kept,
    enforced: &[String],
    said: &mut RawFd,
) -> Result<Infallible> {
    // SAFETY: takes nothing; a fresh child leads no group, so that it succeeds.
    unsafe { libc::setsid() };
    limits(cell)?;
    if cell.isolated {
        landlock::restrict(abi, cell.network, root.grants.iter().map(|(path, grant)| (path.as_path(), *grant)))?;
    }
    let program = descriptors(cell, kept, said).context("cell.descriptors", || "set up descriptors".into())?;
    let folder = if cell.isolated || !cell.closure.is_empty() { "/driver" } else { "/" };
    std::env::set_current_dir(folder).context("cell.start", || format!("enter {folder}"))?;
    // SAFETY: no other thread runs here.
    unsafe { libc::umask(0o077) };
    signals_as_new();
    let argv = strings(&cell.argv)?;
    let env = strings(&cell.env)?;
    if cell.isolated {
        filters.bind_driver(cell.network, cell.device)?;
    }
    sys::own_pidfd()
        .and_then(|own| status::send_started(*said, enforced, own.as_raw_fd()))
        .context("cell.start", || "report to the keeper".into())?;
    execute(cell, program, &argv, &env)
}

/// Address space is not limited: lanes are shared memory that the driver maps and does not pay for.
fn limits(cell: &Cell) -> Result<()> {
    let limit = |name: &str, resource, value| {
        sys::set_limit(resource, value).context("cell.limits", || format!("limit {name} to {value}"))
    };
    limit("core dumps", sys::Limit::CoreDump, 0)?;
    limit(
        "open files",
        sys::Limit::OpenFiles,
        if cell.open_files == 0 { OPEN_FILES_DEFAULT } else { cell.open_files },
    )?;
    if cell.isolated {
        // A waived driver shares its uid with everything else of the keeper's user.
        limit("processes", sys::Limit::Processes, PROCESSES)?;
        limit("the size of files", sys::Limit::FileSize, FILE_BYTES)?;
    }
    if cell.memory_bytes > 0 {
        limit("private memory", sys::Limit::PrivateMemory, cell.memory_bytes)?;
    }
    if cell.cpus.is_empty() {
        return Ok(());
    }
    if let Some(cpu) = cell.cpus.iter().find(|cpu| **cpu >= CPUS) {
        return Err(CellError::new("cell.cpus", format!("cannot pin to core {cpu} because cores are below {CPUS}")));
    }
    sys::set_affinity(&cell.cpus).context("cell.cpus", || format!("pin to cores {:?}", cell.cpus))
}

/// 0: nothing to read; 1 and 2: to the keeper; 3: control. Answers where the program is, if it was passed.
fn descriptors(cell: &Cell, kept: Kept, said: &mut RawFd) -> io::Result<Option<RawFd>> {
    let above = |fd: RawFd| -> io::Result<RawFd> {
        // SAFETY: no pointer is passed.
        let moved = sys::check(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, FREE_FROM) }.into())?;
        Ok(i32::try_from(moved).unwrap_or(fd))
    };
    *said = above(kept.status)?;
    let control = above(kept.control)?;
    let output = above(kept.output)?;
    let program = match &cell.program {
        Program::Passed(fd) => Some(above(fd.as_raw_fd())?),
        Program::Path(_) => None,
    };
    let nothing = above(File::open("/dev/null")?.into_raw_fd())?;
    for (from, to) in [(nothing, 0), (output, 1), (output, 2), (control, CONTROL)] {
        sys::duplicate_to(from, to)?;
    }
    let mut keep = vec![0, 1, 2, CONTROL, *said];
    keep.extend(program);
    sys::close_all_but(&keep)?;
    Ok(program)
}

/// The keeper ignores and blocks signals for itself; a program starts without such habits.
fn signals_as_new() {
    for signal in 1..=libc::SIGRTMAX() {
        // SAFETY: the default action is no function of ours; those that cannot be set answer an error, which is well.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // SAFETY: an empty set is made and used; both outlive the call.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

fn strings(texts: &[String]) -> Result<Vec<CString>> {
    texts
        .iter()
        .map(|text| CString::new(text.as_str()))
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| CellError::new("cell.start", "cannot start the driver because an argument holds a NUL"))
}

fn execute(cell: &Cell, program: Option<RawFd>, argv: &[CString], env: &[CString]) -> Result<Infallible> {
    let pointers = |texts: &[CString]| -> Vec<*const libc::c_char> {
        texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (arguments, variables) = (pointers(argv), pointers(env));
    let path = match &cell.program {
        Program::Path(path) => CString::new(path.as_str()).unwrap_or_default(),
        Program::Passed(_) => CString::default(),
    };
    let (folder, flags) = program.map_or((libc::AT_FDCWD, 0), |fd| (fd, libc::AT_EMPTY_PATH));
    // SAFETY: both lists end with a null pointer, and all strings outlive the call, which does not return if it succeeds.
    let result = unsafe {
        libc::syscall(libc::SYS_execveat, folder, path.as_ptr(), arguments.as_ptr(), variables.as_ptr(), flags)
    };
    Err(sys::check(result).expect_err("bug: a program was executed and this one goes on"))
        .context("cell.program", || {
            format!("start {}", argv.first().map_or_else(String::new, |name| name.to_string_lossy().into_owned()))
        })
}
