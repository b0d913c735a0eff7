//! The receiving endpoint as its owner sees it.
use crate::core::Core;
use crate::error::Error;
use crate::frame::{Frame, FrameInfo};
use crate::inport::InPort;
use crate::output::{deadline_after, wait_for_change};
use crate::reading::InState;
use rtt_lane::clock;
use rtt_lane::layout::HEADER_BYTES;
use rtt_lane::limits::{SPIN_NS_MAX, SPINS_PER_LOOK};
use rtt_lane::wait::{self, Watch};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// An input of this driver. It has one owner; dropping it gives it back.
///
/// A frame's credit goes back to its producer at the next call of `receive`, `receive_into`, `latest` or `done`; until then
/// the frame counts as being handled, and outputs that depend on this input do not leave their lanes at a flip.
pub struct Input {
    core: Arc<Core>,
    index: usize,
}

/// Where a frame waits.
enum Found {
    Backlog,
    Lane { lane: u64, bytes: usize },
}

/// What one call took and found corrupt. As much as a ring holds is passed over on the way to a good frame; after that the
/// deadline counts, since a ring of nothing else has no end.
#[derive(Default)]
struct Spoilt {
    bytes: u64,
}

impl Spoilt {
    fn too_many(&mut self, state: &InState, lane: u64, payload: usize) -> bool {
        self.bytes += (HEADER_BYTES + payload) as u64;
        state.lane(lane).is_none_or(|lane| self.bytes >= lane.spec.ring_bytes)
    }
}

impl Input {
    pub(crate) fn new(core: Arc<Core>, index: usize) -> Self {
        Self { core, index }
    }

    fn port(&self) -> &InPort {
        &self.core.ins[self.index]
    }

    pub fn name(&self) -> &str {
        &self.port().name
    }

    /// The next frame, in order; None when the time is over. After `stop`, what is there is still delivered.
    pub fn receive(&mut self, timeout: Duration) -> Result<Option<Frame>, Error> {
        let port = self.port();
        let mut state = port.lock();
        port.finish(&self.core, &mut state);
        let deadline = deadline_after(timeout);
        let mut spoilt = Spoilt::default();
        loop {
            match self.find(&mut state, deadline)? {
                None => return Ok(None),
                Some(Found::Backlog) => return Ok(state.deliver_backlog()),
                Some(Found::Lane { lane, bytes }) => {
                    let mut payload = vec![0; bytes];
                    if let Some(info) = state.take(lane, &mut payload) {
                        state.deliver(lane);
                        return Ok(Some(Frame { payload, info }));
                    }
                    if spoilt.too_many(&state, lane, bytes) && self.is_over(deadline)? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// The same into the caller's buffer, without allocating. A frame larger than the buffer stays where it is.
    pub fn receive_into(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<Option<FrameInfo>, Error> {
        let port = self.port();
        let mut state = port.lock();
        port.finish(&self.core, &mut state);
        let deadline = deadline_after(timeout);
        let mut spoilt = Spoilt::default();
        loop {
            let found = match self.find(&mut state, deadline)? {
                None => return Ok(None),
                Some(found) => found,
            };
            let needed = match found {
                Found::Backlog => state.backlog.next_bytes().unwrap_or(0),
                Found::Lane { bytes, .. } => bytes,
            };
            let Some(into) = buffer.get_mut(..needed) else { return Err(Error::BufferTooSmall { needed }) };
            match found {
                Found::Backlog => {
                    if let Some(frame) = state.deliver_backlog() {
                        into.copy_from_slice(&frame.payload);
                        return Ok(Some(frame.info));
                    }
                }
                Found::Lane { lane, bytes } => {
                    if let Some(info) = state.take(lane, into) {
                        state.deliver(lane);
                        return Ok(Some(info));
                    }
                    if spoilt.too_many(&state, lane, bytes) && self.is_over(deadline)? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// The newest frame that is there, or None; older ones count as received. Never waits: what comes while it looks is not
    /// waited for, however fast it comes.
    pub fn latest(&mut self) -> Result<Option<Frame>, Error> {
        let most = self.port().lock().most_frames();
        let mut newest = None;
        for _ in 0..=most {
            match self.receive(Duration::ZERO)? {
                Some(frame) => newest = Some(frame),
                None => break,
            }
        }
        // The newest frame's credit goes back too: it is a copy.
        self.done();
        Ok(newest)
    }

    /// Says that the last frame is handled: gives its credit back now.
    pub fn done(&mut self) {
        let port = self.port();
        let mut state = port.lock();
        port.finish(&self.core, &mut state);
    }

    /// Whether the input has a lane now.
    pub fn is_bound(&mut self) -> bool {
        let port = self.port();
        let mut state = port.lock();
        port.refresh(&self.core, &mut state);
        !state.active.is_empty()
    }

    /// Waits until the input has a lane; false when the time is over.
    pub fn wait_bound(&mut self, timeout: Duration) -> Result<bool, Error> {
        let deadline = deadline_after(timeout);
        let port = self.port();
        let mut state = port.lock();
        loop {
            let attention = self.core.attention();
            port.refresh(&self.core, &mut state);
            if !state.active.is_empty() {
                return Ok(true);
            }
            if !wait_for_change(&self.core, state.seen(), attention, deadline.min(state.drain_deadline()))?
                && clock::now() >= deadline
            {
                return Ok(false);
            }
        }
    }

    /// Waits for a frame, performing transitions meanwhile.
    fn find(&self, state: &mut InState, deadline: u64) -> Result<Option<Found>, Error> {
        let core = &*self.core;
        let mut spin_until = None;
        loop {
            let attention = core.attention();
            self.port().refresh(core, state);
            if !state.backlog.is_empty() {
                return Ok(Some(Found::Backlog));
            }
            let held_back = self.held_back();
            if !held_back && let Some((lane, bytes)) = state.poll(core) {
                return Ok(Some(Found::Lane { lane, bytes }));
            }
            // Ends that `poll` met may have finished the step under way: the next binding's lanes come next.
            let performed = self.port().performed();
            self.port().refresh(core, state);
            if self.port().performed() != performed {
                continue;
            }
            if self.is_over(deadline)? {
                return Ok(None);
            }
            if held_back {
                wait::sleep(&[core.watch_epoch(state.seen()), core.watch_attention(attention)], deadline, true);
                continue;
            }
            let spin_ns = state.spin_ns().min(SPIN_NS_MAX);
            let now = clock::now();
            if spin_ns > 0 && now < *spin_until.get_or_insert(now.saturating_add(spin_ns)) {
                for _ in 0..SPINS_PER_LOOK {
                    std::hint::spin_loop();
                }
                continue;
            }
            self.port().forget(core, state);
            self.sleep(state, attention, deadline.min(state.drain_deadline()));
        }
    }

    /// Whether there is nothing to wait for any more.
    fn is_over(&self, deadline: u64) -> Result<bool, Error> {
        if self.core.closed() {
            return Err(Error::Closed);
        }
        if self.core.stopping() {
            return Err(Error::Stopping);
        }
        Ok(clock::now() >= deadline)
    }

    fn held_back(&self) -> bool {
        let performed = self.port().performed();
        self.core.outs.iter().any(|output| output.holds_back(self.index, performed))
    }

    /// Sleeps until a lane has a frame, the epoch moves, attention is called or the time is over.
    fn sleep(&self, state: &mut InState, attention: u32, until: u64) {
        let core = &*self.core;
        let lanes = state.watched();
        let set_asleep = |state: &InState, asleep: bool| {
            for lane in &lanes {
                if let Some(lane) = state.lane(*lane) {
                    lane.consumer.set_asleep(asleep);
                }
            }
        };
        set_asleep(state, true);
        let fenced = wait::sleeper_fence();
        if let Some(quiet) = state.quiet_lanes(core)
            && core.epoch() == state.seen()
            && core.attention() == attention
        {
            let mut watches: Vec<Watch<'_>> = Vec::with_capacity(quiet.len() + 2);
            watches.extend(quiet.iter().filter_map(|lane| state.lane(*lane)).map(|lane| lane.consumer.watch()));
            watches.push(core.watch_epoch(state.seen()));
            watches.push(core.watch_attention(attention));
            wait::sleep(&watches, until, fenced);
        }
        set_asleep(state, false);
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.port().owned.store(false, Ordering::Release);
    }
}
