//! The keeper's lock and its socket. Every cell's first process holds the lock too, so that it is free only when all cells
//! of a killed keeper are gone.
use crate::clock::now_ns;
use crate::error::{Refusal, Result};
use crate::limits::LOCK_WITHIN_NS;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open, unlink};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};
use rustix::process::{chdir, umask};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

const BACKLOG: i32 = 8;
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Takes `keeper.lock` of the run folder, waiting a little for cells that are still ending.
pub fn take(run: &Path) -> Result<OwnedFd> {
    let path = run.join("keeper.lock");
    let flags = OFlags::CREATE | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let lock =
        open(&path, flags, Mode::RUSR | Mode::WUSR).map_err(|error| Refusal::system("open keeper.lock", error))?;
    let deadline = now_ns() + LOCK_WITHIN_NS;
    loop {
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(lock),
            Err(Errno::WOULDBLOCK) if now_ns() < deadline => std::thread::sleep(LOOK_AGAIN),
            Err(Errno::WOULDBLOCK) => {
                return Err(Refusal::new(
                    "keeper.locked",
                    format!("cannot start a keeper because another one holds {}; use it, or end it", path.display()),
                ));
            }
            Err(error) => return Err(Refusal::system("take keeper.lock", error)),
        }
    }
}

/// Binds `keeper.sock`, by a relative name: the folder's own path may be longer than an address. The lock is held.
pub fn listen_in(run: &Path) -> Result<OwnedFd> {
    chdir(run).map_err(|error| Refusal::system("enter the run folder", error))?;
    match unlink("keeper.sock") {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(Refusal::system("remove an old keeper.sock", error)),
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
        .map_err(|error| Refusal::system("make a socket", error))?;
    let address = SocketAddrUnix::new("keeper.sock").map_err(|error| Refusal::system("name the socket", error))?;
    let before = umask(Mode::from_raw_mode(0o177));
    let bound = bind(&socket, &address);
    umask(before);
    bound.and_then(|()| listen(&socket, BACKLOG)).map_err(|error| Refusal::system("bind keeper.sock", error))?;
    Ok(socket)
}
