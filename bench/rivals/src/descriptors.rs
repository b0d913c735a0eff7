//! Ways through the kernel: sockets that keep messages apart, and pipes.
use std::os::fd::OwnedFd;

use rtt_bench::Outcome;
use rtt_bench::trips::{PAYLOAD, Trip};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, read, write};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Asked again and again, as a lane is: no process sleeps.
    Polled,
    /// The reader sleeps until there is something.
    Blocking,
}

pub struct Descriptors {
    asker: (OwnedFd, OwnedFd),
    echo: (OwnedFd, OwnedFd),
    payload: [u8; PAYLOAD],
}

impl Descriptors {
    /// A pair of connected sockets each way.
    pub fn sockets(reading: Reading) -> Outcome<Self> {
        let pair = || socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
        Self::of(pair()?, pair()?, reading)
    }

    pub fn pipes(reading: Reading) -> Outcome<Self> {
        let pair = || pipe_with(PipeFlags::CLOEXEC);
        Self::of(pair()?, pair()?, reading)
    }

    /// Two pairs: where to read, where to write.
    fn of(there: (OwnedFd, OwnedFd), back: (OwnedFd, OwnedFd), reading: Reading) -> Outcome<Self> {
        if reading == Reading::Polled {
            for end in [&there.0, &back.0] {
                fcntl_setfl(end, fcntl_getfl(end)? | OFlags::NONBLOCK)?;
            }
        }
        Ok(Self { asker: (back.0, there.1), echo: (there.0, back.1), payload: [7; PAYLOAD] })
    }
}

#[inline]
fn receive((from, _): &(OwnedFd, OwnedFd), into: &mut [u8]) {
    loop {
        match read(from, &mut *into) {
            Ok(bytes) => {
                assert!(bytes == into.len(), "bug: a message came in parts");
                return;
            }
            Err(Errno::AGAIN) => std::hint::spin_loop(),
            Err(error) => panic!("cannot read because the kernel says {error}"),
        }
    }
}

#[inline]
fn send((_, to): &(OwnedFd, OwnedFd), payload: &[u8]) {
    assert!(write(to, payload) == Ok(payload.len()), "bug: one message at a time fits");
}

impl Trip for Descriptors {
    #[inline]
    fn ask(&mut self, _number: u64) {
        send(&self.asker, &self.payload);
        receive(&self.asker, &mut self.payload);
    }

    #[inline]
    fn echo(&mut self, _number: u64) {
        receive(&self.echo, &mut self.payload);
        send(&self.echo, &self.payload);
    }
}
