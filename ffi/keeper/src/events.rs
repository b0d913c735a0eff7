//! Events: numbered, kept until a panel has acknowledged them, redelivered to the next one.
use crate::limits::EVENTS;
use rtt_control::panel::{Event, What};
use std::collections::VecDeque;

#[derive(Debug)]
pub struct Events {
    kept: VecDeque<Event>,
    next: u64,
}

impl Default for Events {
    fn default() -> Self {
        Self { kept: VecDeque::new(), next: 1 }
    }
}

impl Events {
    /// Numbers it and keeps it. Above the bound the oldest goes: the inventory holds what it told.
    pub fn add(&mut self, instance: &str, what: What) -> u64 {
        if self.kept.len() >= EVENTS {
            self.kept.pop_front();
        }
        let seq = self.next;
        self.next += 1;
        self.kept.push_back(Event { seq, instance: instance.to_owned(), what });
        seq
    }

    pub fn acknowledge(&mut self, seq: u64) {
        while self.kept.front().is_some_and(|event| event.seq <= seq) {
            self.kept.pop_front();
        }
    }

    /// None when it was acknowledged meanwhile.
    pub fn get(&self, seq: u64) -> Option<&Event> {
        let first = self.kept.front()?.seq;
        self.kept.get(usize::try_from(seq.checked_sub(first)?).ok()?)
    }

    pub fn unacknowledged(&self) -> impl Iterator<Item = u64> + '_ {
        self.kept.iter().map(|event| event.seq)
    }

    /// Whether this request to open still waits among the unacknowledged ones.
    pub fn tells_open(&self, instance: &str, asked: u64) -> bool {
        self.kept.iter().any(|event| {
            event.instance == instance && matches!(event.what, What::Open { request, .. } if request == asked)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_acknowledged_is_gone_and_the_rest_is_in_order() {
        let mut events = Events::default();
        for _ in 0..5 {
            events.add("a.1", What::Parked);
        }
        events.acknowledge(3);
        assert_eq!(events.unacknowledged().collect::<Vec<_>>(), [4, 5]);
        assert!(events.get(3).is_none());
        assert_eq!(events.get(5).map(|event| event.seq), Some(5));
        events.acknowledge(99);
        assert_eq!(events.add("a.1", What::Parked), 6);
    }

    #[test]
    fn there_is_a_bound() {
        let mut events = Events::default();
        for _ in 0..EVENTS + 10 {
            events.add("a.1", What::Parked);
        }
        assert_eq!(events.unacknowledged().count(), EVENTS);
        assert_eq!(events.unacknowledged().next(), Some(11));
    }
}
