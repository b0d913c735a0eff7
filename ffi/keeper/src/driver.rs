//! What drivers say. Nothing of it is trusted: what does not fit what came before fails that driver, and only it.
use crate::clock::now_ns;
use crate::error::{Refusal, Result};
use crate::instance::Opening;
use crate::keeper::Keeper;
use crate::limits::{FAILURES_CLAIMED, OPENS_EVER, OPENS_PENDING, PACKETS_A_TURN};
use crate::output::Drained;
use crate::region::Region;
use rtt_cell::identity::outside_pid;
use rtt_cell::status::{self, Status};
use rtt_control::driver::{DriverToKeeper, KeeperToDriver};
use rtt_control::limits::PROTOCOL;
use rtt_control::packet::{self, Mode};
use rtt_control::panel::What;
use rustix::process::{WaitId, WaitIdOptions, waitid};
use std::os::fd::AsFd;

/// Turns at a dead driver's pipe: more than any pipe holds.
const LAST_TURNS: usize = 64;

impl Keeper {
    pub fn read_control(&mut self, name: &str) {
        for _ in 0..PACKETS_A_TURN {
            let Some(control) = self.instances.get(name).and_then(|each| each.control.as_ref()) else { return };
            match packet::receive(&control.socket, Mode::Try) {
                Err(error) if error.would_block() => break,
                Err(error) if error.is_closed() => return self.close_control(name),
                Err(error) => return self.fail_driver(name, &error.into()),
                Ok(packet) => {
                    if let Err(refusal) = self.heard(name, &packet) {
                        return self.fail_driver(name, &refusal);
                    }
                }
            }
        }
        self.flush_control(name);
    }

    fn heard(&mut self, name: &str, packet: &packet::Packet) -> Result<()> {
        if !packet.descriptors.is_empty() {
            return Err(wrong(name, "driver.descriptors", "it has sent descriptors, which no message of it has"));
        }
        let message = DriverToKeeper::from_bytes(&packet.bytes)?;
        let greeted = self.instances.get(name).is_some_and(|each| each.claims.hello);
        if greeted == matches!(message, DriverToKeeper::Hello { .. }) {
            return Err(wrong(name, "driver.protocol", "hello is the first message and comes once"));
        }
        match message {
            DriverToKeeper::Hello { protocol, kit } => self.hello(name, protocol, kit),
            DriverToKeeper::Open { request, endpoint, verb, token } => {
                self.open(name, request, Opening { endpoint, verb, token })
            }
            DriverToKeeper::Parked => self.parked(name),
            DriverToKeeper::Mapped(id) => self.mapped(name, id),
            DriverToKeeper::Ready(id) => self.ready(name, id),
            DriverToKeeper::Acknowledged(epoch) => self.acknowledged(name, epoch),
            DriverToKeeper::Failed { code, message } => self.failed(name, &Refusal { code, message }),
        }
    }

    fn hello(&mut self, name: &str, protocol: u32, kit: String) -> Result<()> {
        if protocol != PROTOCOL {
            let why =
                format!("it speaks protocol {protocol} and the keeper {PROTOCOL}; rebuild it with this version's kit");
            return Err(wrong(name, "driver.version", &why));
        }
        if let Some(instance) = self.instances.get_mut(name) {
            instance.claims.hello = true;
        }
        self.event(name, What::Hello { protocol, kit });
        Ok(())
    }

    /// A bad token is refused at once; a good one goes to the panel, which answers.
    fn open(&mut self, name: &str, request: u64, opening: Opening) -> Result<()> {
        let attached = self.panel.is_some();
        let Some(instance) = self.instances.get_mut(name) else { return Ok(()) };
        instance.claims.opens += 1;
        let too_many = instance.claims.opens > OPENS_EVER || instance.opening.len() >= OPENS_PENDING;
        if too_many || instance.opening.contains_key(&request) {
            return Err(wrong(name, "driver.opens", "it asks to open too often, or twice under one number"));
        }
        let Opening { endpoint, verb, token } = opening.clone();
        let known = instance.endpoints.contains(&endpoint);
        let checked = if known {
            instance.tokens.check(&endpoint, verb, &token, now_ns())
        } else {
            Err(Refusal::new("token.endpoint", format!("cannot open {endpoint} because {name} has no such endpoint")))
        };
        if let Err(refusal) = checked {
            self.tell(name, &KeeperToDriver::Opened { request, refusal: refusal.to_string() }, Vec::new());
            return self.failed(name, &refusal);
        }
        if !attached {
            let refusal = format!("cannot open {endpoint} because no panel is there; ask again later [unavailable]");
            self.tell(name, &KeeperToDriver::Opened { request, refusal }, Vec::new());
            return Ok(());
        }
        instance.opening.insert(request, opening);
        self.tell_opening(name, request);
        Ok(())
    }

    pub fn tell_opening(&mut self, name: &str, request: u64) {
        let Some(opening) = self.instances.get(name).and_then(|each| each.opening.get(&request)).cloned() else {
            return;
        };
        let saddr = format!("{name}/{}", opening.endpoint);
        self.event(name, What::Open { request, saddr, verb: opening.verb, token: opening.token });
    }

    /// An answer to a driver that is gone, or that was answered before, has nobody to go to.
    pub fn answer_open(&mut self, name: &str, request: u64, refusal: String) {
        let Some(instance) = self.instances.get_mut(name) else { return };
        let Some(opening) = instance.opening.remove(&request) else { return };
        if refusal.is_empty() {
            instance.opened.insert(opening.endpoint);
        }
        self.tell(name, &KeeperToDriver::Opened { request, refusal }, Vec::new());
    }

    fn parked(&mut self, name: &str) -> Result<()> {
        let Some(instance) = self.instances.get_mut(name) else { return Ok(()) };
        if instance.claims.parked || instance.opened != instance.endpoints {
            return Err(wrong(name, "driver.protocol", "it parks once, when all its endpoints are open"));
        }
        instance.claims.parked = true;
        self.event(name, What::Parked);
        Ok(())
    }

    fn mapped(&mut self, name: &str, id: u64) -> Result<()> {
        self.owed(name)?;
        let Some(staged) = self.transitions.get_mut(&id) else { return self.late(name, id) };
        if !staged.unmapped.remove(name) {
            return Err(wrong(name, "driver.protocol", "it answers a transition that it was not asked about"));
        }
        let own = |region: &&Region| region.transition == id && region.spec.writer == name;
        self.regions.values().filter(own).try_for_each(Region::check_untouched)?;
        self.event(name, What::Mapped { transition: id });
        Ok(())
    }

    fn ready(&mut self, name: &str, id: u64) -> Result<()> {
        self.owed(name)?;
        let Some(staged) = self.transitions.get_mut(&id) else { return self.late(name, id) };
        if !staged.unready.remove(name) {
            return Err(wrong(name, "driver.protocol", "it answers a transition that it was not asked about"));
        }
        self.event(name, What::Ready { transition: id });
        Ok(())
    }

    /// A driver answers as often as it was asked, late or not, and no more.
    fn owed(&mut self, name: &str) -> Result<()> {
        let Some(instance) = self.instances.get_mut(name) else { return Ok(()) };
        instance.claims.owed = instance
            .claims
            .owed
            .checked_sub(1)
            .ok_or_else(|| wrong(name, "driver.protocol", "it answers more transitions than it was asked about"))?;
        Ok(())
    }

    /// An answer that crossed with `discard` or `settle`.
    fn late(&self, name: &str, id: u64) -> Result<()> {
        if id <= self.last_epoch {
            return Ok(());
        }
        Err(wrong(name, "driver.protocol", "it answers a transition that there never was"))
    }

    /// Epochs are performed in order, none before it is in force; a flip that was followed by one back may be both.
    fn acknowledged(&mut self, name: &str, epoch: u64) -> Result<()> {
        let in_force = self.epoch.get();
        let Some(instance) = self.instances.get_mut(name) else { return Ok(()) };
        if epoch <= instance.claims.acknowledged || epoch > in_force || instance.in_force == 0 {
            return Err(wrong(name, "driver.protocol", "it acknowledges an epoch that is not next for it"));
        }
        instance.claims.acknowledged = epoch;
        self.event(name, What::Acknowledged { epoch });
        Ok(())
    }

    /// By its own word, or because it was refused: it may go on, but not so for ever.
    fn failed(&mut self, name: &str, refusal: &Refusal) -> Result<()> {
        let Some(instance) = self.instances.get_mut(name) else { return Ok(()) };
        instance.claims.failures += 1;
        if instance.claims.failures > FAILURES_CLAIMED {
            return Err(wrong(name, "driver.protocol", "it has failed too often"));
        }
        self.tell_failure(name, refusal);
        Ok(())
    }

    /// What the cell's first process tells: facts.
    pub fn read_status(&mut self, name: &str) {
        loop {
            let Some(instance) = self.instances.get_mut(name) else { return };
            let Some(socket) = &instance.status else { return };
            match status::receive(socket.as_fd()) {
                Ok(Some(Status::Started { enforced, driver })) => {
                    instance.pid = outside_pid(&driver).unwrap_or(0);
                    instance.driver = Some(driver);
                    instance.sandbox = enforced;
                }
                Ok(Some(Status::Failed(error))) => {
                    self.tell_failure(name, &error.into());
                }
                Ok(Some(Status::Ended(exit))) => instance.ending = Some(exit),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Ok(None) | Err(_) => {
                    self.poller.remove(socket);
                    instance.status = None;
                    return;
                }
            }
        }
    }

    pub fn read_output(&mut self, name: &str) {
        let Some(instance) = self.instances.get_mut(name) else { return };
        let Some(pipe) = &instance.output else { return };
        if self.logs.drain(instance.driver_name(), pipe) == Drained::Ended {
            self.poller.remove(pipe);
            instance.output = None;
        }
    }

    /// Every process of the cell is gone. What it said before is heard first; then its lanes are attested as ended.
    pub fn cell_gone(&mut self, name: &str) {
        self.read_control(name);
        self.read_status(name);
        for _ in 0..LAST_TURNS {
            self.read_output(name);
        }
        self.close_control(name);
        let Some(instance) = self.instances.get_mut(name) else { return };
        let Some(cell) = instance.cell.take() else { return };
        self.poller.remove(&cell);
        for descriptor in instance.status.take().into_iter().chain(instance.output.take()) {
            self.poller.remove(&descriptor);
        }
        let waited = waitid(WaitId::PidFd(cell.as_fd()), WaitIdOptions::EXITED).ok().flatten();
        let of_the_first = waited.map_or(-libc::SIGKILL, |how| {
            how.exit_status().unwrap_or_else(|| -how.terminating_signal().unwrap_or(libc::SIGKILL))
        });
        let exit = instance.ending.unwrap_or(of_the_first);
        instance.exit = Some(exit);
        instance.stop = None;
        instance.closed_at = None;
        instance.driver = None;
        instance.opening.clear();
        self.leaving.extend(instance.cgroup.take());
        let forget = instance.forget;
        self.event(name, What::Exited { exit });
        self.tell_ended_lanes();
        if forget {
            self.forget(name);
        }
    }
}

fn wrong(name: &str, code: &str, why: &str) -> Refusal {
    Refusal::new(code, format!("cannot go on with {name} because {why}"))
}
