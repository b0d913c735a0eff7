//! A panel as small as can be, above a real keeper.
mod graph;

pub use graph::{cell, many_lanes, one_lane};
use rtt_control::cell::ClosureFile;
use rtt_control::lane::Transition;
use rtt_control::packet::{self, Mode};
use rtt_control::panel::{Event, Inventory, KeeperToPanel, Outcome, PanelToKeeper, Request, What};
use rustix::fs::MemfdFlags;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::collections::VecDeque;
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

pub const WITHIN: Duration = Duration::from_secs(10);

/// A keeper of its own, in a folder of its own; ends with this value.
pub struct House {
    pub folder: PathBuf,
    pub keeper: Child,
}

impl House {
    pub fn new() -> Self {
        Self::with(in_memory)
    }

    /// With the drivers' program from `drivers`.
    pub fn with(drivers: fn(&Path) -> OwnedFd) -> Self {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // A path longer than the address of a socket may be.
        let name = format!("rtt-keeper-{}-{number}-{}", std::process::id(), "long".repeat(25));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(folder.join("store")).expect("a folder");
        let keeper = start(&folder, drivers(&folder));
        Self { folder, keeper }
    }

    pub fn run(&self) -> PathBuf {
        self.folder.join("run")
    }

    pub fn log(&self, driver: &str) -> String {
        fs::read_to_string(self.folder.join("logs").join(format!("{driver}.log"))).unwrap_or_default()
    }

    /// Puts an object into the store.
    pub fn store(&self, path: &str, content: &[u8]) -> ClosureFile {
        use sha2::{Digest, Sha256};
        let hash: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(self.folder.join("store").join(&hash), content).expect("a store object");
        ClosureFile { path: path.to_owned(), hash, executable: false }
    }

    pub fn restart(&mut self) {
        self.keeper = start(&self.folder, in_memory(&self.folder));
    }

    /// Kills it and waits for it, and nothing else.
    pub fn kill(&mut self) {
        self.keeper.kill().expect("killed");
        self.keeper.wait().expect("waited for");
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // In order, so that nothing is left; a test that has failed gets no further wait.
        // SAFETY: our own child, not yet waited for.
        unsafe { libc::kill(self.keeper.id().cast_signed(), libc::SIGTERM) };
        let begun = Instant::now();
        while begun.elapsed() < WITHIN && !std::thread::panicking() && matches!(self.keeper.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
        if std::thread::panicking() {
            for entry in fs::read_dir(self.folder.join("logs")).into_iter().flatten().flatten() {
                let text = fs::read_to_string(entry.path()).unwrap_or_default();
                let end: Vec<&str> = text.lines().rev().take(20).collect();
                eprintln!("{}: {end:#?}", entry.path().display());
            }
        } else {
            assert_eq!(control_groups(&self.run()), 0, "control groups are left behind");
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The drivers' program is this test itself (`play`), in a memfd.
pub fn in_memory(_: &Path) -> OwnedFd {
    let writable = rustix::fs::memfd_create("drivers", MemfdFlags::empty()).expect("a memfd");
    let mut program = fs::File::open("/proc/self/exe").expect("this program");
    std::io::copy(&mut program, &mut fs::File::from(writable.try_clone().expect("a copy"))).expect("a copy of it");
    read_only(format!("/proc/self/fd/{}", writable.as_raw_fd()).as_ref())
}

/// In a private file, as where no memfd may be executed.
pub fn on_disk(folder: &Path) -> OwnedFd {
    let path = folder.join("rtt-drivers");
    fs::copy("/proc/self/exe", &path).expect("a copy of this program");
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("private");
    read_only(&path)
}

/// Not close-on-exec: for the keeper.
fn read_only(path: &Path) -> OwnedFd {
    rustix::fs::open(path, rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty()).expect("read-only")
}

fn start(folder: &Path, drivers: OwnedFd) -> Child {
    Command::new(env!("CARGO_BIN_EXE_rtt-keeper"))
        .args(["--run".as_ref(), folder.join("run").as_os_str()])
        .args(["--project".as_ref(), folder.as_os_str(), "--store".as_ref(), folder.join("store").as_os_str()])
        .args(["--logs".as_ref(), folder.join("logs").as_os_str()])
        .args(["--drivers-fd", &drivers.as_raw_fd().to_string()])
        .spawn()
        .expect("a keeper")
}

pub struct TestPanel {
    pub socket: OwnedFd,
    pub generation: u64,
    next: u64,
    /// As they came, and those that were taken note of.
    pub events: VecDeque<Event>,
    pending: VecDeque<Event>,
    /// Descriptors that came with the last reply.
    pub descriptors: Vec<OwnedFd>,
    /// Whether events are acknowledged as they come.
    pub acknowledges: bool,
}

impl TestPanel {
    pub fn attach(house: &House) -> Self {
        let mut panel = Self::connect(house);
        let outcome = panel.ask(Request::Attach { protocol: 1, panel: "test".to_owned() });
        let Outcome::Attached { generation, .. } = outcome else { panic!("not attached: {outcome:?}") };
        panel.generation = generation;
        panel
    }

    pub fn connect(house: &House) -> Self {
        let begun = Instant::now();
        let socket = loop {
            match try_connect(house) {
                Ok(socket) => break socket,
                Err(error) => assert!(begun.elapsed() < WITHIN, "no keeper to connect to: {error}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let (events, pending, descriptors) = (VecDeque::new(), VecDeque::new(), Vec::new());
        Self { socket, generation: 0, next: 1, events, pending, descriptors, acknowledges: true }
    }

    /// Sends a request and waits for its answer; events that come meanwhile are kept.
    pub fn ask(&mut self, request: Request) -> Outcome {
        let id = self.send(request);
        loop {
            match self.receive() {
                KeeperToPanel::Event(event) => self.events.push_back(event),
                KeeperToPanel::Reply { id: of, outcome } => {
                    assert_eq!(of, id, "an answer to another request: {outcome:?}");
                    return outcome;
                }
            }
        }
    }

    pub fn send(&mut self, request: Request) -> u64 {
        let id = self.next;
        self.next += 1;
        let message = PanelToKeeper { id, generation: self.generation, request };
        packet::send(&self.socket, &message.to_bytes().expect("a message"), &[], Mode::Wait).expect("sent");
        id
    }

    pub fn done(&mut self, request: Request) -> u64 {
        match self.ask(request.clone()) {
            Outcome::Done { epoch, .. } => epoch,
            other => panic!("{request:?} → {other:?}"),
        }
    }

    /// The code of a refusal.
    pub fn refused(&mut self, request: Request) -> String {
        match self.ask(request.clone()) {
            Outcome::Refused { code, .. } => code,
            other => panic!("{request:?} → {other:?}"),
        }
    }

    pub fn inventory(&mut self) -> Inventory {
        let mut whole = Inventory::default();
        let mut outcome = self.ask(Request::Inventory {});
        loop {
            let Outcome::Done { inventory: Some(part), more, .. } = outcome else { panic!("{outcome:?}") };
            whole.epoch = part.epoch;
            whole.last_epoch = part.last_epoch;
            whole.instances.extend(part.instances);
            whole.regions.extend(part.regions);
            whole.transitions.extend(part.transitions);
            if !more {
                return whole;
            }
            outcome = loop {
                match self.receive() {
                    KeeperToPanel::Event(event) => self.events.push_back(event),
                    KeeperToPanel::Reply { outcome, .. } => break outcome,
                }
            };
        }
    }

    fn receive(&mut self) -> KeeperToPanel {
        readable(&self.socket);
        let packet = packet::receive(&self.socket, Mode::Wait).expect("a packet of the keeper");
        let message = KeeperToPanel::from_bytes(&packet.bytes).expect("a message of the keeper");
        if let KeeperToPanel::Reply { .. } = message {
            self.descriptors = packet.descriptors;
        }
        message
    }

    /// The next event of an instance that is wanted; those before it of the same instance are passed over, those of
    /// others are kept. Opens are answered on the way.
    pub fn event(&mut self, instance: &str, wanted: impl Fn(&What) -> bool) -> Event {
        loop {
            while let Some(event) = self.events.pop_front() {
                self.take(event);
            }
            while let Some(at) = self.pending.iter().position(|event| event.instance == instance) {
                let event = self.pending.remove(at).expect("it was just found");
                if wanted(&event.what) {
                    return event;
                }
                if let What::Failed { code, message } = &event.what {
                    panic!("{instance} failed: {message} [{code}]");
                }
            }
            match self.receive() {
                KeeperToPanel::Event(event) => self.events.push_back(event),
                KeeperToPanel::Reply { outcome, .. } => panic!("an answer to nothing: {outcome:?}"),
            }
        }
    }

    fn take(&mut self, event: Event) {
        if self.acknowledges {
            self.done(Request::Acknowledge { seq: event.seq });
        }
        if let What::Open { request, .. } = event.what {
            let instance = event.instance.clone();
            self.done(Request::AnswerOpen { instance, request, refusal: String::new() });
        }
        self.pending.push_back(event);
    }

    /// The code of the next failure of an instance.
    pub fn failure(&mut self, instance: &str) -> String {
        match self.event(instance, |what| matches!(what, What::Failed { .. })).what {
            What::Failed { code, .. } => code,
            other => panic!("{other:?}"),
        }
    }

    pub fn exited(&mut self, instance: &str) -> i32 {
        match self.event(instance, |what| matches!(what, What::Exited { .. })).what {
            What::Exited { exit } => exit,
            other => panic!("{other:?}"),
        }
    }

    /// Starts `rtt:<play>` as `instance` and waits until it has parked.
    pub fn start(&mut self, instance: &str, play: &str) {
        self.done(Request::Spawn { cell: Box::new(cell(instance, play)) });
        self.event(instance, |what| *what == What::Parked);
    }

    /// Start, stage, map, seal, ready: all but the flip.
    pub fn prepare(&mut self, transition: &Transition) {
        self.done(Request::Stage { transition: transition.clone(), last: true });
        self.map_and_seal(transition);
    }

    /// In as many parts as it takes; the last one is answered.
    pub fn stage(&mut self, transition: &Transition) {
        let mut parts = transition.parts();
        let last = parts.pop().expect("at least one part");
        for transition in parts {
            self.send(Request::Stage { transition, last: false });
        }
        self.done(Request::Stage { transition: last, last: true });
    }

    pub fn map_and_seal(&mut self, transition: &Transition) {
        for binding in &transition.bindings {
            self.event(&binding.instance, |what| *what == What::Mapped { transition: transition.id });
        }
        self.done(Request::Seal { transition: transition.id });
        for binding in &transition.bindings {
            self.event(&binding.instance, |what| *what == What::Ready { transition: transition.id });
        }
    }

    pub fn flip(&mut self, transition: &Transition, from: u64, to: u64) {
        assert_eq!(self.done(Request::Flip { from, to }), to);
        for binding in &transition.bindings {
            self.event(&binding.instance, |what| *what == What::Acknowledged { epoch: to });
        }
    }
}

pub fn try_connect(house: &House) -> Result<OwnedFd, String> {
    let folder = fs::File::open(house.run()).map_err(|error| error.to_string())?;
    let path = format!("/proc/self/fd/{}/keeper.sock", folder.as_raw_fd());
    let address = SocketAddrUnix::new(path).map_err(|error| error.to_string())?;
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
        .map_err(|error| error.to_string())?;
    connect(&socket, &address).map_err(|error| error.to_string())?;
    Ok(socket)
}

/// Waits for something to read, but not for ever.
pub fn readable(socket: &OwnedFd) {
    let mut poll = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let milliseconds = i32::try_from(WITHIN.as_millis()).expect("a short time");
    // SAFETY: one structure, which outlives the call.
    assert_eq!(unsafe { libc::poll(&raw mut poll, 1, milliseconds) }, 1, "nothing came in {WITHIN:?}");
}

pub fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < WITHIN, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Groups of this keeper's cells, in whatever trees this host has.
pub fn control_groups(run: &Path) -> usize {
    let facts = fs::metadata(run).expect("the run folder");
    let ours = format!("rtt-{}-", facts.dev().rotate_left(40) ^ facts.ino());
    fn count(folder: &Path, ours: &str, depth: u32) -> usize {
        let Ok(entries) = fs::read_dir(folder) else { return 0 };
        let of = |entry: fs::DirEntry| {
            let here = usize::from(entry.file_name().to_string_lossy().starts_with(ours));
            let below = entry.file_type().is_ok_and(|kind| kind.is_dir()) && depth > 0;
            here + if below { count(&entry.path(), ours, depth - 1) } else { 0 }
        };
        entries.flatten().map(of).sum()
    }
    count(Path::new("/sys/fs/cgroup"), &ours, 4)
}
