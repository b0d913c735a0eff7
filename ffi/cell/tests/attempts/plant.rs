//! Ways to leave a program that runs as its owner, whoever starts it.
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Each makes `planted` in a folder that may be written, setuid or setgid.
pub const PLANTS: &[&str] =
    &["chmod", "fchmod", "fchmodat", "fchmodat2", "setgid", "open", "openat", "openat2", "creat", "tmpfile", "mknod"];

const RUNS_AS_OWNER: u32 = 0o4755;

pub fn plant(way: &str, folder: &str) -> io::Result<()> {
    let path = Path::new(folder).join("planted");
    let name = CString::new(path.to_string_lossy().as_bytes())?;
    let name = name.as_ptr();
    let there = || fs::write(&path, "#!/bin/sh\n");
    let made = |result: libc::c_long| if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) };
    let new = libc::O_CREAT | libc::O_WRONLY;
    // SAFETY: the names outlive their calls; made descriptors are left open.
    unsafe {
        match way {
            "chmod" => there().and_then(|()| made(libc::syscall(libc::SYS_chmod, name, RUNS_AS_OWNER))),
            "fchmod" => {
                there()?;
                let file = fs::File::open(&path)?;
                made(libc::syscall(libc::SYS_fchmod, file.as_raw_fd(), RUNS_AS_OWNER))
            }
            "fchmodat" => {
                there().and_then(|()| made(libc::syscall(libc::SYS_fchmodat, libc::AT_FDCWD, name, RUNS_AS_OWNER)))
            }
            "fchmodat2" => {
                there().and_then(|()| made(libc::syscall(libc::SYS_fchmodat2, libc::AT_FDCWD, name, RUNS_AS_OWNER, 0)))
            }
            "setgid" => there().and_then(|()| made(libc::syscall(libc::SYS_chmod, name, 0o2755))),
            "open" => made(libc::syscall(libc::SYS_open, name, new, RUNS_AS_OWNER)),
            "openat" => made(libc::syscall(libc::SYS_openat, libc::AT_FDCWD, name, new, RUNS_AS_OWNER)),
            "openat2" => {
                let how = [new as u64, u64::from(RUNS_AS_OWNER), 0];
                made(libc::syscall(libc::SYS_openat2, libc::AT_FDCWD, name, how.as_ptr(), size_of_val(&how)))
            }
            "creat" => made(libc::syscall(libc::SYS_creat, name, RUNS_AS_OWNER)),
            "tmpfile" => nameless(folder),
            "mknod" => made(libc::syscall(libc::SYS_mknod, name, libc::S_IFREG | RUNS_AS_OWNER, 0)),
            other => Err(io::Error::other(format!("no way is called {other}"))),
        }
    }
}

/// Whether the file in `folder` runs as its owner.
pub fn planted(folder: &str) -> bool {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| entry.metadata().is_ok_and(|facts| facts.mode() & 0o6000 != 0))
}

/// A file without a name, which gets one afterwards.
fn nameless(folder: &str) -> io::Result<()> {
    let place = CString::new(folder)?;
    // SAFETY: the name outlives the call; the descriptor is left open.
    let fd = unsafe {
        libc::syscall(libc::SYS_openat, libc::AT_FDCWD, place.as_ptr(), libc::O_TMPFILE | libc::O_WRONLY, RUNS_AS_OWNER)
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    let open = CString::new(format!("/proc/self/fd/{fd}"))?;
    let name = CString::new(format!("{folder}/planted"))?;
    let flags = libc::AT_SYMLINK_FOLLOW;
    // SAFETY: both names outlive the call.
    let result = unsafe { libc::linkat(libc::AT_FDCWD, open.as_ptr(), libc::AT_FDCWD, name.as_ptr(), flags) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
