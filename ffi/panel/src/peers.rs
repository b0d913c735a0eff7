//! Who is connected to the local API. Its socket has mode 0600; what is left are peers of the same user in another user or
//! pid namespace, to whom that user id may have been lent.
use rustix::net::sockopt::{socket_acceptconn, socket_peercred};
use rustix::net::{AddressFamily, Shutdown, SocketAddrUnix, getsockname, shutdown};
use rustix::process::geteuid;
use std::os::fd::BorrowedFd;

/// Shuts down accepted connections of the socket that was bound to `path` whose peer is a stranger, and counts them.
pub fn evict(path: &str) -> Result<i64, String> {
    let mut strangers = 0;
    let entries =
        std::fs::read_dir("/proc/self/fd").map_err(|error| format!("cannot list descriptors because {error}"))?;
    for entry in entries.flatten() {
        let Some(number) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        // SAFETY: borrowed for this turn. If another thread closes it meanwhile, the calls below fail or look at another
        // socket of this process, whose path and peer are then checked like any other's.
        let socket = unsafe { BorrowedFd::borrow_raw(number) };
        if !is_accepted_at(socket, path) {
            continue;
        }
        match kind_of_peer(socket) {
            Peer::Friend => {}
            Peer::Gone => end(socket),
            Peer::Stranger => {
                strangers += 1;
                end(socket);
            }
        }
    }
    Ok(strangers)
}

enum Peer {
    Friend,
    /// Its process has ended: nobody reads the answer.
    Gone,
    Stranger,
}

fn end(socket: BorrowedFd<'_>) {
    // A connection that is closed already is as good.
    let _ = shutdown(socket, Shutdown::Both);
}

fn is_accepted_at(socket: BorrowedFd<'_>, path: &str) -> bool {
    let Ok(address) = getsockname(socket) else { return false };
    if address.address_family() != AddressFamily::UNIX || socket_acceptconn(socket) != Ok(false) {
        return false;
    }
    let Ok(address) = SocketAddrUnix::try_from(address) else { return false };
    address.path_bytes() == Some(path.as_bytes())
}

fn kind_of_peer(socket: BorrowedFd<'_>) -> Peer {
    // A peer of a pid namespace that can't be seen from here has pid 0, which is no pid.
    let Ok(credentials) = socket_peercred(socket) else { return Peer::Stranger };
    if credentials.uid != geteuid() && !credentials.uid.is_root() {
        return Peer::Stranger;
    }
    let pid = credentials.pid.as_raw_nonzero();
    let same = |namespace: &str| {
        let theirs = std::fs::read_link(format!("/proc/{pid}/ns/{namespace}"));
        let ours = std::fs::read_link(format!("/proc/self/ns/{namespace}"));
        theirs.and_then(|theirs| Ok(theirs == ours?))
    };
    match (same("user"), same("pid")) {
        (Ok(true), Ok(true)) => Peer::Friend,
        (Err(error), _) | (_, Err(error)) if error.kind() == std::io::ErrorKind::NotFound => Peer::Gone,
        _ => Peer::Stranger,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn this_process_is_no_stranger_and_other_paths_are_not_looked_at() {
        let path = std::env::temp_dir().join(format!("rtt-peers-{}", std::process::id()));
        let text = path.to_str().unwrap();
        let listener = UnixListener::bind(&path).unwrap();
        let peer = UnixStream::connect(&path).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        assert_eq!((evict(text), evict("/nowhere")), (Ok(0), Ok(0)));
        drop((peer, accepted));
        std::fs::remove_file(path).unwrap();
    }
}
