//! One run of a driver, as the keeper knows it: facts first, the driver's claims apart.
use crate::limits::DRIVER_PACKETS;
use crate::outbox::Outbox;
use crate::tokens::Tokens;
use rtt_cell::cgroup::Membership;
use rtt_control::cell::{CellSpec, Tag};
use rtt_control::inventory::{InstanceFact, InstanceState};
use rtt_control::lane::LaneSpec;
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;

/// The driver's socket, until it is closed by either side.
#[derive(Debug)]
pub struct Control {
    pub socket: OwnedFd,
    pub outbox: Outbox,
    /// Whether the poller is asked to say when it reads again.
    pub waits: bool,
}

impl Control {
    pub fn new(socket: OwnedFd) -> Self {
        Self { socket, outbox: Outbox::new(DRIVER_PACKETS), waits: false }
    }
}

/// What the driver has claimed so far, each claim checked against what came before.
#[derive(Debug, Default)]
pub struct Claims {
    pub hello: bool,
    pub parked: bool,
    pub acknowledged: u64,
    pub opens: u32,
    pub failures: u32,
    /// Answers that it still owes: one for each transition that it was shown, one for each that it was handed out.
    pub owed: u64,
}

/// How it is being ended.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// SIGTERM; none once it was sent.
    pub terminate_at: Option<u64>,
    /// SIGKILL of the whole cell; none once it was sent.
    pub kill_at: Option<u64>,
}

#[derive(Debug)]
pub struct Instance {
    pub name: String,
    /// Names its descriptors at the poller; never used again.
    pub serial: u64,
    pub slot: u32,
    pub tag: Tag,
    pub endpoints: BTreeSet<String>,
    pub tokens: Tokens,
    pub stop_order: u32,
    pub stop_within_ns: u64,

    /// The cell's first process, and a descriptor that is readable once the whole cell is gone.
    pub first: i32,
    pub cell: Option<OwnedFd>,
    pub cgroup: Option<Membership>,
    pub status: Option<OwnedFd>,
    pub control: Option<Control>,
    /// When its connection ended while it was alive, until the panel is told.
    pub closed_at: Option<u64>,
    /// Its output's pipe, until all who could write to it are gone.
    pub output: Option<OwnedFd>,
    /// The driver itself.
    pub pid: i32,
    pub driver: Option<OwnedFd>,
    /// Exit code or −signal, as the first process has told; a fact once the cell is gone.
    pub ending: Option<i32>,
    pub exit: Option<i32>,
    pub stop: Option<Stop>,
    /// `stop` has named it: it is forgotten once it is gone.
    pub forget: bool,

    pub claims: Claims,
    pub opened: BTreeSet<String>,
    /// Requests to open that the panel has not answered, with their endpoints.
    pub opening: BTreeMap<u64, Opening>,
    /// Its lanes in the current epoch, and the epoch whose binding that is (0: none yet).
    pub lanes: Vec<LaneSpec>,
    pub in_force: u64,
    /// Lanes of dead producers that it was told of.
    pub told_ended: BTreeSet<u64>,
    pub sandbox: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Opening {
    pub endpoint: String,
    pub verb: rtt_control::cell::Verb,
    pub token: String,
}

impl Instance {
    pub fn new(spec: &CellSpec, serial: u64, slot: u32) -> Self {
        Self {
            name: spec.instance.clone(),
            serial,
            slot,
            tag: spec.tag.clone(),
            endpoints: spec.endpoints.iter().map(|each| each.name.clone()).collect(),
            tokens: Tokens::new(&spec.tokens),
            stop_order: spec.stop_order,
            stop_within_ns: spec.stop_within_ns,
            first: 0,
            cell: None,
            cgroup: None,
            status: None,
            control: None,
            closed_at: None,
            output: None,
            pid: 0,
            driver: None,
            ending: None,
            exit: None,
            stop: None,
            forget: false,
            claims: Claims::default(),
            opened: BTreeSet::new(),
            opening: BTreeMap::new(),
            lanes: Vec::new(),
            in_force: 0,
            told_ended: BTreeSet::new(),
            sandbox: Vec::new(),
        }
    }

    pub fn alive(&self) -> bool {
        self.exit.is_none()
    }

    /// `imu` of `imu.3`.
    pub fn driver_name(&self) -> &str {
        rtt_control::names::split_instance(&self.name).map_or(&self.name, |(driver, _)| driver)
    }

    pub fn state(&self) -> InstanceState {
        match self {
            _ if self.exit.is_some() => InstanceState::Exited,
            _ if self.in_force > 0 => InstanceState::Running,
            _ if self.claims.parked => InstanceState::Parked,
            _ => InstanceState::Starting,
        }
    }

    pub fn fact(&self) -> InstanceFact {
        InstanceFact {
            instance: self.name.clone(),
            tag: self.tag.clone(),
            pid: self.pid,
            state: self.state(),
            exit: self.exit,
            acknowledged: self.claims.acknowledged,
            opened: self.opened.iter().cloned().collect(),
            lanes: self.lanes.clone(),
            sandbox: self.sandbox.clone(),
            connected: self.control.is_some(),
        }
    }
}
