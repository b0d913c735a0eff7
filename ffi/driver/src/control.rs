//! The control thread: reads the keeper's messages, maps regions, and performs steps for endpoints whose owners are busy
//! elsewhere, so that an idle driver acknowledges too.
use crate::core::Core;
use crate::limits::{HEADERS_A_LOOK, LANES_OF_AN_INPUT, TRANSITIONS, TURN_NS, TURN_NS_MAX};
use rtt_control::driver::{DriverToKeeper, KeeperToDriver};
use rtt_control::lane::{Region, StagedBinding};
use rtt_control::packet::{self, Mode, Packet};
use rtt_lane::{LaneError, clock, wait};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub struct Control {
    core: Arc<Core>,
    /// Parts of a transition that is not complete yet.
    partial: Option<(u64, StagedBinding)>,
    /// Steps that the keeper knows to be performed.
    acknowledged: u64,
    turn_ns: u64,
}

/// What the thread has to do before it may sleep for long.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Busy {
    /// Nothing staged: only a message can bring something.
    No,
    /// Descriptors are awaited: a message will bring them, and the epoch may still move for an earlier transition.
    Messages,
    /// The epoch may move, or endpoints still have steps to perform.
    Epoch,
}

impl Control {
    pub fn new(core: Arc<Core>) -> Self {
        Self { core, partial: None, acknowledged: 0, turn_ns: TURN_NS }
    }

    /// Runs until the keeper is gone or the driver is closed.
    pub fn run(mut self, early: Vec<Packet>) {
        for packet in early {
            self.take(packet);
        }
        while !self.core.closed() {
            let seen = self.core.control();
            if !self.read_all() {
                break;
            }
            let epoch = self.core.epoch();
            self.core.advance(epoch);
            let all = self.perform();
            self.sleep(epoch, seen, all);
        }
        self.core.close();
    }

    /// All messages that are there. False: there will be none.
    fn read_all(&mut self) -> bool {
        loop {
            match packet::receive(&self.core.socket, Mode::Try) {
                Ok(packet) => {
                    self.turn_ns = TURN_NS;
                    self.take(packet);
                }
                Err(error) if error.would_block() => return true,
                Err(_) => return false,
            }
        }
    }

    fn take(&mut self, packet: Packet) {
        let done = match KeeperToDriver::from_bytes(&packet.bytes) {
            Ok(message) => self.handle(message, &packet.descriptors),
            Err(error) => Err(LaneError::new(error.code, error.message)),
        };
        if let Err(error) = done {
            self.tell(&DriverToKeeper::Failed { code: error.code.into(), message: error.message });
        }
    }

    /// A keeper that is gone is noticed by the next read.
    fn tell(&self, message: &DriverToKeeper) {
        let _ = self.core.tell(message);
    }

    fn handle(&mut self, message: KeeperToDriver, descriptors: &[OwnedFd]) -> Result<(), LaneError> {
        match message {
            KeeperToDriver::Stage { id, binding, writes, forward, inverse, base, last } => {
                self.map(&writes, descriptors, true)?;
                match &mut self.partial {
                    Some((earlier, whole)) if *earlier == id => whole.append(binding),
                    _ => self.partial = Some((id, binding)),
                }
                if last && let Some((_, binding)) = self.partial.take() {
                    self.stage(id, base, forward, inverse, binding)?;
                    self.tell(&DriverToKeeper::Mapped(id));
                }
                Ok(())
            }
            KeeperToDriver::HandOut { id, reads, last } => {
                self.map(&reads, descriptors, false)?;
                if last {
                    self.make_ends(id)?;
                    self.tell(&DriverToKeeper::Ready(id));
                }
                Ok(())
            }
            KeeperToDriver::Discard(id) => {
                self.partial = None;
                self.core.bindings().discard(id);
                self.forget();
                Ok(())
            }
            KeeperToDriver::Settle { id, gone, in_force } => {
                let mut bindings = self.core.bindings();
                bindings.settle(id, in_force);
                for region in gone {
                    bindings.regions.forget(region);
                }
                self.core.publish_steps(bindings);
                self.forget();
                Ok(())
            }
            KeeperToDriver::LaneEnded { lane, .. } => {
                self.core.end_lane(lane);
                Ok(())
            }
            KeeperToDriver::Stop => {
                self.core.stop();
                Ok(())
            }
            // Late answers of the handshake.
            KeeperToDriver::Welcome(_) | KeeperToDriver::Opened { .. } => Ok(()),
        }
    }

    fn map(&self, regions: &[Region], descriptors: &[OwnedFd], writable: bool) -> Result<(), LaneError> {
        if regions.len() != descriptors.len() {
            let why = format!("{} descriptors came for {} regions", descriptors.len(), regions.len());
            return Err(LaneError::new("driver.descriptors", format!("cannot map the regions because {why}")));
        }
        let mut bindings = self.core.bindings();
        for (region, descriptor) in regions.iter().zip(descriptors) {
            if writable {
                bindings.regions.map_writable(region, descriptor)?;
            } else {
                bindings.regions.map_readable(region, descriptor)?;
            }
        }
        Ok(())
    }

    fn stage(&self, id: u64, base: u64, forward: u64, inverse: u64, binding: StagedBinding) -> Result<(), LaneError> {
        self.check(&binding)?;
        let mut bindings = self.core.bindings();
        if bindings.staged() >= TRANSITIONS {
            let why = format!("{TRANSITIONS} are staged and neither settled nor discarded");
            return Err(LaneError::new("driver.transitions", format!("cannot stage a transition because {why}")));
        }
        self.core.keep_also(binding.forward.iter().chain(&binding.inverse).map(|lane| lane.lane));
        bindings.stage(id, base, forward, inverse, binding);
        // A binding that adds no lane waits for no descriptor.
        if bindings.missing(id).is_empty() {
            bindings.ready(id);
        }
        Ok(())
    }

    /// Every lane is at an endpoint of its direction, an output has one at a time, and an input no more than it can sleep on.
    fn check(&self, binding: &StagedBinding) -> Result<(), LaneError> {
        use rtt_control::lane::Side;
        let refused =
            |why: String| Err(LaneError::new("driver.binding", format!("cannot stage a binding because {why}")));
        if binding.instance != self.core.welcome.instance {
            return refused(format!("it is for {}", binding.instance));
        }
        for lanes in [&binding.forward, &binding.inverse] {
            let mut used = BTreeSet::new();
            let mut of_input: BTreeMap<&str, usize> = BTreeMap::new();
            for lane in lanes {
                let (known, noun) = match lane.side {
                    Side::Producer => (self.core.outs.iter().any(|port| port.name == lane.endpoint), "output"),
                    Side::Consumer => (self.core.ins.iter().any(|port| port.name == lane.endpoint), "input"),
                };
                if !known {
                    return refused(format!("the manifest has no {noun} {}", lane.endpoint));
                }
                if !used.insert((lane.endpoint.as_str(), lane.lane)) {
                    return refused(format!("lane {} is in it twice", lane.lane));
                }
                if lane.side == Side::Producer
                    && lanes.iter().any(|other| other.endpoint == lane.endpoint && other.lane != lane.lane)
                {
                    return refused(format!("the output {} would have two lanes", lane.endpoint));
                }
                if lane.side == Side::Consumer {
                    let read = of_input.entry(&lane.endpoint).or_default();
                    *read += 1;
                    if *read > LANES_OF_AN_INPUT {
                        let why = format!("the input {} would read more than {LANES_OF_AN_INPUT} lanes", lane.endpoint);
                        return refused(why);
                    }
                }
            }
        }
        Ok(())
    }

    fn make_ends(&self, id: u64) -> Result<(), LaneError> {
        let mut bindings = self.core.bindings();
        for lane in bindings.missing(id) {
            let end = bindings.regions.end(&lane)?;
            bindings.put(lane.lane, end);
        }
        bindings.ready(id);
        Ok(())
    }

    /// Performs what endpoints may perform now, for owners who are outside, and tells the keeper. True: nothing is left.
    fn perform(&mut self) -> bool {
        let core = &*self.core;
        let laid_down = core.steps();
        let mut behind = false;
        // Inputs first: outputs may depend on them.
        for port in core.ins.iter().filter(|port| port.performed() < laid_down) {
            match port.try_lock() {
                Some(mut state) => {
                    port.perform(core, &mut state, true);
                }
                None => behind = true,
            }
        }
        // An owner who is inside does this itself when something comes.
        for port in core.ins.iter().filter(|port| port.has_cut()) {
            if let Some(mut state) = port.try_lock() {
                port.discard(&mut state, HEADERS_A_LOOK);
            }
        }
        for port in core.outs.iter().filter(|port| port.performed() < laid_down) {
            match port.try_lock() {
                Some(mut state) => {
                    port.perform(core, &mut state);
                }
                None => behind = true,
            }
        }
        if behind {
            // Their owners are inside: they may sleep on a lane that does not move.
            core.call_attention();
        }
        let performed = self.performed();
        if performed > self.acknowledged {
            self.acknowledged = performed;
            let epoch = core.bindings().epoch_of(performed);
            if let Some(epoch) = epoch {
                self.tell(&DriverToKeeper::Acknowledged(epoch));
            }
            self.forget();
        }
        performed == laid_down
    }

    fn performed(&self) -> u64 {
        let outs = self.core.outs.iter().map(|port| port.performed());
        outs.chain(self.core.ins.iter().map(|port| port.performed())).min().unwrap_or_else(|| self.core.steps())
    }

    /// Lets go of lanes that nothing can lead back to. An owner who is inside does it when it wakes.
    fn forget(&self) {
        let kept = self.core.bindings().forget(self.performed());
        self.core.keep(kept);
        let mut inside = false;
        for port in &self.core.outs {
            port.sweep.store(true, Ordering::Release);
            match port.try_lock() {
                Some(mut state) => port.forget(&self.core, &mut state),
                None => inside = true,
            }
        }
        for port in &self.core.ins {
            port.sweep.store(true, Ordering::Release);
            match port.try_lock() {
                Some(mut state) => port.forget(&self.core, &mut state),
                None => inside = true,
            }
        }
        if inside {
            self.core.call_attention();
        }
    }

    fn busy(&self, all: bool) -> Busy {
        let bindings = self.core.bindings();
        if !all || bindings.staged() > 0 && !bindings.awaits_regions() {
            Busy::Epoch
        } else if bindings.staged() > 0 {
            Busy::Messages
        } else {
            Busy::No
        }
    }

    /// A socket cannot be waited for together with a futex: while both may bring something, they are looked at by turns.
    fn sleep(&mut self, epoch: u64, seen: u32, all: bool) {
        let busy = self.busy(all);
        self.turn_ns = if all { (self.turn_ns * 2).min(TURN_NS_MAX) } else { TURN_NS };
        if busy == Busy::Epoch {
            let watches = [self.core.watch_epoch(epoch), self.core.watch_control(seen)];
            wait::sleep(&watches, clock::now() + self.turn_ns, true);
            if self.core.epoch() != epoch {
                self.turn_ns = TURN_NS;
            }
            return;
        }
        let turn = Timespec { tv_sec: 0, tv_nsec: i64::try_from(self.turn_ns).unwrap_or(0) };
        let timeout = (busy == Busy::Messages).then_some(&turn);
        // An interrupted poll is a turn like any other.
        let _ = poll(&mut [PollFd::new(&self.core.socket, PollFlags::IN)], timeout);
    }
}
