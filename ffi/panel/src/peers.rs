//! Who is connected to a socket that this process serves. The run-time that serves it does not tell connections apart, so
//! they are found among our own descriptors, and those of strangers are shut down.
use crate::error::{PanelError, Result};
use crate::limits::DESCRIPTORS;
use crate::table::locked;
use rustix::fs::{Mode, OFlags, open};
use rustix::net::sockopt::{socket_acceptconn, socket_cookie, socket_domain, socket_peercred};
use rustix::net::{AddressFamily, Shutdown, SocketAddrAny, SocketAddrUnix, getsockname, shutdown};
use std::collections::HashSet;
use std::os::fd::{BorrowedFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

/// Connections that were looked at and belong to us, by the kernel's number of the socket: their peer may be gone since.
static KNOWN: LazyLock<Mutex<HashSet<u64>>> = LazyLock::new(Mutex::default);

/// Shuts down every accepted connection of the socket bound to `path` whose peer is of another user, or lives in another
/// pid or user namespace, or can no longer be asked; answers how many they were.
pub fn strangers(path: &str) -> Result<i32> {
    let ours = Namespaces::of("self").ok_or_else(|| PanelError::system("look at our own namespaces", "no /proc"))?;
    let mut known = locked(&KNOWN);
    let mut seen = HashSet::new();
    let mut count = 0;
    for descriptor in descriptors()? {
        // SAFETY: the number was listed just now. If it was closed since, the calls below fail; if it was used again, they
        // ask the new file, which is no accepted connection of this path, or is one and then is to be judged as well.
        let socket = unsafe { BorrowedFd::borrow_raw(descriptor) };
        if !is_accepted(socket, path) {
            continue;
        }
        let Ok(cookie) = socket_cookie(socket) else { continue };
        if known.contains(&cookie) || is_one_of_us(socket, &ours) {
            seen.insert(cookie);
        } else {
            count += 1;
            let _ = shutdown(socket, Shutdown::Both);
        }
    }
    *known = seen;
    Ok(count)
}

fn descriptors() -> Result<Vec<RawFd>> {
    let wrong = |error: &dyn std::fmt::Display| PanelError::system("list our descriptors", error);
    let folder = open("/proc/self/fd", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let folder = rustix::fs::Dir::new(folder.map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?;
    let mut found = Vec::new();
    for entry in folder {
        let entry = entry.map_err(|error| wrong(&error))?;
        found.extend(entry.file_name().to_str().ok().and_then(|name| name.parse::<RawFd>().ok()));
        if found.len() > DESCRIPTORS {
            return Err(PanelError::new("native.descriptors", "cannot look at peers because too many files are open"));
        }
    }
    Ok(found)
}

fn is_accepted(socket: BorrowedFd<'_>, path: &str) -> bool {
    socket_domain(socket).is_ok_and(|domain| domain == AddressFamily::UNIX)
        && socket_acceptconn(socket).is_ok_and(|listens| !listens)
        && getsockname(socket).is_ok_and(|name| is_named(name, path))
}

fn is_named(name: SocketAddrAny, path: &str) -> bool {
    SocketAddrUnix::try_from(name).is_ok_and(|name| name.path_bytes() == Some(path.as_bytes()))
}

fn is_one_of_us(socket: BorrowedFd<'_>, ours: &Namespaces) -> bool {
    let Ok(peer) = socket_peercred(socket) else { return false };
    peer.uid == rustix::process::geteuid()
        && Namespaces::of(&peer.pid.as_raw_nonzero().to_string()).is_some_and(|theirs| theirs == *ours)
}

#[derive(PartialEq, Eq)]
struct Namespaces {
    pid: PathBuf,
    user: PathBuf,
}

impl Namespaces {
    fn of(pid: &str) -> Option<Self> {
        let folder = Path::new("/proc").join(pid).join("ns");
        let read = |kind: &str| std::fs::read_link(folder.join(kind)).ok();
        Some(Self { pid: read("pid")?, user: read("user")? })
    }
}
