//! The flip: staging two bindings for each driver, one compare-and-swap, and what is let go afterwards.
//!
//! `specs/Flip.tla`: `stage` and `seal` are the two barriers, `flip` is Flip and Undo, `settle` and `discard` end it.
use crate::error::{Refusal, Result};
use crate::keeper::Keeper;
use crate::limits::{REGION_BYTES_ALL, REGIONS, TRANSITIONS};
use crate::region::Region;
use crate::transition::{Phase, Staged, check_binding};
use rtt_control::driver::KeeperToDriver;
use rtt_control::inventory::InstanceState;
use rtt_control::lane::{Region as Spec, Transition};
use std::collections::{BTreeMap, BTreeSet};

impl Keeper {
    /// Makes the regions, uses up both epoch numbers, and shows each concerned driver its two bindings.
    pub fn stage(&mut self, transition: Transition) -> Result<()> {
        self.check_transition(&transition)?;
        let made = transition
            .regions
            .iter()
            .map(|spec| Region::create(spec.clone(), transition.id))
            .collect::<Result<Vec<Region>>>()?;
        self.last_epoch = transition.inverse;
        self.regions.extend(made.into_iter().map(|region| (region.spec.region, region)));
        let mut staged = Staged::new(transition);
        for binding in &staged.transition.bindings {
            let concerned = self.instances.get(&binding.instance).is_some_and(|each| each.control.is_some());
            if concerned {
                staged.unmapped.insert(binding.instance.clone());
            }
        }
        let concerned = staged.unmapped.clone();
        let id = staged.transition.id;
        self.transitions.insert(id, staged);
        let writes = self.transitions.get(&id).map(|staged| by_name(staged.regions_by(|region| &region.writer)));
        let mut writes = writes.unwrap_or_default();
        for instance in &concerned {
            self.owes(instance);
            self.show_binding(id, instance, &writes.remove(instance).unwrap_or_default());
        }
        self.tell_ended_lanes();
        Ok(())
    }

    fn check_transition(&self, transition: &Transition) -> Result<()> {
        let refuse = |code: &str, why: String| {
            Err(Refusal::new(code, format!("cannot stage transition {} because {why}", transition.id)))
        };
        if self.ending.is_some() {
            return refuse("keeper.ending", "the keeper is ending".to_owned());
        }
        if transition.id != transition.forward || transition.forward <= self.last_epoch.max(self.epoch.get()) {
            return refuse("keeper.epochUsed", format!("epochs up to {} are used", self.last_epoch));
        }
        if self.transitions.len() >= TRANSITIONS {
            return refuse("keeper.tooMany", format!("{TRANSITIONS} others are staged"));
        }
        let mut bytes: u64 = self.regions.values().map(|region| region.spec.bytes).sum();
        let mut made = BTreeMap::new();
        for region in &transition.regions {
            bytes = bytes.saturating_add(region.bytes);
            if made.insert(region.region, region).is_some() || self.regions.contains_key(&region.region) {
                return refuse("keeper.region", format!("region {} is there already", region.region));
            }
        }
        if self.regions.len() + transition.regions.len() > REGIONS || bytes > REGION_BYTES_ALL {
            return refuse("keeper.tooMany", "its regions are too many or too large".to_owned());
        }
        let mut bound = BTreeSet::new();
        for binding in &transition.bindings {
            if !bound.insert(&binding.instance) {
                return refuse("keeper.binding", format!("{} is bound twice", binding.instance));
            }
            let Some(instance) = self.instances.get(&binding.instance) else {
                return refuse("keeper.instance", format!("there is no instance {}", binding.instance));
            };
            if instance.state() == InstanceState::Starting && binding.must_acknowledge {
                return refuse("keeper.notParked", format!("{} has not parked", binding.instance));
            }
            check_binding(binding, |id| {
                made.get(&id).copied().or_else(|| self.regions.get(&id).map(|region| &region.spec))
            })?;
        }
        Ok(())
    }

    /// In parts that fit packets; descriptors of the regions that this driver writes go with them.
    fn show_binding(&mut self, id: u64, instance: &str, writes: &[Spec]) {
        let Some(staged) = self.transitions.get(&id) else { return };
        let Some(binding) = staged.binding(instance) else { return };
        let base = self.instances.get(instance).map_or(0, |each| each.in_force);
        let (forward, inverse) = (staged.transition.forward, staged.transition.inverse);
        let bindings = binding.parts();
        let mut regions = writes.chunks(rtt_control::limits::PART_LANES);
        let mut messages = Vec::new();
        for binding in bindings {
            let message =
                KeeperToDriver::Stage { id, binding, writes: Vec::new(), forward, inverse, base, last: false };
            messages.push((message, Vec::new()));
        }
        // A part of a binding may fill a packet alone, so that regions have packets of their own.
        let empty = rtt_control::lane::StagedBinding {
            instance: instance.to_owned(),
            must_acknowledge: binding.must_acknowledge,
            ..Default::default()
        };
        for chunk in regions.by_ref() {
            let descriptors = chunk.iter().filter_map(|spec| self.regions.get(&spec.region)).map(Region::writable);
            let (binding, writes) = (empty.clone(), chunk.to_vec());
            let message = KeeperToDriver::Stage { id, binding, writes, forward, inverse, base, last: false };
            messages.push((message, descriptors.collect()));
        }
        if let Some((KeeperToDriver::Stage { last, .. }, _)) = messages.last_mut() {
            *last = true;
        }
        for (message, descriptors) in messages {
            self.tell(instance, &message, descriptors);
        }
    }

    /// It was asked something that it has to answer.
    fn owes(&mut self, name: &str) {
        if let Some(instance) = self.instances.get_mut(name) {
            instance.claims.owed += 1;
        }
    }

    /// The second barrier: seals, checks, and hands read-only descriptors to readers.
    pub fn seal(&mut self, id: u64) -> Result<()> {
        let Some(staged) = self.transitions.get(&id) else {
            return Err(Refusal::new(
                "keeper.transition",
                format!("cannot seal transition {id} because there is none"),
            ));
        };
        if staged.phase != Phase::Staged {
            return Ok(());
        }
        let must = |name: &str| staged.binding(name).is_some_and(|binding| binding.must_acknowledge);
        if let Some(late) = staged.unmapped.iter().find(|name| must(name) && self.is_alive(name)) {
            return Err(Refusal::new(
                "keeper.notMapped",
                format!("cannot seal transition {id} because {late} has not mapped its regions"),
            ));
        }
        let regions: Vec<u64> = staged.transition.regions.iter().map(|region| region.region).collect();
        for region in regions {
            let Some(region) = self.regions.get_mut(&region) else { continue };
            if let Err(refusal) = region.seal() {
                let writer = region.spec.writer.clone();
                self.fail_driver(&writer, &refusal);
                return Err(refusal);
            }
        }
        self.hand_out(id);
        Ok(())
    }

    fn hand_out(&mut self, id: u64) {
        let Some(staged) = self.transitions.get_mut(&id) else { return };
        staged.phase = Phase::Sealed;
        let bound: Vec<String> = staged.transition.bindings.iter().map(|binding| binding.instance.clone()).collect();
        let mut reads = by_name(staged.regions_by(|region| &region.reader));
        for instance in bound {
            if !self.is_told(&instance) {
                continue;
            }
            if let Some(staged) = self.transitions.get_mut(&id) {
                staged.unready.insert(instance.clone());
            }
            self.owes(&instance);
            let reads = reads.remove(&instance).unwrap_or_default();
            let mut chunks: Vec<_> = reads.chunks(rtt_control::limits::PART_LANES).map(<[_]>::to_vec).collect();
            if chunks.is_empty() {
                chunks.push(Vec::new());
            }
            let parts = chunks.len();
            for (index, reads) in chunks.into_iter().enumerate() {
                let descriptors =
                    reads.iter().filter_map(|spec| self.regions.get(&spec.region)?.read_only()).collect::<Vec<_>>();
                let message = KeeperToDriver::HandOut { id, reads, last: index + 1 == parts };
                self.tell(&instance, &message, descriptors);
            }
        }
    }

    /// The flip and the flip back: one compare-and-swap, then the facts that follow from it.
    pub fn flip(&mut self, from: u64, to: u64) -> Result<()> {
        let refuse = |code: &str, why: String| {
            Err(Refusal::new(code, format!("cannot flip from epoch {from} to {to} because {why}")))
        };
        let Some(staged) = self.transitions.values().find(|staged| staged.leads_to(to)) else {
            return refuse("keeper.transition", "no staged transition leads there".to_owned());
        };
        let expected = if to == staged.transition.forward { staged.transition.from } else { staged.transition.forward };
        if from != expected || self.epoch.get() != from {
            return refuse("keeper.epoch", format!("epoch {} is in force", self.epoch.get()));
        }
        if staged.phase == Phase::Staged {
            return refuse("keeper.notSealed", "its regions are not sealed".to_owned());
        }
        let id = staged.transition.id;
        if let Err(found) = self.epoch.compare_and_swap(from, to) {
            return refuse("keeper.epoch", format!("epoch {found} is in force"));
        }
        self.follow_flip(id, to);
        Ok(())
    }

    /// Every living driver with a binding has its new lanes as a fact from here on, acknowledged or not.
    fn follow_flip(&mut self, id: u64, to: u64) {
        let Some(staged) = self.transitions.get_mut(&id) else { return };
        staged.phase = Phase::Flipped;
        let forward = to == staged.transition.forward;
        for binding in &staged.transition.bindings {
            let Some(instance) = self.instances.get_mut(&binding.instance).filter(|each| each.alive()) else {
                continue;
            };
            instance.lanes = if forward { binding.forward.clone() } else { binding.inverse.clone() };
            instance.in_force = to;
        }
        self.tell_ended_lanes();
    }

    /// Before a flip: the transition and its regions are forgotten; its epochs stay used.
    pub fn discard(&mut self, id: u64) -> Result<()> {
        let Some(staged) = self.transitions.get(&id) else { return Ok(()) };
        if staged.leads_to(self.epoch.get()) {
            return Err(Refusal::new(
                "keeper.inForce",
                format!("cannot discard transition {id} because its epoch {} is in force", self.epoch.get()),
            ));
        }
        let told: Vec<String> = staged.transition.bindings.iter().map(|binding| binding.instance.clone()).collect();
        self.transitions.remove(&id);
        self.let_go(Some(id));
        for instance in told {
            self.tell(&instance, &KeeperToDriver::Discard(id), Vec::new());
        }
        Ok(())
    }

    /// After commit: the way back is given up, and regions without lanes go.
    pub fn settle(&mut self, id: u64) -> Result<()> {
        let Some(staged) = self.transitions.get(&id) else { return Ok(()) };
        if !staged.leads_to(self.epoch.get()) {
            return Err(Refusal::new(
                "keeper.notInForce",
                format!("cannot settle transition {id} because epoch {} is in force", self.epoch.get()),
            ));
        }
        let mut told: BTreeSet<String> =
            staged.transition.bindings.iter().map(|binding| binding.instance.clone()).collect();
        self.transitions.remove(&id);
        let gone = self.let_go(None);
        self.forget_ended_lanes();
        told.extend(gone.iter().flat_map(|region| [region.spec.writer.clone(), region.spec.reader.clone()]));
        for instance in told {
            let of_it = |region: &&Region| region.spec.writer == instance || region.spec.reader == instance;
            let gone = gone.iter().filter(of_it).map(|region| region.spec.region).collect();
            self.tell(&instance, &KeeperToDriver::Settle { id, gone, in_force: self.epoch.get() }, Vec::new());
        }
        Ok(())
    }

    /// Drops regions that no lane of a known instance and no staged binding uses: all of them, or those of one transition.
    pub fn let_go(&mut self, only: Option<u64>) -> Vec<Region> {
        let mut used: BTreeSet<u64> = self.transitions.values().flat_map(Staged::uses).collect();
        let lanes = self.instances.values().flat_map(|instance| &instance.lanes);
        used.extend(lanes.flat_map(|lane| [lane.ring_region, lane.credit_region]));
        let goes = |region: &Region| {
            !used.contains(&region.spec.region) && only.is_none_or(|transition| region.transition == transition)
        };
        let gone: Vec<u64> =
            self.regions.values().filter(|region| goes(region)).map(|region| region.spec.region).collect();
        gone.iter().filter_map(|region| self.regions.remove(region)).collect()
    }

    /// Lanes that nothing names any more are not told of again.
    fn forget_ended_lanes(&mut self) {
        let mut named: BTreeSet<u64> = BTreeSet::new();
        for staged in self.transitions.values() {
            let lanes = staged.transition.bindings.iter().flat_map(|each| each.forward.iter().chain(&each.inverse));
            named.extend(lanes.map(|lane| lane.lane));
        }
        for instance in self.instances.values_mut() {
            let lanes = &instance.lanes;
            instance.told_ended.retain(|told| named.contains(told) || lanes.iter().any(|lane| lane.lane == *told));
        }
    }

    /// Told, once, is whoever has a lane of which the peer is dead. A consumer finds the last frame there already; a producer
    /// will send again what was not credited.
    pub fn tell_ended_lanes(&mut self) {
        let epoch = self.epoch.get();
        let mut told = Vec::new();
        for instance in self.instances.values().filter(|each| each.alive() && each.control.is_some()) {
            let staged = self.transitions.values().filter_map(|staged| staged.binding(&instance.name));
            let lanes =
                staged.flat_map(|binding| binding.forward.iter().chain(&binding.inverse)).chain(&instance.lanes);
            for lane in lanes {
                if !instance.told_ended.contains(&lane.lane) && !self.is_alive(&lane.peer) {
                    told.push((instance.name.clone(), lane.lane));
                }
            }
        }
        for (instance, lane) in told {
            let fresh = self.instances.get_mut(&instance).is_some_and(|each| each.told_ended.insert(lane));
            if fresh {
                self.tell(&instance, &KeeperToDriver::LaneEnded { lane, epoch }, Vec::new());
            }
        }
    }
}

fn by_name(regions: BTreeMap<&str, Vec<Spec>>) -> BTreeMap<String, Vec<Spec>> {
    regions.into_iter().map(|(name, regions)| (name.to_owned(), regions)).collect()
}
