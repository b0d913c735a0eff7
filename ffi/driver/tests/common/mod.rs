//! A keeper for tests: it makes sealed regions, stages, hands out and flips as the real one does, over real sockets.
#![allow(dead_code, reason = "each test file uses a part of it")]

mod links;
pub mod pair;

pub use links::{Knobs, Link};
use links::{memfd, read_only, spec};
use rtt_control::cell::{Direction, Endpoint, OpenToken};
use rtt_control::driver::{DriverToKeeper, KeeperToDriver, Verb, Welcome};
use rtt_control::lane::{LaneSpec, Region, Side, StagedBinding};
use rtt_control::packet::{Mode, receive, send};
use rtt_driver::Driver;
use rtt_lane::layout::{CONSUMER_PAGE, PRODUCER_PAGE, REGION_HEADER};
use rtt_lane::{ViewMut, Words, WordsMut};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{SealFlags, fcntl_add_seals, fcntl_get_seals};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long a living driver may take for one answer.
pub const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub struct Staged {
    pub id: u64,
    pub from: u64,
    pub forward: u64,
    pub inverse: u64,
    pub concerned: Vec<String>,
    old: Vec<Link>,
    new: Vec<Link>,
}

struct Made {
    region: Region,
    memfd: OwnedFd,
    mapped: Option<ViewMut>,
}

pub struct Keeper {
    page: ViewMut,
    page_descriptor: OwnedFd,
    sockets: BTreeMap<String, OwnedFd>,
    /// The epoch of the binding in force of each driver.
    base: BTreeMap<String, u64>,
    regions: BTreeMap<u64, Made>,
    places: BTreeMap<u64, LaneSpec>,
    next_epoch: u64,
    next_region: u64,
    next_lane: u64,
    /// Drivers that are given up: they are shown nothing.
    pub given_up: BTreeSet<String>,
    pub links: Vec<Link>,
}

impl Keeper {
    pub fn new() -> Self {
        let page_descriptor = memfd(4096);
        let page = ViewMut::map(&page_descriptor, 4096).unwrap();
        Self {
            page,
            page_descriptor,
            sockets: BTreeMap::new(),
            base: BTreeMap::new(),
            regions: BTreeMap::new(),
            places: BTreeMap::new(),
            next_epoch: 1,
            next_region: 1,
            next_lane: 1,
            given_up: BTreeSet::new(),
            links: Vec::new(),
        }
    }

    pub fn pair() -> (OwnedFd, OwnedFd) {
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap()
    }

    /// A driver in this process. `outs` names each output and the inputs that it depends on.
    pub fn start(&mut self, instance: &str, ins: &[&str], outs: &[(&str, &[&str])]) -> Driver {
        let (near, far) = Self::pair();
        let driver = std::thread::spawn(move || Driver::from_socket(far));
        self.welcome(instance, near, ins, outs);
        driver.join().unwrap().unwrap()
    }

    /// The keeper's side of the handshake.
    pub fn welcome(&mut self, instance: &str, socket: OwnedFd, ins: &[&str], outs: &[(&str, &[&str])]) {
        let endpoint = |name: &&str, direction, depends: &[&str]| Endpoint {
            depends_on: depends.iter().map(|each| (*each).to_owned()).collect(),
            ..Endpoint::opaque(name, direction)
        };
        let mut endpoints: Vec<Endpoint> = ins.iter().map(|name| endpoint(name, Direction::In, &[])).collect();
        endpoints.extend(outs.iter().map(|(name, depends)| endpoint(name, Direction::Out, depends)));
        let token = |endpoint: &Endpoint| OpenToken {
            endpoint: endpoint.name.clone(),
            verb: if endpoint.direction == Direction::In { Verb::Receive } else { Verb::Send },
            token: "5a".repeat(32),
            expires_ns: u64::MAX,
        };
        let welcome = Welcome {
            protocol: 1,
            instance: instance.into(),
            tokens: endpoints.iter().map(token).collect(),
            endpoints,
            ..Welcome::default()
        };
        self.sockets.insert(instance.into(), socket);
        assert!(matches!(self.hear(instance), DriverToKeeper::Hello { protocol: 1, .. }));
        let page = read_only(&self.page_descriptor);
        self.say_with(instance, &KeeperToDriver::Welcome(welcome), &[&page]);
        loop {
            match self.hear(instance) {
                DriverToKeeper::Open { request, token, .. } => {
                    assert_eq!(token, "5a".repeat(32));
                    self.say(instance, &KeeperToDriver::Opened { request, refusal: String::new() });
                }
                DriverToKeeper::Parked => return,
                other => panic!("{instance} says {other:?} before it parks"),
            }
        }
    }

    pub fn say(&self, instance: &str, message: &KeeperToDriver) {
        self.say_with(instance, message, &[]);
    }

    fn say_with(&self, instance: &str, message: &KeeperToDriver, descriptors: &[&OwnedFd]) {
        let descriptors: Vec<_> = descriptors.iter().map(|each| each.as_fd()).collect();
        send(&self.sockets[instance], &message.to_bytes().unwrap(), &descriptors, Mode::Wait).unwrap();
    }

    /// The next message of a driver, or a panic when it takes too long.
    pub fn hear(&self, instance: &str) -> DriverToKeeper {
        self.hear_within(instance, PATIENCE).unwrap_or_else(|| panic!("{instance} says nothing"))
    }

    pub fn hear_within(&self, instance: &str, patience: Duration) -> Option<DriverToKeeper> {
        let socket = &self.sockets[instance];
        let timeout = Timespec { tv_sec: patience.as_secs() as i64, tv_nsec: i64::from(patience.subsec_nanos()) };
        if poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&timeout)).unwrap() == 0 {
            return None;
        }
        Some(DriverToKeeper::from_bytes(&receive(socket, Mode::Wait).unwrap().bytes).unwrap())
    }

    pub fn expect(&self, instance: &str, wanted: &DriverToKeeper) {
        let until = Instant::now() + PATIENCE;
        loop {
            let heard = self.hear(instance);
            if heard == *wanted {
                return;
            }
            // Acknowledgements of earlier epochs may still come.
            assert!(
                matches!(heard, DriverToKeeper::Acknowledged(_)),
                "{instance} says {heard:?} instead of {wanted:?}"
            );
            assert!(Instant::now() < until, "{instance} never says {wanted:?}");
        }
    }

    pub fn link(&mut self, from: (&str, &str), to: (&str, &str), knobs: Knobs) -> Link {
        let id = self.next_lane;
        self.next_lane += 1;
        Link { id, from: (from.0.into(), from.1.into()), to: (to.0.into(), to.1.into()), knobs }
    }

    /// Shows the drivers that are concerned both bindings, without waiting for any answer.
    pub fn show(&mut self, new: Vec<Link>) -> Staged {
        let old = self.links.clone();
        let changed =
            old.iter().filter(|link| !new.contains(link)).chain(new.iter().filter(|link| !old.contains(link)));
        let concerned: BTreeSet<String> = changed.flat_map(|link| [link.from.0.clone(), link.to.0.clone()]).collect();
        let added: Vec<Link> = new.iter().filter(|link| !old.contains(link)).cloned().collect();
        self.lay_out(&added);
        let staged = Staged {
            id: self.next_epoch,
            from: self.epoch(),
            forward: self.next_epoch,
            inverse: self.next_epoch + 1,
            concerned: concerned.into_iter().filter(|each| !self.given_up.contains(each)).collect(),
            old,
            new,
        };
        self.next_epoch += 2;
        for instance in &staged.concerned {
            let writes: Vec<&Made> =
                self.regions.values().filter(|made| made.region.writer == *instance && made.mapped.is_none()).collect();
            let message = KeeperToDriver::Stage {
                id: staged.id,
                binding: StagedBinding {
                    instance: instance.clone(),
                    forward: self.lanes_of(instance, &staged.new),
                    inverse: self.lanes_of(instance, &staged.old),
                    must_acknowledge: true,
                },
                writes: writes.iter().map(|made| made.region.clone()).collect(),
                forward: staged.forward,
                inverse: staged.inverse,
                base: self.base.get(instance).copied().unwrap_or(0),
                last: true,
            };
            let descriptors: Vec<&OwnedFd> = writes.iter().map(|made| &made.memfd).collect();
            self.say_with(instance, &message, &descriptors);
        }
        staged
    }

    /// Seals what was mapped and hands it to the readers. A stopped driver's region may not be mapped yet, so it is the
    /// caller's affair to wait for `mapped` first.
    pub fn hand_out(&mut self, staged: &Staged) {
        let fresh: Vec<u64> =
            self.regions.values().filter(|made| made.mapped.is_none()).map(|made| made.region.region).collect();
        for region in &fresh {
            let made = self.regions.get_mut(region).unwrap();
            // For looking at figures: a mapping from before the seal, which never writes.
            made.mapped = Some(ViewMut::map(&made.memfd, made.region.bytes).unwrap());
            fcntl_add_seals(&made.memfd, SealFlags::FUTURE_WRITE | SealFlags::SEAL).unwrap();
            assert!(
                fcntl_get_seals(&made.memfd)
                    .unwrap()
                    .contains(SealFlags::FUTURE_WRITE | SealFlags::SEAL | SealFlags::SHRINK)
            );
        }
        for instance in &staged.concerned {
            let reads: Vec<&Made> = fresh
                .iter()
                .map(|region| &self.regions[region])
                .filter(|made| made.region.reader == *instance)
                .collect();
            let descriptors: Vec<OwnedFd> = reads.iter().map(|made| read_only(&made.memfd)).collect();
            let message = KeeperToDriver::HandOut {
                id: staged.id,
                reads: reads.iter().map(|made| made.region.clone()).collect(),
                last: true,
            };
            self.say_with(instance, &message, &descriptors.iter().collect::<Vec<_>>());
        }
    }

    /// Both barriers of prepare.
    pub fn stage(&mut self, new: Vec<Link>) -> Staged {
        let staged = self.show(new);
        for instance in &staged.concerned {
            self.expect(instance, &DriverToKeeper::Mapped(staged.id));
        }
        self.hand_out(&staged);
        for instance in &staged.concerned {
            self.expect(instance, &DriverToKeeper::Ready(staged.id));
        }
        staged
    }

    pub fn epoch(&self) -> u64 {
        self.page.load64(0, Ordering::Acquire)
    }

    /// The decision. Nobody is waited for.
    pub fn flip(&mut self, to: u64) {
        self.page.store64(0, to, Ordering::SeqCst);
        rtt_lane::wait::wake(self.page.futex(0));
    }

    /// A transition of drivers that are not here.
    pub fn elsewhere(&mut self) {
        let epoch = self.next_epoch;
        self.next_epoch += 2;
        self.flip(epoch);
    }

    pub fn await_acknowledged(&self, staged: &Staged, epoch: u64) {
        for instance in &staged.concerned {
            self.expect(instance, &DriverToKeeper::Acknowledged(epoch));
        }
    }

    /// After commit or rollback.
    pub fn settle(&mut self, staged: &Staged, in_force: u64) {
        self.links = if in_force == staged.forward { staged.new.clone() } else { staged.old.clone() };
        let used: BTreeSet<u64> = self
            .links
            .iter()
            .flat_map(|link| self.places.get(&link.id))
            .flat_map(|place| [place.ring_region, place.credit_region])
            .collect();
        let gone: Vec<u64> = self.regions.keys().copied().filter(|region| !used.contains(region)).collect();
        for instance in &staged.concerned {
            self.base.insert(instance.clone(), in_force);
            self.say(instance, &KeeperToDriver::Settle { id: staged.id, gone: gone.clone(), in_force });
        }
    }

    /// Regions of a transition that was discarded before they were handed out.
    pub fn forget_regions(&mut self, discarded: &Staged) {
        for link in discarded.new.iter().filter(|link| !discarded.old.contains(link)) {
            let place = &self.places[&link.id];
            self.regions.remove(&place.ring_region);
            self.regions.remove(&place.credit_region);
        }
    }

    pub fn discard(&mut self, staged: &Staged) {
        for instance in &staged.concerned {
            self.say(instance, &KeeperToDriver::Discard(staged.id));
        }
    }

    /// A whole apply.
    pub fn apply(&mut self, new: Vec<Link>) -> Staged {
        let staged = self.stage(new);
        self.flip(staged.forward);
        self.await_acknowledged(&staged, staged.forward);
        self.settle(&staged, staged.forward);
        staged
    }

    /// The two regions of each pair of drivers that gets lanes.
    fn lay_out(&mut self, added: &[Link]) {
        let pairs: BTreeSet<(String, String)> = added
            .iter()
            .flat_map(|link| [(link.from.0.clone(), link.to.0.clone()), (link.to.0.clone(), link.from.0.clone())])
            .collect();
        let mut regions = BTreeMap::new();
        for (writer, reader) in pairs {
            let mut cursor = REGION_HEADER;
            for link in added.iter().filter(|link| link.from.0 == writer && link.to.0 == reader) {
                let place = self.places.entry(link.id).or_insert_with(|| spec(link));
                (place.ring_region, place.producer_page, place.ring) =
                    (self.next_region, cursor, cursor + PRODUCER_PAGE);
                cursor += PRODUCER_PAGE + link.knobs.ring_bytes;
            }
            for link in added.iter().filter(|link| link.to.0 == writer && link.from.0 == reader) {
                let place = self.places.entry(link.id).or_insert_with(|| spec(link));
                (place.credit_region, place.consumer_page) = (self.next_region, cursor);
                cursor += CONSUMER_PAGE;
            }
            let region = Region { region: self.next_region, writer, reader, bytes: cursor };
            regions.insert(self.next_region, Made { memfd: memfd(cursor), region, mapped: None });
            self.next_region += 1;
        }
        self.regions.extend(regions);
    }

    fn lanes_of(&self, instance: &str, links: &[Link]) -> Vec<LaneSpec> {
        let mut lanes = Vec::new();
        for link in links {
            let place = &self.places[&link.id];
            if link.from.0 == instance {
                lanes.push(LaneSpec {
                    side: Side::Producer,
                    endpoint: link.from.1.clone(),
                    peer: link.to.0.clone(),
                    ..place.clone()
                });
            }
            if link.to.0 == instance {
                lanes.push(LaneSpec {
                    side: Side::Consumer,
                    endpoint: link.to.1.clone(),
                    peer: link.from.0.clone(),
                    ..place.clone()
                });
            }
        }
        lanes
    }

    /// A lane's ring as whoever writes it can: where it lies, and how many bytes it has.
    pub fn ring(&self, link: &Link) -> (ViewMut, usize, usize) {
        let place = &self.places[&link.id];
        let ring = self.regions[&place.ring_region].mapped.clone().unwrap();
        (ring, place.ring as usize, place.ring_bytes as usize)
    }

    /// What the panel sees of a lane.
    pub fn figures(&self, link: &Link) -> rtt_lane::figures::Figures {
        let place = &self.places[&link.id];
        let ring = &self.regions[&place.ring_region];
        let credit = &self.regions[&place.credit_region];
        let geometry = rtt_lane::Geometry::check(
            (place.producer_page, place.ring, place.ring_bytes, ring.region.bytes),
            (place.consumer_page, credit.region.bytes),
            place.max_frame_bytes,
        )
        .unwrap();
        let (ring, credit) = (ring.mapped.as_ref().unwrap(), credit.mapped.as_ref().unwrap());
        rtt_lane::figures::figures(ring, credit, &geometry, rtt_lane::clock::now())
    }
}
