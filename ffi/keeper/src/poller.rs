//! One epoll for everything; each descriptor is registered under what it is.
use crate::error::{Refusal, Result};
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};

/// What became ready. Instances are named by a serial number that is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Listener,
    Signals,
    Panel,
    /// A connection that has not attached yet.
    Stranger(u64),
    Control(u64),
    Status(u64),
    Output(u64),
    /// The first process of a cell has ended.
    Cell(u64),
}

#[derive(Debug)]
pub struct Poller {
    epoll: OwnedFd,
}

const KINDS: u64 = 8;

impl Source {
    fn to_number(self) -> u64 {
        let (kind, serial) = match self {
            Self::Listener => (0, 0),
            Self::Signals => (1, 0),
            Self::Panel => (2, 0),
            Self::Stranger(serial) => (3, serial),
            Self::Control(serial) => (4, serial),
            Self::Status(serial) => (5, serial),
            Self::Output(serial) => (6, serial),
            Self::Cell(serial) => (7, serial),
        };
        serial * KINDS + kind
    }

    fn from_number(number: u64) -> Self {
        let serial = number / KINDS;
        match number % KINDS {
            0 => Self::Listener,
            1 => Self::Signals,
            2 => Self::Panel,
            3 => Self::Stranger(serial),
            4 => Self::Control(serial),
            5 => Self::Status(serial),
            6 => Self::Output(serial),
            _ => Self::Cell(serial),
        }
    }
}

impl Poller {
    pub fn new() -> Result<Self> {
        let epoll =
            epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|error| Refusal::system("make an epoll", error))?;
        Ok(Self { epoll })
    }

    /// Closing the descriptor takes it off again.
    pub fn add(&self, fd: impl AsFd, source: Source) -> Result<()> {
        epoll::add(&self.epoll, fd, epoll::EventData::new_u64(source.to_number()), epoll::EventFlags::IN)
            .map_err(|error| Refusal::system("watch a descriptor", error))
    }

    /// Also asks whether the peer reads again.
    pub fn want_write(&self, fd: impl AsFd, source: Source, write: bool) -> Result<()> {
        let mut flags = epoll::EventFlags::IN;
        flags.set(epoll::EventFlags::OUT, write);
        epoll::modify(&self.epoll, fd, epoll::EventData::new_u64(source.to_number()), flags)
            .map_err(|error| Refusal::system("watch a descriptor", error))
    }

    pub fn remove(&self, fd: impl AsFd) {
        let _ = epoll::delete(&self.epoll, fd);
    }

    /// Waits until something is ready or `timeout_ns` is over.
    pub fn wait(&self, timeout_ns: Option<u64>) -> Result<Vec<Source>> {
        let mut ready = Vec::with_capacity(64);
        let timeout = timeout_ns.map(|ns| Timespec {
            tv_sec: i64::try_from(ns / 1_000_000_000).unwrap_or(i64::MAX),
            tv_nsec: (ns % 1_000_000_000).cast_signed(),
        });
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut ready), timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(Refusal::system("wait for something to do", error)),
        }
        Ok(ready.iter().map(|event| Source::from_number({ event.data }.u64())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_found_in_its_number() {
        for serial in [0, 1, 77, u64::MAX / KINDS] {
            for source in
                [Source::Stranger(serial), Source::Control(serial), Source::Status(serial), Source::Cell(serial)]
            {
                assert_eq!(Source::from_number(source.to_number()), source);
            }
        }
        assert_eq!(Source::from_number(Source::Panel.to_number()), Source::Panel);
    }
}
