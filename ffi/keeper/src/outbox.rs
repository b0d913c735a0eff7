//! Packets on their way to one peer: sent at once if it reads, kept in order up to a bound if it does not.
use crate::error::{Refusal, Result};
use rtt_control::packet::{self, Mode};
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

#[derive(Debug)]
pub struct Packet {
    pub bytes: Vec<u8>,
    pub descriptors: Vec<Rc<OwnedFd>>,
}

#[derive(Debug)]
pub struct Outbox {
    waiting: VecDeque<Packet>,
    most: usize,
}

impl Outbox {
    pub fn new(most: usize) -> Self {
        Self { waiting: VecDeque::new(), most }
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// A peer that leaves more unread than the bound is given up by the caller.
    pub fn push(&mut self, packet: Packet) -> Result<()> {
        if self.waiting.len() >= self.most {
            return Err(Refusal::new(
                "keeper.unread",
                format!("cannot send to the peer because it has left {} packets unread", self.waiting.len()),
            ));
        }
        self.waiting.push_back(packet);
        Ok(())
    }

    /// Sends until all is gone or the peer's buffer is full.
    pub fn flush(&mut self, socket: impl AsFd) -> Result<()> {
        while let Some(next) = self.waiting.front() {
            let descriptors: Vec<BorrowedFd<'_>> = next.descriptors.iter().map(|fd| fd.as_fd()).collect();
            match packet::send(socket.as_fd(), &next.bytes, &descriptors, Mode::Try) {
                Ok(()) => {}
                Err(error) if error.would_block() => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            self.waiting.pop_front();
        }
        Ok(())
    }
}
