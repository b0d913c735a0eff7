//! Frames that the control thread took from ending lanes while their owner was outside. Their credit is back: should this
//! process die before they are handled, they are lost and were counted as received.
use crate::frame::Frame;
use crate::limits::BACKLOG_BYTES;
use std::collections::VecDeque;
use std::mem::size_of;

#[derive(Default)]
pub struct Backlog {
    frames: VecDeque<Frame>,
    bytes: usize,
}

impl Backlog {
    /// Whether a frame with this payload may be taken. Without room it stays in its ring, for the owner or for the drain's bound.
    pub fn has_room(&self, payload: usize) -> bool {
        self.bytes + cost(payload) <= BACKLOG_BYTES
    }

    pub fn push(&mut self, frame: Frame) {
        self.bytes += cost(frame.payload.len());
        self.frames.push_back(frame);
    }

    pub fn pop(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_front()?;
        self.bytes -= cost(frame.payload.len());
        Some(frame)
    }

    /// The payload of the next one.
    pub fn next_bytes(&self) -> Option<usize> {
        self.frames.front().map(|frame| frame.payload.len())
    }

    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub fn len(&self) -> usize {
        self.frames.len()
    }
}

fn cost(payload: usize) -> usize {
    size_of::<Frame>() + payload
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::FrameInfo;

    fn frame(bytes: usize) -> Frame {
        let info = FrameInfo { frame_id: 0, route_id: 1, stamp_ns: 0, age_ns: 0, lane: 1, bytes };
        Frame { payload: vec![0; bytes], info }
    }

    #[test]
    fn a_backlog_is_full_at_its_limit_and_has_room_again_when_a_frame_is_handled() {
        let mut backlog = Backlog::default();
        let half = BACKLOG_BYTES / 2 - size_of::<Frame>();
        backlog.push(frame(half));
        assert!(backlog.has_room(half) && !backlog.has_room(half + 1));
        backlog.push(frame(half));
        assert!(!backlog.has_room(0));
        assert_eq!((backlog.len(), backlog.next_bytes()), (2, Some(half)));
        assert!(backlog.pop().is_some());
        assert!(backlog.has_room(half) && !backlog.has_room(half + 1));
        assert!(backlog.pop().is_some() && backlog.pop().is_none() && backlog.is_empty());
    }
}
