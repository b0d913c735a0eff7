//! Ending drivers: one, when the panel says so; all, in order, when it says so or has been away for too long.
use crate::clock::now_ns;
use crate::error::Refusal;
use crate::instance::{Instance, Stop};
use crate::keeper::Keeper;
use crate::limits::{ATTACH_WITHIN_NS, STOP_WITHIN_MOST_NS, STOP_WITHIN_NS};
use rtt_control::driver::KeeperToDriver;
use rustix::process::{Signal, pidfd_send_signal};

/// All drivers are being ended, lowest stop order first.
#[derive(Debug)]
pub struct Ending;

/// How long a living driver may be without a connection before that is a failure: its end mostly follows at once.
const CLOSED_FOR_NS: u64 = 250_000_000;

/// Between two tries to remove control groups that the kernel still holds.
const LEAVE_AGAIN_NS: u64 = 5_000_000;

impl Keeper {
    /// An instance that is gone is forgotten; one that is not there needs no stop.
    pub fn stop(&mut self, name: &str, within_ns: u64) {
        let Some(instance) = self.instances.get_mut(name) else { return };
        instance.forget = true;
        if !instance.alive() {
            self.forget(name);
            return;
        }
        let now = now_ns();
        let within = within_ns.min(STOP_WITHIN_MOST_NS);
        let kill_at = now + within;
        // One that talks gets half of its time to end by itself.
        let polite = instance.claims.hello && instance.control.is_some();
        let terminate_at = if polite { now + within / 2 } else { now };
        let sooner = |one: Option<Stop>| one.and_then(|stop| stop.kill_at).is_none_or(|earlier| kill_at < earlier);
        if instance.stop.is_none() || sooner(instance.stop) {
            instance.stop = Some(Stop { terminate_at: Some(terminate_at), kill_at: Some(kill_at) });
        }
        self.tell(name, &KeeperToDriver::Stop, Vec::new());
        self.tick(now);
    }

    pub fn forget(&mut self, name: &str) {
        if let Some(instance) = self.instances.remove(name) {
            self.serials.remove(&instance.serial);
            if !self.instances.values().any(|other| other.driver_name() == instance.driver_name()) {
                self.logs.close(instance.driver_name());
            }
            self.let_go(None);
        }
    }

    /// Every driver in order, then the keeper itself.
    pub fn begin_ending(&mut self) {
        if self.ending.is_none() {
            self.ending = Some(Ending);
            self.tick(now_ns());
        }
    }

    pub fn is_over(&self) -> bool {
        self.ending.is_some() && !self.instances.values().any(Instance::alive)
    }

    /// When something is to be done although nothing happens.
    pub fn next_deadline(&self, now: u64) -> Option<u64> {
        let leaving = (!self.leaving.is_empty()).then_some(now + LEAVE_AGAIN_NS);
        let stops =
            self.instances.values().filter_map(|each| each.stop).flat_map(|stop| [stop.terminate_at, stop.kill_at]);
        let closed = self.instances.values().filter_map(|each| each.closed_at).map(|at| Some(at + CLOSED_FOR_NS));
        let strangers = self.strangers.values().map(|each| Some(each.since + ATTACH_WITHIN_NS));
        let alone = self
            .no_panel_since
            .filter(|_| self.ending.is_none())
            .map(|since| since.saturating_add(self.no_panel_for_ns));
        stops.chain(closed).chain(strangers).flatten().chain(alone).chain(leaving).min()
    }

    /// Does what is due.
    pub fn tick(&mut self, now: u64) {
        for instance in self.instances.values_mut() {
            press(instance, now);
        }
        self.leaving.retain_mut(|groups| !groups.leave());
        self.tell_closed(now);
        self.strangers.retain(|_, stranger| stranger.since + ATTACH_WITHIN_NS > now);
        if self.no_panel_since.is_some_and(|since| since.saturating_add(self.no_panel_for_ns) <= now) {
            self.ending.get_or_insert(Ending);
        }
        if self.ending.is_some() {
            self.end_next();
        }
    }

    fn tell_closed(&mut self, now: u64) {
        let due =
            |instance: &&Instance| instance.alive() && instance.closed_at.is_some_and(|at| at + CLOSED_FOR_NS <= now);
        let closed: Vec<String> = self.instances.values().filter(due).map(|each| each.name.clone()).collect();
        for name in closed {
            let why = format!("cannot reach {name} because it has closed its connection and goes on; stop it");
            self.fail_driver(&name, &Refusal::new("driver.closed", why));
        }
    }

    /// Those of the lowest order first; the next ones when these are gone.
    fn end_next(&mut self) {
        let Some(order) = self.instances.values().filter(|each| each.alive()).map(|each| each.stop_order).min() else {
            return;
        };
        let due = |instance: &&Instance| instance.alive() && instance.stop_order == order && instance.stop.is_none();
        let next: Vec<_> =
            self.instances.values().filter(due).map(|each| (each.name.clone(), each.stop_within_ns)).collect();
        for (name, within) in next {
            self.stop(&name, if within == 0 { STOP_WITHIN_NS } else { within });
        }
    }
}

/// Sends the signals that are due.
fn press(instance: &mut Instance, now: u64) {
    let Some(stop) = &mut instance.stop else { return };
    if instance.exit.is_some() {
        instance.stop = None;
        return;
    }
    if stop.terminate_at.is_some_and(|at| at <= now) {
        stop.terminate_at = None;
        match &instance.driver {
            // It may have ended already: its cell tells.
            Some(driver) => drop(pidfd_send_signal(driver, Signal::TERM)),
            // Nothing runs in the cell yet.
            None => stop.kill_at = Some(now),
        }
    }
    if stop.kill_at.is_some_and(|at| at <= now) {
        stop.kill_at = None;
        if let Some(cell) = &instance.cell {
            let _ = pidfd_send_signal(cell, Signal::KILL);
        }
    }
}
