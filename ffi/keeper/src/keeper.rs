//! Everything the keeper holds, and its one loop. It obeys the panel and decides nothing; it outlives a panel that dies.
use crate::arguments::Arguments;
use crate::clock::now_ns;
use crate::epoch::EpochPage;
use crate::error::{Refusal, Result};
use crate::events::Events;
use crate::instance::Instance;
use crate::limits::NO_PANEL_FOR_NS;
use crate::outbox::Packet;
use crate::output::Logs;
use crate::panel::{Panel, Stranger};
use crate::poller::{Poller, Source};
use crate::region::Region;
use crate::stop::Ending;
use crate::transition::Staged;
use crate::{lock, signals};
use rtt_cell::Cells;
use rtt_cell::cgroup::Membership;
use rtt_cell::limits::BLOCKS;
use rtt_control::driver::KeeperToDriver;
use rtt_control::lane::Transition;
use rtt_control::panel::What;
use rustix::fs::Mode;
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

#[derive(Debug)]
pub struct Keeper {
    pub run: PathBuf,
    pub store: PathBuf,
    pub logs: Logs,
    pub project: PathBuf,
    /// The built-in drivers' program, and its SHA-256 once somebody asked.
    pub drivers: Arc<OwnedFd>,
    pub drivers_hash: Option<String>,

    pub cells: Cells,
    pub lock: OwnedFd,
    pub listener: OwnedFd,
    pub signals: OwnedFd,
    pub poller: Poller,

    pub epoch: EpochPage,
    /// The highest epoch number ever staged.
    pub last_epoch: u64,
    pub instances: BTreeMap<String, Instance>,
    /// Names by the serial number that the poller knows.
    pub serials: BTreeMap<u64, String>,
    pub next_serial: u64,
    pub regions: BTreeMap<u64, Region>,
    pub transitions: BTreeMap<u64, Staged>,
    /// Parts of a transition that has not come whole yet.
    pub assembling: Option<Transition>,

    pub panel: Option<Panel>,
    pub strangers: BTreeMap<u64, Stranger>,
    /// Counts the panels; requests of an older one are refused.
    pub generation: u64,
    pub events: Events,
    pub no_panel_since: Option<u64>,
    pub no_panel_for_ns: u64,
    pub ending: Option<Ending>,
    /// Control groups of cells that are gone, until the kernel lets them go too.
    pub leaving: Vec<Membership>,
}

impl Keeper {
    /// Takes the lock, then binds the socket. The process has one thread, now and always.
    pub fn new(arguments: Arguments) -> Result<Self> {
        let lock = lock::take(&arguments.run)?;
        let mountpoint = arguments.run.join("cell");
        for folder in [&arguments.logs, &mountpoint] {
            std::fs::create_dir_all(folder).map_err(|error| Refusal::system("make a folder", error))?;
        }
        // Cells have other uids; a program that cannot be changed any more refuses, and is readable already.
        let _ = rustix::fs::fchmod(&arguments.drivers, Mode::from_raw_mode(0o555));
        let poller = Poller::new()?;
        let signals = signals::descriptor()?;
        poller.add(&signals, Source::Signals)?;
        let number = folder_number(&arguments.run)?;
        let cells = Cells::new(&format!("rtt-{number}"), u32::try_from(number % u64::from(BLOCKS)).unwrap_or(0))?;
        let epoch = EpochPage::new()?;
        let listener = lock::listen_in(&arguments.run)?;
        poller.add(&listener, Source::Listener)?;
        drop(arguments.ready);
        Ok(Self {
            run: arguments.run,
            store: arguments.store,
            logs: Logs::new(arguments.logs),
            project: arguments.project,
            drivers: Arc::new(arguments.drivers),
            drivers_hash: None,
            cells,
            lock,
            listener,
            signals,
            poller,
            epoch,
            last_epoch: 0,
            instances: BTreeMap::new(),
            serials: BTreeMap::new(),
            next_serial: 1,
            regions: BTreeMap::new(),
            transitions: BTreeMap::new(),
            assembling: None,
            panel: None,
            strangers: BTreeMap::new(),
            generation: 0,
            events: Events::default(),
            no_panel_since: Some(now_ns()),
            no_panel_for_ns: NO_PANEL_FOR_NS,
            ending: None,
            leaving: Vec::new(),
        })
    }

    /// Until every driver has ended in order.
    pub fn run(&mut self) -> Result<()> {
        while !self.is_over() {
            let now = now_ns();
            let wait = self.next_deadline(now).map(|deadline| deadline.saturating_sub(now));
            for source in self.poller.wait(wait)? {
                self.handle(source);
            }
            self.tick(now_ns());
            self.flush_panel();
        }
        let _ = rustix::fs::unlink("keeper.sock");
        Ok(())
    }

    fn handle(&mut self, source: Source) {
        match source {
            Source::Listener => self.accept(),
            Source::Signals => {
                signals::take(&self.signals);
                self.begin_ending();
            }
            Source::Panel => self.read_panel(),
            Source::Stranger(serial) => self.read_stranger(serial),
            Source::Control(serial) => self.with_name(serial, Self::read_control),
            Source::Status(serial) => self.with_name(serial, Self::read_status),
            Source::Output(serial) => self.with_name(serial, Self::read_output),
            Source::Cell(serial) => self.with_name(serial, Self::cell_gone),
        }
    }

    /// A descriptor that was closed in this turn may still be named by it.
    fn with_name(&mut self, serial: u64, act: fn(&mut Self, &str)) {
        if let Some(name) = self.serials.get(&serial).cloned() {
            act(self, &name);
        }
    }

    pub fn is_alive(&self, instance: &str) -> bool {
        self.instances.get(instance).is_some_and(Instance::alive)
    }

    /// Whether messages still reach it.
    pub fn is_told(&self, instance: &str) -> bool {
        self.instances.get(instance).is_some_and(|each| each.alive() && each.control.is_some())
    }

    /// Keeps the event for panels, and sends it to the one that is there.
    pub fn event(&mut self, instance: &str, what: What) {
        let seq = self.events.add(instance, what);
        if let Some(panel) = &mut self.panel {
            panel.push_event(seq);
        }
    }

    /// Sends a driver a message; one that does not read what it is sent has failed.
    pub fn tell(&mut self, name: &str, message: &KeeperToDriver, descriptors: Vec<Rc<OwnedFd>>) {
        let Some(instance) = self.instances.get_mut(name) else { return };
        let (serial, Some(control)) = (instance.serial, &mut instance.control) else { return };
        let sent = message.to_bytes().map_err(Refusal::from).and_then(|bytes| {
            control.outbox.push(Packet { bytes, descriptors })?;
            control.outbox.flush(&control.socket)
        });
        match sent {
            Ok(()) => self.watch_writing(name, serial),
            // It is ending: its end is told by its cell.
            Err(refusal) if refusal.code == "control.closed" => self.close_control(name),
            Err(refusal) => self.fail_driver(name, &refusal),
        }
    }

    /// Sends what waited once the driver reads again.
    pub fn flush_control(&mut self, name: &str) {
        let Some(instance) = self.instances.get_mut(name) else { return };
        let (serial, Some(control)) = (instance.serial, &mut instance.control) else { return };
        match control.outbox.flush(&control.socket) {
            Ok(()) => self.watch_writing(name, serial),
            Err(refusal) if refusal.code == "control.closed" => self.close_control(name),
            Err(refusal) => self.fail_driver(name, &refusal),
        }
    }

    fn watch_writing(&mut self, name: &str, serial: u64) {
        let Some(control) = self.instances.get_mut(name).and_then(|each| each.control.as_mut()) else { return };
        let waits = !control.outbox.is_empty();
        if waits != control.waits {
            control.waits = waits;
            let _ = self.poller.want_write(&control.socket, Source::Control(serial), waits);
        }
    }

    pub fn close_control(&mut self, name: &str) {
        let Some(instance) = self.instances.get_mut(name) else { return };
        if let Some(control) = instance.control.take() {
            self.poller.remove(&control.socket);
            instance.closed_at = Some(now_ns());
        }
    }

    /// What a driver did is against the protocol, or it cannot go on: the panel is told, its connection is closed, and
    /// what becomes of it is the panel's decision.
    pub fn fail_driver(&mut self, name: &str, refusal: &Refusal) {
        self.close_control(name);
        if let Some(instance) = self.instances.get_mut(name) {
            // Told now: not once more for the closed connection.
            instance.closed_at = None;
            self.tell_failure(name, refusal);
        }
    }

    /// To the panel, and to whoever reads the driver's log.
    pub fn tell_failure(&mut self, name: &str, refusal: &Refusal) {
        if let Some(instance) = self.instances.get(name) {
            self.logs.note(instance.driver_name(), &format!("{name}: {refusal}"));
            self.event(name, What::Failed { code: refusal.code.clone(), message: refusal.message.clone() });
        }
    }
}

/// Names this run folder's control groups and uids: the same for the next keeper of it, others for another folder.
fn folder_number(run: &std::path::Path) -> Result<u64> {
    let facts = rustix::fs::stat(run).map_err(|error| Refusal::system("look at the run folder", error))?;
    Ok(facts.st_dev.rotate_left(40) ^ facts.st_ino)
}
