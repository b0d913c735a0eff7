//! The sending endpoint as its owner sees it.
use crate::core::Core;
use crate::error::{Error, SendError};
use crate::outport::{OutPort, OutState};
use rtt_control::lane::Backpressure;
use rtt_lane::layout::Drop as DropReason;
use rtt_lane::{Refused, clock, wait};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Between two looks for room for what goes out again.
const AGAIN_NS: u64 = 1_000_000;

/// An output of this driver. It has one owner; dropping it gives it back.
pub struct Output {
    core: Arc<Core>,
    index: usize,
}

/// What a sent frame is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    pub frame_id: u64,
    pub lane: u64,
}

impl Output {
    pub(crate) fn new(core: Arc<Core>, index: usize) -> Self {
        Self { core, index }
    }

    fn port(&self) -> &OutPort {
        &self.core.outs[self.index]
    }

    pub fn name(&self) -> &str {
        &self.port().name
    }

    /// Sends one frame. Without room the route's backpressure decides: `block` waits for at most its bound, `dropNewest`
    /// drops and counts, `fail` says so.
    pub fn send(&mut self, payload: &[u8]) -> Result<Sent, SendError> {
        self.send_by(payload, true)
    }

    /// The same, never waiting: under `block` a full lane is `Full` at once, and nothing is counted.
    pub fn try_send(&mut self, payload: &[u8]) -> Result<Sent, SendError> {
        self.send_by(payload, false)
    }

    fn send_by(&mut self, payload: &[u8], may_wait: bool) -> Result<Sent, SendError> {
        let core = &*self.core;
        let port = &core.outs[self.index];
        let mut state = port.lock();
        let mut deadline = None;
        loop {
            if core.closed() {
                return Err(SendError::Closed);
            }
            let attention = core.attention();
            port.refresh(core, &mut state);
            let now = clock::now();
            let retry_at = match Self::try_once(&mut state, now, payload) {
                Ok(sent) => return Ok(sent),
                Err(Missed::Error(error)) => {
                    if error == SendError::NotBound {
                        port.count_late(core, &mut state);
                    }
                    return Err(error);
                }
                Err(Missed::Until(time)) => time,
            };
            let Some(lane) = state.current.as_mut() else { return Err(SendError::NotBound) };
            match lane.spec.backpressure {
                Backpressure::DropNewest => {
                    lane.producer.count(DropReason::Full);
                    return Err(SendError::Dropped);
                }
                Backpressure::Fail => {
                    lane.producer.count(DropReason::Full);
                    return Err(SendError::Full);
                }
                Backpressure::Block if !may_wait => return Err(SendError::Full),
                Backpressure::Block => {}
            }
            if core.stopping() {
                return Err(SendError::Stopping);
            }
            let deadline = *deadline.get_or_insert(now.saturating_add(lane.spec.block_ns));
            if now >= deadline {
                lane.producer.count(DropReason::Full);
                return Err(SendError::Full);
            }
            port.forget(core, &mut state);
            Self::sleep(
                core,
                &mut state,
                attention,
                payload.len(),
                retry_at.map_or(deadline, |time| time.min(deadline)),
            );
        }
    }

    fn try_once(state: &mut OutState, now: u64, payload: &[u8]) -> Result<Sent, Missed> {
        if !state.send_again() && state.current.is_some() {
            // What goes out again goes first.
            return Err(Missed::Until(Some(now.saturating_add(AGAIN_NS))));
        }
        let Some(lane) = state.current.as_mut() else { return Err(Missed::Error(SendError::NotBound)) };
        if let Err(wait) = lane.producer.admit(now) {
            return Err(Missed::Until(Some(now.saturating_add(wait))));
        }
        match lane.producer.send(lane.spec.route_id, state.next_id, 0, now, payload) {
            Ok(()) => {
                let sent = Sent { frame_id: state.next_id, lane: lane.spec.lane };
                state.next_id += 1;
                state.sent_at = now;
                Ok(sent)
            }
            Err(Refused::Full) => {
                lane.producer.readmit();
                Err(Missed::Until(None))
            }
            Err(Refused::TooLarge { most }) => {
                lane.producer.readmit();
                lane.producer.count(DropReason::TooLarge);
                Err(Missed::Error(SendError::TooLarge { most }))
            }
        }
    }

    /// Sleeps until there may be room, the epoch moves, or attention is called.
    fn sleep(core: &Core, state: &mut OutState, attention: u32, bytes: usize, until: u64) {
        let seen = state.seen();
        let Some(lane) = state.current.as_mut() else { return };
        lane.producer.set_asleep(true);
        let fenced = wait::sleeper_fence();
        let full = !lane.producer.fits(bytes);
        let unchanged = core.epoch() == seen && core.attention() == attention;
        // With room, what holds the frame back is the declared rate: only time brings it on.
        if unchanged && full {
            let watches = [lane.producer.watch(), core.watch_epoch(seen), core.watch_attention(attention)];
            wait::sleep(&watches, until, fenced);
        } else if unchanged {
            wait::sleep(&[core.watch_epoch(seen), core.watch_attention(attention)], until, fenced);
        }
        lane.producer.set_asleep(false);
    }

    /// Whether the output has a lane now.
    pub fn is_bound(&mut self) -> bool {
        let port = self.port();
        let mut state = port.lock();
        port.refresh(&self.core, &mut state);
        state.current.is_some()
    }

    /// Waits until the output has a lane; false when the time is over.
    pub fn wait_bound(&mut self, timeout: Duration) -> Result<bool, Error> {
        let deadline = deadline_after(timeout);
        let port = self.port();
        let mut state = port.lock();
        loop {
            let attention = self.core.attention();
            port.refresh(&self.core, &mut state);
            if state.current.is_some() {
                return Ok(true);
            }
            if !wait_for_change(&self.core, state.seen(), attention, deadline)? {
                return Ok(false);
            }
        }
    }

    /// For a program whose answers come when they like: at a flip the old lane ends only when the inputs that this output
    /// depends on have ended theirs and nothing was sent for this long (bounded by the route's drain). Until then those inputs
    /// deliver nothing from their next lanes.
    pub fn switch_after_quiet(&mut self, quiet: Duration) {
        self.port().leave_after(nanoseconds(quiet));
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.port().owned.store(false, Ordering::Release);
    }
}

enum Missed {
    Error(SendError),
    /// No room, or a declared rate that admits the frame from a time on.
    Until(Option<u64>),
}

pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

pub(crate) fn deadline_after(timeout: Duration) -> u64 {
    clock::now().saturating_add(nanoseconds(timeout))
}

/// Sleeps once until the epoch moves or attention is called; false when the time is over.
pub(crate) fn wait_for_change(core: &Core, seen: u64, attention: u32, deadline: u64) -> Result<bool, Error> {
    if core.closed() {
        return Err(Error::Closed);
    }
    if core.stopping() {
        return Err(Error::Stopping);
    }
    if clock::now() >= deadline {
        return Ok(false);
    }
    wait::sleep(&[core.watch_epoch(seen), core.watch_attention(attention)], deadline, true);
    Ok(true)
}
