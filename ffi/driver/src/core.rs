//! What the endpoints' owners and the control thread share.
//!
//! Locks are taken in one order: an endpoint's state, then `bindings`. The control thread only tries an endpoint's lock: its
//! owner holds it inside `send` and `receive`, also while it sleeps there, and then performs the steps itself.
use crate::binding::{Bindings, Step};
use crate::ends::End;
use crate::inport::InPort;
use crate::limits::{BROKEN_TOLD, EPOCH_PAGE};
use crate::outport::OutPort;
use rtt_control::driver::{DriverToKeeper, Welcome};
use rtt_control::lane::LaneSpec;
use rtt_control::packet::{self, Mode};
use rtt_lane::wait::{Watch, wake};
use rtt_lane::{LaneError, View, Words};
use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub struct Core {
    pub socket: OwnedFd,
    pub welcome: Welcome,
    pub files: Vec<OwnedFd>,
    pub outs: Vec<OutPort>,
    pub ins: Vec<InPort>,
    epoch: View,
    bindings: Mutex<Bindings>,
    /// Steps ever laid down: what an endpoint compares with its own count without a lock.
    steps: AtomicU64,
    /// Lanes of which the peer is dead, as the keeper attests.
    ended: Mutex<BTreeSet<u64>>,
    /// Lanes in force, or in a binding that may come into force.
    kept: Mutex<BTreeSet<u64>>,
    /// Changes whenever a sleeping owner is to look again for another reason than its lanes or the epoch.
    attention: AtomicU32,
    /// Changes whenever the control thread is to look again.
    control: AtomicU32,
    /// Lanes that were found broken.
    broken: AtomicU32,
    stopping: AtomicBool,
    closed: AtomicBool,
}

impl Core {
    pub fn new(socket: OwnedFd, welcome: Welcome, epoch: &OwnedFd, files: Vec<OwnedFd>) -> Result<Self, LaneError> {
        use rtt_control::cell::Direction;
        let of = |direction: Direction| welcome.endpoints.iter().filter(move |each| each.direction == direction);
        let ins: Vec<InPort> = of(Direction::In).map(|each| InPort::new(&each.name)).collect();
        let outs = of(Direction::Out)
            .map(|each| {
                let depends = |name: &String| ins.iter().position(|input| input.name == *name);
                OutPort::new(&each.name, each.depends_on.iter().filter_map(depends).collect())
            })
            .collect();
        Ok(Self {
            epoch: View::map(epoch, EPOCH_PAGE)?,
            socket,
            welcome,
            files,
            outs,
            ins,
            bindings: Mutex::default(),
            steps: AtomicU64::new(0),
            ended: Mutex::default(),
            kept: Mutex::default(),
            attention: AtomicU32::new(0),
            control: AtomicU32::new(0),
            broken: AtomicU32::new(0),
            stopping: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        })
    }

    /// The keeper's word. Pairs with its compare-and-swap.
    #[inline]
    pub fn epoch(&self) -> u64 {
        self.epoch.load64(0, Ordering::Acquire)
    }

    pub fn watch_epoch(&self, seen: u64) -> Watch<'_> {
        Watch { word: self.epoch.futex(0), seen: seen as u32 }
    }

    pub fn bindings(&self) -> MutexGuard<'_, Bindings> {
        self.bindings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn step(&self, number: u64) -> Option<Arc<Step>> {
        self.bindings().step(number)
    }

    /// Whether the last step laid down gives this driver any lane.
    pub fn has_lanes(&self) -> bool {
        let bindings = self.bindings();
        let last = bindings.laid_down().checked_sub(1).and_then(|number| bindings.step(number));
        last.is_some_and(|step| !step.lanes.is_empty())
    }

    pub fn take_end(&self, lane: u64) -> Option<End> {
        self.bindings().take(lane)
    }

    /// Lays down the steps to an epoch that was seen.
    pub fn advance(&self, seen: u64) {
        let mut bindings = self.bindings();
        if bindings.advance(seen) {
            self.publish_steps(bindings);
        }
    }

    /// Shows new steps to the endpoints.
    pub fn publish_steps(&self, bindings: MutexGuard<'_, Bindings>) {
        self.steps.store(bindings.laid_down(), Ordering::Release);
        drop(bindings);
        self.call_attention();
    }

    #[inline]
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Acquire)
    }

    pub fn attention(&self) -> u32 {
        self.attention.load(Ordering::Acquire)
    }

    pub fn watch_attention(&self, seen: u32) -> Watch<'_> {
        Watch { word: &self.attention, seen }
    }

    pub fn call_attention(&self) {
        self.attention.fetch_add(1, Ordering::AcqRel);
        wake(&self.attention);
    }

    pub fn control(&self) -> u32 {
        self.control.load(Ordering::Acquire)
    }

    pub fn watch_control(&self, seen: u32) -> Watch<'_> {
        Watch { word: &self.control, seen }
    }

    /// An owner has performed steps that the control thread waits for.
    pub fn call_control(&self) {
        self.control.fetch_add(1, Ordering::AcqRel);
        wake(&self.control);
    }

    pub fn end_lane(&self, lane: u64) {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).insert(lane);
        self.call_attention();
    }

    pub fn has_ended(&self, lane: u64) -> bool {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).contains(&lane)
    }

    /// From now on only these lanes are or may be used.
    pub fn keep(&self, kept: BTreeSet<u64>) {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).retain(|lane| kept.contains(lane));
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = kept;
    }

    /// From now on these lanes may be used too: said before any endpoint can come to them.
    pub fn keep_also(&self, lanes: impl Iterator<Item = u64>) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).extend(lanes);
    }

    pub fn is_kept(&self, lane: u64) -> bool {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).contains(&lane)
    }

    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.call_attention();
    }

    pub fn closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// There is no keeper any more (or no driver): everything that waits returns.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.stop();
    }

    /// Nothing will come on this lane any more: only a new one helps, and that is the panel's affair.
    pub fn tell_broken(&self, lane: &LaneSpec) {
        if self.broken.fetch_add(1, Ordering::Relaxed) >= BROKEN_TOLD {
            return;
        }
        let LaneSpec { route, lane, peer, .. } = lane;
        let why =
            format!("{peer} wrote a length into its ring that none can have, and what is behind it can't be found");
        let message = format!("cannot read lane {lane} of route {route} because {why}; a new lane is needed");
        // Without a keeper there is nobody to make one.
        let _ = self.tell(&DriverToKeeper::Failed { code: "lane.broken".into(), message });
    }

    /// Sends a message to the keeper. Any thread may: a packet goes whole.
    pub fn tell(&self, message: &DriverToKeeper) -> rtt_control::Result<()> {
        packet::send(&self.socket, &message.to_bytes()?, &[], Mode::Wait)
    }
}
