//! Performing staged transitions.
//!
//! A transition leads from one of this driver's bindings (`base`) to another (`forward`), and maybe on (`inverse`). The epoch
//! word says where the host is; since other drivers' transitions move it too, and this process may have slept over several, the
//! way there is found from what was staged and settled, and laid down as a row of steps. Every endpoint performs every step, in
//! order, at its own time; the row is the same for all.
use crate::ends::{End, Regions};
use rtt_control::lane::{LaneSpec, StagedBinding};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// The lanes of every endpoint once `epoch` is performed.
#[derive(Debug)]
pub struct Step {
    pub epoch: u64,
    pub lanes: BTreeMap<String, Vec<u64>>,
}

#[derive(Debug)]
struct Staged {
    id: u64,
    base: u64,
    forward: u64,
    inverse: u64,
    binding: StagedBinding,
    /// All its lanes are mapped: from then on the epoch may be there.
    ready: bool,
    /// Which of its two epochs lasts, when the keeper has said so.
    settled: Option<u64>,
}

/// What this driver was shown, and the steps laid down so far.
#[derive(Debug, Default)]
pub struct Bindings {
    /// The epoch of the last step laid down; 0 before the first.
    current: u64,
    transitions: Vec<Staged>,
    steps: VecDeque<Arc<Step>>,
    /// Steps that were forgotten because all endpoints have performed them.
    forgotten: u64,
    pub regions: Regions,
    /// Lane ends that are ready and that no endpoint has taken yet.
    ends: BTreeMap<u64, End>,
    /// Lanes that have an end here, taken or not.
    made: BTreeSet<u64>,
}

impl Bindings {
    /// A transition, whole. `base` 0 is "not said" for a driver that has been bound before.
    pub fn stage(&mut self, id: u64, base: u64, forward: u64, inverse: u64, binding: StagedBinding) {
        let base = if base == 0 { self.transitions.last().map_or(self.current, Staged::likely) } else { base };
        self.transitions.push(Staged { id, base, forward, inverse, binding, ready: false, settled: None });
    }

    pub fn staged(&self) -> usize {
        self.transitions.len()
    }

    /// The lanes of a transition that have no end here yet, each once.
    pub fn missing(&self, id: u64) -> Vec<LaneSpec> {
        let mut missing: BTreeMap<u64, LaneSpec> = BTreeMap::new();
        for staged in self.transitions.iter().filter(|staged| staged.id == id) {
            for lane in staged.binding.forward.iter().chain(&staged.binding.inverse) {
                if !self.made.contains(&lane.lane) {
                    missing.entry(lane.lane).or_insert_with(|| lane.clone());
                }
            }
        }
        missing.into_values().collect()
    }

    pub fn put(&mut self, lane: u64, end: End) {
        self.made.insert(lane);
        self.ends.insert(lane, end);
    }

    /// The end of a lane that an endpoint is about to use for the first time.
    pub fn take(&mut self, lane: u64) -> Option<End> {
        self.ends.remove(&lane)
    }

    pub fn ready(&mut self, id: u64) {
        for staged in self.transitions.iter_mut().filter(|staged| staged.id == id) {
            staged.ready = true;
        }
    }

    /// Whether some transition still waits for descriptors.
    pub fn awaits_regions(&self) -> bool {
        self.transitions.iter().any(|staged| !staged.ready)
    }

    /// Before its flip: it will never be.
    pub fn discard(&mut self, id: u64) {
        self.transitions.retain(|staged| staged.id != id);
    }

    /// It is decided: `in_force` is one of its epochs, or 0 for "as it stands".
    pub fn settle(&mut self, id: u64, in_force: u64) {
        for staged in self.transitions.iter_mut().filter(|staged| staged.id == id) {
            let known = in_force == staged.forward || in_force == staged.inverse;
            let stands = if self.current == staged.inverse { staged.inverse } else { staged.forward };
            staged.settled = Some(if known { in_force } else { stands });
        }
        self.advance(0);
        let current = self.current;
        // One that was never ready here (its flip was not this driver's affair any more) would block the way for good.
        self.transitions.retain(|staged| staged.settled.is_none_or(|settled| settled != current && staged.ready));
    }

    /// Lays down the steps to the epoch that was seen. An epoch of other drivers' transitions adds none. True: there are new ones.
    pub fn advance(&mut self, seen: u64) -> bool {
        let before = self.laid_down();
        while let Some((epoch, lanes)) = self.next_step(seen) {
            let mut of_endpoint: BTreeMap<String, Vec<u64>> = BTreeMap::new();
            for lane in lanes {
                of_endpoint.entry(lane.endpoint.clone()).or_default().push(lane.lane);
            }
            self.steps.push_back(Arc::new(Step { epoch, lanes: of_endpoint }));
            self.current = epoch;
        }
        self.laid_down() > before
    }

    fn next_step(&self, seen: u64) -> Option<(u64, &[LaneSpec])> {
        // Where the host is known to be or to have been: the word, what was settled, what later transitions start from.
        let known = |epoch: u64| {
            epoch == seen || self.transitions.iter().any(|other| other.settled == Some(epoch) || other.base == epoch)
        };
        self.transitions.iter().filter(|staged| staged.ready).find_map(|staged| {
            let Staged { base, forward, inverse, binding, .. } = staged;
            if *base == self.current && (known(*forward) || known(*inverse)) {
                Some((*forward, binding.forward.as_slice()))
            } else if *forward == self.current && known(*inverse) {
                Some((*inverse, binding.inverse.as_slice()))
            } else {
                None
            }
        })
    }

    /// Steps ever laid down.
    pub fn laid_down(&self) -> u64 {
        self.forgotten + self.steps.len() as u64
    }

    pub fn step(&self, number: u64) -> Option<Arc<Step>> {
        let index = usize::try_from(number.checked_sub(self.forgotten)?).ok()?;
        self.steps.get(index).cloned()
    }

    /// The epoch of the last of `performed` steps.
    pub fn epoch_of(&self, performed: u64) -> Option<u64> {
        self.step(performed.checked_sub(1)?).map(|step| step.epoch)
    }

    /// Forgets what all endpoints have left behind; says which lanes may still be used (again): those in force, and those of
    /// both bindings of what is not settled.
    pub fn forget(&mut self, performed: u64) -> BTreeSet<u64> {
        // The last performed step stays: it names the lanes in force.
        while self.forgotten + 1 < performed && self.steps.len() > 1 {
            self.steps.pop_front();
            self.forgotten += 1;
        }
        let staged =
            self.transitions.iter().flat_map(|staged| staged.binding.forward.iter().chain(&staged.binding.inverse));
        let mut kept: BTreeSet<u64> = staged.map(|lane| lane.lane).collect();
        kept.extend(self.steps.iter().flat_map(|step| step.lanes.values().flatten().copied()));
        self.ends.retain(|lane, _| kept.contains(lane));
        self.made.retain(|lane| kept.contains(lane));
        kept
    }
}

impl Staged {
    /// What a later transition starts from, if its `base` does not say.
    fn likely(&self) -> u64 {
        self.settled.unwrap_or(self.forward)
    }
}
