//! One packet of a SEQPACKET socket with its descriptors.
//!
//! A packet that the kernel had to cut (bytes or descriptors) is an error, and what arrived of its descriptors is closed.
use crate::error::{ControlError, Result};
use crate::limits::{PACKET_BYTES, PACKET_DESCRIPTORS};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// What one `receive` brought.
#[derive(Debug)]
pub struct Packet {
    pub bytes: Vec<u8>,
    /// All of them are close-on-exec.
    pub descriptors: Vec<OwnedFd>,
}

/// Whether a call may wait for the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Wait,
    /// `control.wouldBlock` instead of waiting.
    Try,
}

/// Sends one packet whole, or not at all.
pub fn send(socket: impl AsFd, bytes: &[u8], descriptors: &[BorrowedFd<'_>], mode: Mode) -> Result<()> {
    if bytes.is_empty() || bytes.len() > PACKET_BYTES {
        return Err(ControlError::new(
            "control.tooLarge",
            format!("cannot send a packet because its size of {} bytes is not in 1..={PACKET_BYTES}", bytes.len()),
        ));
    }
    if descriptors.len() > PACKET_DESCRIPTORS {
        return Err(ControlError::new(
            "control.tooManyDescriptors",
            format!("cannot send a packet because {} descriptors are above {PACKET_DESCRIPTORS}", descriptors.len()),
        ));
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(PACKET_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(ControlError::new(
            "control.tooManyDescriptors",
            "cannot send a packet because its descriptors do not fit",
        ));
    }
    let mut flags = SendFlags::NOSIGNAL;
    flags.set(SendFlags::DONTWAIT, mode == Mode::Try);
    loop {
        match sendmsg(socket.as_fd(), &[IoSlice::new(bytes)], &mut control, flags) {
            Ok(sent) if sent == bytes.len() => return Ok(()),
            Ok(sent) => {
                return Err(ControlError::new(
                    "control.cut",
                    format!("cannot send a packet because the socket took {sent} of {} bytes", bytes.len()),
                ));
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(socket_error("send", error)),
        }
    }
}

/// Receives one packet. The end of the connection is `control.closed`.
pub fn receive(socket: impl AsFd, mode: Mode) -> Result<Packet> {
    let mut bytes = vec![0_u8; PACKET_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(PACKET_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut flags = RecvFlags::CMSG_CLOEXEC;
    flags.set(RecvFlags::DONTWAIT, mode == Mode::Try);
    let got = loop {
        match recvmsg(socket.as_fd(), &mut [IoSliceMut::new(&mut bytes)], &mut control, flags) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(socket_error("receive", error)),
            Ok(got) => break got,
        }
    };
    // Taken before any check, so that a refused packet closes what it brought.
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    if got.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
        return Err(ControlError::new(
            "control.cut",
            "cannot receive a packet because it is larger than a packet may be",
        ));
    }
    if got.bytes == 0 {
        return Err(ControlError::new("control.closed", "cannot receive a packet because the peer is gone"));
    }
    bytes.truncate(got.bytes);
    Ok(Packet { bytes, descriptors })
}

fn socket_error(verb: &str, error: Errno) -> ControlError {
    let code = match error {
        Errno::AGAIN => "control.wouldBlock",
        Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN => "control.closed",
        _ => "control.socket",
    };
    ControlError::new(code, format!("cannot {verb} a packet because the socket says: {error}"))
}
