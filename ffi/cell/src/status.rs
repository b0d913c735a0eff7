//! What the first process of a cell and the keeper tell each other over the cell's status socket.
//!
//! A message is one packet: a letter, then its body. The `Started` packet carries the driver's pidfd.
use crate::error::CellError;
use crate::limits::STATUS_BYTES;
use crate::sys;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

#[derive(Debug)]
pub enum Status {
    /// The driver's process is confined and about to start its program; `enforced` are `NAME=how`.
    Started { enforced: Vec<String>, driver: OwnedFd },
    /// Nothing was started, or the driver's program could not be.
    Failed(CellError),
    /// The driver ended: exit code, or −signal.
    Ended(i32),
}

/// Both ends, close-on-exec.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds = [0; 2];
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
    // SAFETY: the array has room for the two descriptors.
    sys::check(unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, fds.as_mut_ptr()) }.into())?;
    // SAFETY: the kernel has just made both for us.
    Ok(unsafe { (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])) })
}

pub fn send_started(socket: RawFd, enforced: &[String], driver: RawFd) -> io::Result<()> {
    let body = format!("S{}", enforced.join("\n"));
    send_with(socket, cut(body.as_bytes()), Some(driver))
}

pub fn send_failed(socket: RawFd, error: &CellError) -> io::Result<()> {
    let body = format!("F{}\n{}", error.code, error.message);
    send_with(socket, cut(body.as_bytes()), None)
}

pub fn send_ended(socket: RawFd, exit: i32) -> io::Result<()> {
    send_with(socket, format!("E{exit}").as_bytes(), None)
}

/// The next message, if there is one; `Ok(None)` at the end of the connection.
pub fn receive(socket: BorrowedFd<'_>) -> io::Result<Option<Status>> {
    let mut body = [0_u8; STATUS_BYTES];
    let (got, passed) = receive_with(socket, &mut body)?;
    if got == 0 {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&body[1..got]);
    Ok(Some(match (body[0], passed) {
        (b'S', Some(driver)) => Status::Started { enforced: text.lines().map(str::to_owned).collect(), driver },
        (b'F', _) => {
            let (code, message) = text.split_once('\n').unwrap_or(("cell.start", &text));
            Status::Failed(CellError::new(code, message))
        }
        (b'E', _) => Status::Ended(text.parse().unwrap_or(-libc::SIGKILL)),
        _ => return Err(io::Error::from_raw_os_error(libc::EPROTO)),
    }))
}

fn cut(body: &[u8]) -> &[u8] {
    &body[..body.len().min(STATUS_BYTES)]
}

/// Room for one descriptor, aligned as a control message must be.
#[repr(C, align(8))]
struct Ancillary([u8; 24]);

fn send_with(socket: RawFd, body: &[u8], descriptor: Option<RawFd>) -> io::Result<()> {
    let mut part = libc::iovec { iov_base: body.as_ptr().cast_mut().cast(), iov_len: body.len() };
    let mut ancillary = Ancillary([0; 24]);
    // SAFETY: all of it are numbers and pointers that may be zero.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    if let Some(descriptor) = descriptor {
        message.msg_control = (&raw mut ancillary).cast();
        message.msg_controllen = size_of::<Ancillary>() as _;
        // SAFETY: the control buffer holds exactly one message of one descriptor, as the lengths say.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(size_of::<RawFd>() as u32) as _;
            libc::CMSG_DATA(header).cast::<RawFd>().write_unaligned(descriptor);
        }
    }
    // SAFETY: the message and all it points to outlive the call.
    sys::check(unsafe { libc::sendmsg(socket, &raw const message, libc::MSG_NOSIGNAL) } as libc::c_long).map(drop)
}

fn receive_with(socket: BorrowedFd<'_>, body: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut part = libc::iovec { iov_base: body.as_mut_ptr().cast(), iov_len: body.len() };
    let mut ancillary = Ancillary([0; 24]);
    // SAFETY: all of it are numbers and pointers that may be zero.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut ancillary).cast();
    message.msg_controllen = size_of::<Ancillary>() as _;
    let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
    // SAFETY: the message and all it points to outlive the call.
    let got = sys::check(unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, flags) } as libc::c_long)?;
    // SAFETY: the kernel has written the headers that these calls walk.
    let passed = unsafe {
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (!header.is_null() && (*header).cmsg_type == libc::SCM_RIGHTS)
            .then(|| OwnedFd::from_raw_fd(libc::CMSG_DATA(header).cast::<RawFd>().read_unaligned()))
    };
    Ok((usize::try_from(got).unwrap_or(0), passed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn messages_arrive_as_they_were_sent() {
        let (ours, theirs) = pair().expect("a pair");
        let some = std::fs::File::open("/dev/null").expect("a descriptor");
        send_started(theirs.as_raw_fd(), &["a=1".to_owned(), "b=2".to_owned()], some.as_raw_fd()).expect("sent");
        send_failed(theirs.as_raw_fd(), &CellError::new("cell.mount", "cannot x")).expect("sent");
        send_ended(theirs.as_raw_fd(), -15).expect("sent");
        drop(theirs);
        let next = || receive(ours.as_fd()).expect("a message");
        assert!(matches!(next(), Some(Status::Started { enforced, .. }) if enforced == ["a=1", "b=2"]));
        assert!(matches!(next(), Some(Status::Failed(error)) if error.code == "cell.mount"));
        assert!(matches!(next(), Some(Status::Ended(-15))));
        assert!(next().is_none());
    }
}
