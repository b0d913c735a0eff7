//! An output's state: the lane it sends on, those it may come back to, and how it leaves one.
use crate::core::Core;
use crate::ends::{End, OutLane};
use crate::limits::{AGAIN_BYTES, AGAIN_FRAMES};
use rtt_lane::layout::{Drop, flag};
use rtt_lane::{Refused, Uncredited, clock};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

pub struct OutPort {
    pub name: String,
    /// Indices of the inputs that its frames depend on.
    depends_on: Vec<usize>,
    /// Whether it leaves a lane only after a silence.
    quiet: AtomicBool,
    pub owned: AtomicBool,
    /// Some lanes may be let go: said by the control thread, done by whoever holds the lock next.
    pub sweep: AtomicBool,
    state: Mutex<OutState>,
    /// Steps performed.
    performed: AtomicU64,
}

#[derive(Debug, Default)]
pub struct OutState {
    pub current: Option<Box<OutLane>>,
    /// Lanes that it left and may come back to, at the position they had.
    left: BTreeMap<u64, Box<OutLane>>,
    performed: u64,
    /// The epoch word when it was looked at last.
    seen: u64,
    /// The id of the next frame, over all lanes.
    pub next_id: u64,
    quiet_ns: u64,
    pub sent_at: u64,
    /// When the step that is next was first asked for.
    asked_at: Option<u64>,
    /// When the inputs of that step had ended.
    inputs_ended_at: Option<u64>,
    cut: Option<Cut>,
    /// What dead consumers have not credited and no lane has had room for yet: it goes out before any newer frame.
    again: VecDeque<Uncredited>,
}

/// A lane that was left for none because the drain's bound passed, with answers to the step's old inputs still to come. Were
/// the output to open a lane again before those inputs have ended, the answers would be behind the `SWITCH` and be delivered
/// after newer ones of another driver.
#[derive(Debug)]
struct Cut {
    step: u64,
    lane: u64,
}

impl OutPort {
    pub fn new(name: &str, depends_on: Vec<usize>) -> Self {
        Self {
            name: name.to_owned(),
            depends_on,
            quiet: AtomicBool::new(false),
            owned: AtomicBool::new(false),
            sweep: AtomicBool::new(false),
            state: Mutex::default(),
            performed: AtomicU64::new(0),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, OutState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// None while its owner is inside.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, OutState>> {
        match self.state.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    pub fn leave_after(&self, quiet_ns: u64) {
        self.lock().quiet_ns = quiet_ns;
        self.quiet.store(quiet_ns > 0, Ordering::Release);
    }

    /// Whether an input that has performed so many steps must wait: were its next frames handled now, their answers would
    /// break the silence that this output waits for before it leaves its lane.
    pub fn holds_back(&self, input: usize, performed: u64) -> bool {
        self.quiet.load(Ordering::Acquire) && self.depends_on.contains(&input) && self.performed() < performed
    }

    pub fn performed(&self) -> u64 {
        self.performed.load(Ordering::Acquire)
    }

    /// The owner's look at the epoch, and all steps that may be performed now. False: some wait for inputs or for silence.
    #[inline]
    pub fn refresh(&self, core: &Core, state: &mut OutState) -> bool {
        let epoch = core.epoch();
        if epoch != state.seen {
            state.seen = epoch;
            core.advance(epoch);
        }
        state.performed == core.steps() || self.perform(core, state)
    }

    /// Performs the steps that are laid down, in order, as far as they may be.
    #[cold]
    pub fn perform(&self, core: &Core, state: &mut OutState) -> bool {
        let before = state.performed;
        while let Some(step) = core.step(state.performed) {
            let next = step.lanes.get(&self.name).and_then(|lanes| lanes.first()).copied();
            let current = state.current.as_ref().map(|lane| lane.spec.lane);
            if next != current {
                if !self.may_leave(core, state, next.is_none()) || next.is_some() && self.is_cut(core, state) {
                    break;
                }
                if let Some(mut lane) = state.current.take() {
                    if core.has_ended(lane.spec.lane) {
                        state.take_back(&mut lane);
                    }
                    // Without room its consumer goes on when it has drained for long enough.
                    lane.producer.switch(step.epoch);
                    lane.producer.acknowledge(step.epoch);
                    state.left.insert(lane.spec.lane, lane);
                }
                state.current = next.and_then(|lane| match state.left.remove(&lane) {
                    Some(lane) => Some(lane),
                    None => match core.take_end(lane) {
                        Some(End::Out(lane)) => Some(lane),
                        _ => None,
                    },
                });
            }
            state.send_again();
            if let Some(lane) = &state.current {
                lane.producer.acknowledge(step.epoch);
            }
            state.performed += 1;
            state.asked_at = None;
            state.inputs_ended_at = None;
            self.performed.store(state.performed, Ordering::Release);
        }
        if state.performed > before {
            core.call_control();
            if self.quiet.load(Ordering::Acquire) {
                core.call_attention();
            }
        }
        state.performed == core.steps()
    }

    /// Whether the lane may end now: its inputs have ended theirs and their handler has returned, and (for a program that
    /// answers when it likes) it has been silent since. The route's drain bounds the wait.
    fn may_leave(&self, core: &Core, state: &mut OutState, for_none: bool) -> bool {
        let Some(lane) = &state.current else { return true };
        if self.depends_on.is_empty() && state.quiet_ns == 0 {
            return true;
        }
        let now = clock::now();
        let asked_at = *state.asked_at.get_or_insert(now);
        let over = now.saturating_sub(asked_at) >= lane.spec.drain_within_ns;
        if !self.inputs_ended(core, state.performed) {
            if over && for_none {
                state.cut = Some(Cut { step: state.performed, lane: lane.spec.lane });
            }
            return over;
        }
        if over {
            return true;
        }
        let ended_at = *state.inputs_ended_at.get_or_insert(now);
        now.saturating_sub(ended_at.max(state.sent_at)) >= state.quiet_ns
    }

    fn inputs_ended(&self, core: &Core, step: u64) -> bool {
        self.depends_on.iter().all(|input| core.ins[*input].handled() > step)
    }

    /// Whether answers to inputs from before a cut may still come.
    fn is_cut(&self, core: &Core, state: &mut OutState) -> bool {
        if state.cut.as_ref().is_some_and(|cut| self.inputs_ended(core, cut.step)) {
            state.cut = None;
        }
        state.cut.is_some()
    }

    /// An answer that comes after its lane was cut is counted there.
    pub fn count_late(&self, core: &Core, state: &mut OutState) {
        if self.is_cut(core, state)
            && let Some(cut) = &state.cut
            && let Some(lane) = state.left.get_mut(&cut.lane)
        {
            lane.producer.count(Drop::Superseded);
        }
    }

    /// Lets go of lanes that nothing can lead back to, if the control thread said so.
    pub fn forget(&self, core: &Core, state: &mut OutState) {
        if self.sweep.swap(false, Ordering::AcqRel) {
            state.left.retain(|lane, _| core.is_kept(*lane));
        }
    }
}

impl OutState {
    /// The consumer is dead: its frames go where the next ones will. At least once, since it may have handled some of them.
    fn take_back(&mut self, lane: &mut OutLane) {
        // What waits still is newer than what went out on this lane.
        let waiting = std::mem::take(&mut self.again);
        let mut bytes = 0;
        for frame in lane.producer.take_uncredited().into_iter().chain(waiting) {
            bytes += frame.payload.len();
            if bytes > AGAIN_BYTES || self.again.len() >= AGAIN_FRAMES {
                lane.producer.count(Drop::Superseded);
            } else {
                self.again.push_back(frame);
            }
        }
    }

    /// As many of them as there is room for. False: some wait still.
    pub fn send_again(&mut self) -> bool {
        let Some(lane) = self.current.as_mut() else { return self.again.is_empty() };
        while let Some(Uncredited { frame_id, stamp, payload }) = self.again.front() {
            match lane.producer.send(lane.spec.route_id, *frame_id, flag::RESENT, *stamp, payload) {
                Ok(()) => {}
                Err(Refused::Full) => return false,
                Err(Refused::TooLarge { .. }) => lane.producer.count(Drop::TooLarge),
            }
            self.again.pop_front();
        }
        true
    }

    /// The epoch word as it was looked at last.
    pub fn seen(&self) -> u64 {
        self.seen
    }
}
