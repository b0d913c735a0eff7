//! Packets between the roles: a kind, a number, and descriptors.
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, Command, Stdio};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Linux passes at most this many descriptors in one packet.
pub const DESCRIPTORS: usize = 253;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Kind {
    /// To a driver at its start: the epoch page.
    Hello,
    /// Barrier 1: regions are made and mapped by their writers.
    Prepare,
    /// Barrier 2: they are sealed, checked and handed to their readers.
    Stage,
    Flip,
    Verify,
    /// Old regions end; after the commit, and outside what is timed.
    Free,
    Done,
}

impl Kind {
    fn from_number(number: u32) -> io::Result<Self> {
        [Self::Hello, Self::Prepare, Self::Stage, Self::Flip, Self::Verify, Self::Free, Self::Done]
            .into_iter()
            .find(|kind| *kind as u32 == number)
            .ok_or_else(|| io::Error::other(format!("cannot read a packet because its kind is {number}")))
    }
}

#[derive(Debug)]
pub struct Packet {
    pub kind: Kind,
    pub number: u32,
    pub descriptors: Vec<OwnedFd>,
}

/// Bytes of a packet: kind and number, then what a lane's description weighs on the real wire.
const HEAD: usize = 8;
pub const LANE_BYTES: usize = 160;
const LARGEST: usize = 64 * 1024;

pub fn send(socket: impl AsFd, kind: Kind, number: u32, lanes: usize, descriptors: &[BorrowedFd<'_>]) -> Outcome {
    let mut bytes = vec![0u8; HEAD + (lanes * LANE_BYTES).min(LARGEST - HEAD)];
    bytes[..4].copy_from_slice(&(kind as u32).to_le_bytes());
    bytes[4..HEAD].copy_from_slice(&number.to_le_bytes());
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(format!("cannot send {} descriptors because {DESCRIPTORS} is the most", descriptors.len()).into());
    }
    sendmsg(socket, &[io::IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// The next packet; `None` when the peer is gone.
pub fn receive(socket: impl AsFd) -> Outcome<Option<Packet>> {
    let mut bytes = vec![0u8; LARGEST];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let length = recvmsg(socket, &mut [io::IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC)?.bytes;
    if length == 0 {
        return Ok(None);
    }
    let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let descriptors = control
        .drain()
        .flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(rights) => rights.collect(),
            _ => Vec::new(),
        })
        .collect();
    Ok(Some(Packet { kind: Kind::from_number(word(0))?, number: word(4), descriptors }))
}

/// The answer that must come now.
pub fn expect(socket: impl AsFd, kind: Kind) -> Outcome<Packet> {
    let packet = receive(socket)?.ok_or("cannot go on because a peer is gone")?;
    if packet.kind == kind {
        Ok(packet)
    } else {
        Err(format!("cannot go on because {:?} came and not {kind:?}", packet.kind).into())
    }
}

/// This program again, in another role, with one end of a socket as its standard input.
pub fn start(role: &str, argument: Option<&str>) -> Outcome<(Child, OwnedFd)> {
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    let child = Command::new(std::env::current_exe()?).arg(role).args(argument).stdin(Stdio::from(theirs)).spawn()?;
    Ok((child, ours))
}
