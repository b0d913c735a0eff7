//! The one panel: who may attach, what it may ask, and what it is told.
use crate::clock::now_ns;
use crate::error::{Refusal, Result};
use crate::events::Events;
use crate::keeper::Keeper;
use crate::limits::{EVENTS, PACKETS_A_TURN, REPLIES, STRANGERS};
use crate::outbox::Packet;
use crate::poller::{Poller, Source};
use rtt_control::limits::{PACKET_DESCRIPTORS, PROTOCOL};
use rtt_control::packet::{self, Mode};
use rtt_control::panel::{Inventory, KeeperToPanel, Outcome, PanelToKeeper, Request};
use rustix::net::sockopt::socket_peercred;
use rustix::net::{SocketFlags, accept_with};
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

/// A connection that has not said yet who it is.
#[derive(Debug)]
pub struct Stranger {
    socket: OwnedFd,
    pub since: u64,
}

#[derive(Debug)]
enum Waiting {
    Reply(Packet),
    /// By number: it may be acknowledged before it is sent.
    Event(u64),
}

#[derive(Debug)]
pub struct Panel {
    socket: OwnedFd,
    queue: VecDeque<Waiting>,
    replies: usize,
    waits: bool,
}

impl Panel {
    fn new(socket: OwnedFd) -> Self {
        Self { socket, queue: VecDeque::new(), replies: 0, waits: false }
    }

    pub fn push_event(&mut self, seq: u64) {
        self.queue.push_back(Waiting::Event(seq));
    }

    fn push_reply(&mut self, packet: Packet) {
        self.replies += 1;
        self.queue.push_back(Waiting::Reply(packet));
    }

    /// Sends until all is gone or the panel's buffer is full. An error ends the connection.
    fn flush(&mut self, events: &Events, poller: &Poller) -> Result<()> {
        if self.replies > REPLIES || self.queue.len() > REPLIES + 2 * EVENTS {
            return Err(Refusal::new(
                "keeper.unread",
                "cannot go on with the panel because it does not read what it is sent",
            ));
        }
        while let Some(next) = self.queue.front() {
            let sent = match next {
                Waiting::Reply(packet) => send(&self.socket, packet),
                Waiting::Event(seq) => match events.get(*seq) {
                    None => Ok(true),
                    Some(event) => send(
                        &self.socket,
                        &Packet { bytes: KeeperToPanel::Event(event.clone()).to_bytes()?, descriptors: Vec::new() },
                    ),
                },
            }?;
            if !sent {
                break;
            }
            if let Some(Waiting::Reply(_)) = self.queue.pop_front() {
                self.replies -= 1;
            }
        }
        let waits = !self.queue.is_empty();
        if waits != self.waits {
            self.waits = waits;
            poller.want_write(&self.socket, Source::Panel, waits)?;
        }
        Ok(())
    }
}

/// False: the buffer is full.
fn send(socket: &OwnedFd, packet: &Packet) -> Result<bool> {
    let descriptors: Vec<BorrowedFd<'_>> = packet.descriptors.iter().map(|fd| fd.as_fd()).collect();
    match packet::send(socket, &packet.bytes, &descriptors, Mode::Try) {
        Ok(()) => Ok(true),
        Err(error) if error.would_block() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl Keeper {
    pub fn accept(&mut self) {
        while let Ok(socket) = accept_with(&self.listener, SocketFlags::CLOEXEC) {
            let allowed = self.strangers.len() < STRANGERS && is_one_of_us(&socket);
            let serial = self.next_serial;
            if allowed && self.poller.add(&socket, Source::Stranger(serial)).is_ok() {
                self.next_serial += 1;
                self.strangers.insert(serial, Stranger { socket, since: now_ns() });
            }
        }
    }

    /// The first message of a connection is `attach`, or its last.
    pub fn read_stranger(&mut self, serial: u64) {
        let Some(stranger) = self.strangers.get(&serial) else { return };
        let received = packet::receive(&stranger.socket, Mode::Try);
        if received.as_ref().is_err_and(rtt_control::ControlError::would_block) {
            return;
        }
        let Some(Stranger { socket, .. }) = self.strangers.remove(&serial) else { return };
        self.poller.remove(&socket);
        let Ok(message) = received.and_then(|packet| PanelToKeeper::from_bytes(&packet.bytes)) else { return };
        let refusal = match message.request {
            Request::Attach { protocol: PROTOCOL, .. } if self.ending.is_none() => {
                return self.attach(socket, message.id);
            }
            Request::Attach { protocol: PROTOCOL, .. } => Refusal::new(
                "keeper.ending",
                "cannot attach because the keeper is ending; start a new one when its lock is free",
            ),
            Request::Attach { protocol, .. } => Refusal::new(
                "keeper.protocol",
                format!(
                    "cannot attach because the panel speaks protocol {protocol} and this keeper {PROTOCOL}; \
                     end its drivers with the version that started it, then start again"
                ),
            ),
            _ => Refusal::new("keeper.notAttached", "cannot take a request because the panel has not attached"),
        };
        let outcome = Outcome::Refused { code: refusal.code, message: refusal.message };
        if let Ok(bytes) = (KeeperToPanel::Reply { id: message.id, outcome }).to_bytes() {
            let _ = packet::send(&socket, &bytes, &[], Mode::Try);
        }
    }

    /// A new panel fences the old one off, and hears again what nobody has acknowledged.
    fn attach(&mut self, socket: OwnedFd, id: u64) {
        self.drop_panel();
        if self.poller.add(&socket, Source::Panel).is_err() {
            return;
        }
        self.generation += 1;
        self.no_panel_since = None;
        self.assembling = None;
        self.panel = Some(Panel::new(socket));
        let keeper_version = env!("CARGO_PKG_VERSION").to_owned();
        self.reply(
            id,
            Outcome::Attached { protocol: PROTOCOL, generation: self.generation, keeper_version },
            Vec::new(),
        );
        if let Some(panel) = &mut self.panel {
            self.events.unacknowledged().for_each(|seq| panel.push_event(seq));
        }
        // A panel that died between hearing of a request to open and answering it has left a driver waiting.
        let opening =
            self.instances.values().flat_map(|each| each.opening.keys().map(|request| (each.name.clone(), *request)));
        let unheard: Vec<_> = opening.filter(|(name, request)| !self.events.tells_open(name, *request)).collect();
        for (name, request) in unheard {
            self.tell_opening(&name, request);
        }
    }

    pub fn drop_panel(&mut self) {
        if let Some(panel) = self.panel.take() {
            self.poller.remove(&panel.socket);
            self.no_panel_since = Some(now_ns());
            self.assembling = None;
        }
    }

    pub fn flush_panel(&mut self) {
        let Some(panel) = &mut self.panel else { return };
        if panel.flush(&self.events, &self.poller).is_err() {
            self.drop_panel();
        }
    }

    pub fn read_panel(&mut self) {
        for _ in 0..PACKETS_A_TURN {
            let Some(panel) = &self.panel else { return };
            let message = match packet::receive(&panel.socket, Mode::Try) {
                Err(error) if error.would_block() => break,
                Err(_) => return self.drop_panel(),
                Ok(packet) => PanelToKeeper::from_bytes(&packet.bytes),
            };
            // A panel that sends what is no request is not one; the next one attaches.
            let Ok(message) = message else { return self.drop_panel() };
            self.asked(message);
        }
        self.flush_panel();
    }

    fn asked(&mut self, message: PanelToKeeper) {
        let id = message.id;
        if message.generation != self.generation {
            let why = format!("cannot do it because generation {} is over; attach again", message.generation);
            return self.refuse(id, Refusal::new("keeper.generation", why));
        }
        match message.request {
            Request::Inventory {} => self.reply_inventory(id),
            Request::RegionDescriptors { regions } => match self.region_descriptors(&regions) {
                Ok(descriptors) => self.reply(id, self.done(), descriptors),
                Err(refusal) => self.refuse(id, refusal),
            },
            Request::Stage { transition, last } => {
                let whole = match self.assembling.take() {
                    None => Ok(transition),
                    Some(mut earlier) => earlier.append(transition).map(|()| earlier),
                };
                match whole {
                    Err(error) => self.refuse(id, error.into()),
                    // Answered with the last part.
                    Ok(part) if !last => self.assembling = Some(part),
                    Ok(transition) => self.answer(id, |keeper| keeper.stage(transition)),
                }
            }
            request => self.answer(id, |keeper| keeper.obey(request)),
        }
    }

    fn obey(&mut self, request: Request) -> Result<()> {
        match request {
            Request::Spawn { cell: spec } => self.spawn(&spec),
            Request::Seal { transition: id } => self.seal(id),
            Request::Flip { from, to } => self.flip(from, to),
            Request::Discard { transition: id } => self.discard(id),
            Request::Settle { transition: id } => self.settle(id),
            Request::Stop { instance, within_ns } => {
                self.stop(&instance, within_ns);
                Ok(())
            }
            Request::AnswerOpen { instance, request, refusal } => {
                self.answer_open(&instance, request, refusal);
                Ok(())
            }
            Request::Acknowledge { seq } => {
                self.events.acknowledge(seq);
                Ok(())
            }
            Request::Configure { no_panel_for_ns, log_bytes } => {
                self.no_panel_for_ns = no_panel_for_ns;
                self.logs.most = log_bytes;
                Ok(())
            }
            Request::Shutdown {} => {
                self.begin_ending();
                Ok(())
            }
            Request::Attach { .. }
            | Request::Inventory {}
            | Request::Stage { .. }
            | Request::RegionDescriptors { .. } => {
                Err(Refusal::new("keeper.request", "cannot do it because this connection is attached already"))
            }
        }
    }

    fn region_descriptors(&self, regions: &[u64]) -> Result<Vec<Rc<OwnedFd>>> {
        if regions.len() > PACKET_DESCRIPTORS {
            let why = format!("cannot pass {} descriptors because a packet holds {PACKET_DESCRIPTORS}", regions.len());
            return Err(Refusal::new("keeper.tooMany", why));
        }
        let find = |id: &u64| {
            self.regions.get(id).and_then(crate::region::Region::read_only).ok_or_else(|| {
                Refusal::new("keeper.region", format!("cannot pass region {id} because it is not there or not sealed"))
            })
        };
        regions.iter().map(find).collect()
    }

    fn reply_inventory(&mut self, id: u64) {
        let inventory = Inventory {
            epoch: self.epoch.get(),
            last_epoch: self.last_epoch,
            instances: self.instances.values().map(crate::instance::Instance::fact).collect(),
            regions: self.regions.values().map(crate::region::Region::fact).collect(),
            transitions: self.transitions.values().map(|staged| staged.transition.clone()).collect(),
        };
        let parts = inventory.parts();
        let last = parts.len() - 1;
        for (index, part) in parts.into_iter().enumerate() {
            let outcome = Outcome::Done { epoch: part.epoch, inventory: Some(Box::new(part)), more: index < last };
            self.reply(id, outcome, Vec::new());
        }
    }

    fn answer(&mut self, id: u64, act: impl FnOnce(&mut Self) -> Result<()>) {
        match act(self) {
            Ok(()) => self.reply(id, self.done(), Vec::new()),
            Err(refusal) => self.refuse(id, refusal),
        }
    }

    fn done(&self) -> Outcome {
        Outcome::Done { epoch: self.epoch.get(), inventory: None, more: false }
    }

    fn refuse(&mut self, id: u64, refusal: Refusal) {
        self.reply(id, Outcome::Refused { code: refusal.code, message: refusal.message }, Vec::new());
    }

    fn reply(&mut self, id: u64, outcome: Outcome, descriptors: Vec<Rc<OwnedFd>>) {
        let reply = KeeperToPanel::Reply { id, outcome };
        match (reply.to_bytes(), &mut self.panel) {
            (Ok(bytes), Some(panel)) => panel.push_reply(Packet { bytes, descriptors }),
            _ => self.drop_panel(),
        }
    }
}

/// The same user, and the same pid and user namespaces: in single mode drivers share our uid, but not these.
fn is_one_of_us(socket: &OwnedFd) -> bool {
    let Ok(peer) = socket_peercred(socket) else { return false };
    if peer.uid != rustix::process::geteuid() {
        return false;
    }
    ["pid", "user"].iter().all(|kind| {
        let of = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/{kind}")).ok();
        let theirs = of(&peer.pid.as_raw_nonzero().to_string());
        theirs.is_some() && theirs == of("self")
    })
}
