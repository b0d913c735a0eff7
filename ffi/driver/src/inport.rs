//! An input between its owner and the control thread: who may touch its state, and how it goes through the steps.
use crate::core::Core;
use crate::limits::HEADERS_A_CALL;
use crate::reading::InState;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

pub struct InPort {
    pub name: String,
    pub owned: AtomicBool,
    /// Some lanes may be let go: said by the control thread, done by whoever holds the lock next.
    pub sweep: AtomicBool,
    state: Mutex<InState>,
    performed: AtomicU64,
    /// Whether lanes that were left early may still bring something.
    cut: AtomicBool,
    /// Steps before which nothing is left to handle: all frames from before were delivered, and their handler has returned.
    handled: AtomicU64,
}

impl InPort {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            owned: AtomicBool::new(false),
            sweep: AtomicBool::new(false),
            state: Mutex::default(),
            performed: AtomicU64::new(0),
            handled: AtomicU64::new(0),
            cut: AtomicBool::new(false),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, InState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// None while its owner is inside.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, InState>> {
        match self.state.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    pub fn performed(&self) -> u64 {
        self.performed.load(Ordering::Acquire)
    }

    pub fn handled(&self) -> u64 {
        self.handled.load(Ordering::Acquire)
    }

    /// The owner's look at the epoch: begins, goes on with or ends the steps that are laid down.
    #[inline]
    pub fn refresh(&self, core: &Core, state: &mut InState) {
        let epoch = core.epoch();
        if epoch != state.seen {
            state.seen = epoch;
            core.advance(epoch);
        }
        if state.performed != core.steps() {
            self.perform(core, state, false);
        }
        if !state.cut.is_empty() {
            self.discard(state, HEADERS_A_CALL);
        }
    }

    /// For lanes that were left early; true while there are any.
    pub fn discard(&self, state: &mut InState, most: u32) -> bool {
        state.discard(most);
        let more = !state.cut.is_empty();
        self.cut.store(more, Ordering::Release);
        more
    }

    pub fn has_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }

    /// Goes through the steps as far as their lanes have ended. With `drain`, frames of ending lanes are taken into the
    /// backlog: for an owner who is outside. True: all steps are performed.
    #[cold]
    pub fn perform(&self, core: &Core, state: &mut InState, drain: bool) -> bool {
        let before = state.performed;
        while let Some(step) = core.step(state.performed) {
            if state.leaving.is_none() {
                let next = step.lanes.get(&self.name).cloned().unwrap_or_default();
                state.begin(core, step.epoch, next);
            }
            if !state.ended_all(core, drain) {
                break;
            }
            if let Some(leaving) = state.leaving.take() {
                state.active = leaving.next;
            }
            for lane in &state.active {
                if let Some(lane) = state.lanes.get(lane) {
                    lane.consumer.acknowledge(step.epoch);
                }
            }
            state.performed += 1;
            state.last_epoch = step.epoch;
            self.performed.store(state.performed, Ordering::Release);
        }
        self.note_handled(core, state);
        self.cut.store(!state.cut.is_empty(), Ordering::Release);
        if state.performed > before {
            core.call_control();
        }
        state.performed == core.steps()
    }

    /// Once nothing from before the last step is left to handle, outputs that depend on it may end their lanes.
    fn note_handled(&self, core: &Core, state: &InState) {
        let nothing_left = state.outstanding.is_none() && state.backlog.is_empty();
        if nothing_left && self.handled.swap(state.performed, Ordering::AcqRel) != state.performed {
            core.call_control();
        }
    }

    /// The owner has handled its last frame: its credit goes back.
    #[inline]
    pub fn finish(&self, core: &Core, state: &mut InState) {
        let Some(lane) = state.outstanding.take() else { return };
        if let Some(lane) = state.lanes.get_mut(&lane) {
            lane.consumer.done();
        }
        if self.handled.load(Ordering::Relaxed) != state.performed {
            self.note_handled(core, state);
        }
    }

    /// Lets go of lanes that nothing can lead back to, if the control thread said so.
    pub fn forget(&self, core: &Core, state: &mut InState) {
        if self.sweep.swap(false, Ordering::AcqRel) {
            state.retain(core);
        }
    }
}
