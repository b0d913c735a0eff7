//! The event pump: a thread of its own collects packets from the keeper; the control plane takes them one by one.
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Most packets that wait to be taken. The keeper's own socket holds back what is above it.
const WAITING: usize = 4_096;

#[derive(Default)]
struct Waiting {
    packets: VecDeque<Vec<u8>>,
    closed: bool,
}

#[derive(Default)]
pub struct Pump {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

impl Pump {
    /// Waits until there is room, and keeps the packet. False: closed.
    pub fn push(&self, packet: Vec<u8>) -> bool {
        let mut waiting = self.lock();
        while waiting.packets.len() >= WAITING && !waiting.closed {
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if !waiting.closed {
            waiting.packets.push_back(packet);
            self.changed.notify_all();
        }
        !waiting.closed
    }

    /// Nothing more will come. What waits can still be taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Waits for a packet: its length, or 0 when the link is closed and all is taken.
    pub fn wait(&self) -> usize {
        let mut waiting = self.lock();
        loop {
            match waiting.packets.front() {
                Some(packet) => return packet.len(),
                None if waiting.closed => return 0,
                None => waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// The packet that `wait` announced, if it fits.
    pub fn take(&self, into: &mut [u8]) -> Option<usize> {
        let mut waiting = self.lock();
        let packet = waiting.packets.front()?;
        let length = packet.len();
        into.get_mut(..length)?.copy_from_slice(packet);
        waiting.packets.pop_front();
        self.changed.notify_all();
        Some(length)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_in_order_and_the_end_comes_last() {
        let pump = Pump::default();
        assert!(pump.push(vec![1]) && pump.push(vec![2, 3]));
        pump.close();
        let mut buffer = [0; 8];
        assert_eq!((pump.wait(), pump.take(&mut buffer)), (1, Some(1)));
        assert_eq!((pump.wait(), pump.take(&mut buffer[..1]), pump.take(&mut buffer)), (2, None, Some(2)));
        assert_eq!((pump.wait(), pump.take(&mut buffer), pump.push(vec![4])), (0, None, false));
    }
}
