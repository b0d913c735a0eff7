//! Drivers of the tests: an honest one, and each kind of wrong one.
pub mod reader;

use rtt_control::driver::{DriverToKeeper, KeeperToDriver, Welcome};
use rtt_control::packet::{self, Mode, Packet};
use rustix::fs::{FallocateFlags, SealFlags, fallocate, fcntl_add_seals};
use rustix::mm::{MapFlags, ProtFlags, mmap};
use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

struct Player {
    socket: OwnedFd,
    play: String,
    epoch: Option<*const AtomicU64>,
    /// Epochs that it is shown, and whether it has acknowledged them.
    edges: BTreeMap<u64, bool>,
    /// First word of each region that it maps.
    mapped: Vec<*mut u8>,
}

/// Never returns: the process is the driver.
pub fn run(play: &str) -> ! {
    if play == "unsealed" {
        // Outside of any cell: what a reader's tries do where nothing is in their way.
        tell(reader::attempts_on_unsealed());
        std::process::exit(0);
    }
    // SAFETY: descriptor 3 is the control socket of every driver.
    let socket = unsafe { OwnedFd::from_raw_fd(3) };
    let mut player = Player { socket, play: play.to_owned(), epoch: None, edges: BTreeMap::new(), mapped: Vec::new() };
    if play == "stubborn" {
        // SAFETY: the signal is ignored, no function of ours is called.
        unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
    }
    loop {
        player.follow_epoch();
        let mut poll = libc::pollfd { fd: player.socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one structure, which outlives the call.
        if unsafe { libc::poll(&raw mut poll, 1, 1) } != 1 {
            continue;
        }
        match packet::receive(&player.socket, Mode::Wait) {
            Ok(packet) => player.hear(packet),
            Err(_) => std::process::exit(0),
        }
    }
}

impl Player {
    fn say(&self, message: &DriverToKeeper) {
        let bytes = message.to_bytes().expect("a message");
        // A keeper that has given us up reads no more.
        let _ = packet::send(&self.socket, &bytes, &[], Mode::Wait);
    }

    fn raw(&self, bytes: &[u8]) {
        // SAFETY: the buffer outlives the call, and its length is given.
        unsafe { libc::send(self.socket.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), libc::MSG_NOSIGNAL) };
    }

    fn hear(&mut self, packet: Packet) {
        match KeeperToDriver::from_bytes(&packet.bytes).expect("a message of the keeper") {
            KeeperToDriver::Welcome(welcome) => {
                assert_eq!(packet.descriptors.len(), 1 + welcome.files.len(), "descriptors of the welcome");
                self.epoch = Some(map(&packet.descriptors[0], 4096, ProtFlags::READ).cast());
                self.greet(&welcome, &packet.descriptors[1..]);
            }
            KeeperToDriver::Opened { refusal, .. } => self.opened(&refusal),
            KeeperToDriver::Stage { id, writes, forward, inverse, last, .. } => {
                self.edges.insert(forward, false);
                self.edges.insert(inverse, false);
                for (region, fd) in writes.iter().zip(&packet.descriptors) {
                    self.map_own(region.bytes, fd);
                }
                if last {
                    self.staged(id);
                }
            }
            KeeperToDriver::HandOut { id, reads, last } => {
                for (region, fd) in reads.iter().zip(&packet.descriptors) {
                    self.check_read_only(region.bytes, fd);
                }
                if last {
                    self.say(&DriverToKeeper::Ready(id));
                }
            }
            KeeperToDriver::Discard(id) => {
                self.edges.remove(&id);
                self.edges.remove(&(id + 1));
                println!("discarded {id}");
                if self.play == "answers-over" {
                    self.say(&DriverToKeeper::Mapped(id));
                }
            }
            KeeperToDriver::Settle { .. } if self.play == "garbage-later" => self.raw(&[0xff; 300]),
            KeeperToDriver::Settle { id, gone, in_force } => println!("settled {id} at {in_force}, gone {gone:?}"),
            KeeperToDriver::LaneEnded { lane, epoch } => println!("lane {lane} ended at {epoch}"),
            // Only a signal ends these two.
            KeeperToDriver::Stop if ["stubborn", "silent"].contains(&self.play.as_str()) => {}
            KeeperToDriver::Stop => std::process::exit(0),
        }
    }

    fn greet(&self, welcome: &Welcome, files: &[OwnedFd]) {
        let hello = DriverToKeeper::Hello { protocol: 1, kit: "test".to_owned() };
        match self.play.as_str() {
            "silent" => return,
            "files" => return look(welcome, files),
            "noisy" => return self.noise(welcome),
            "garbage" => return self.raw(&[0xff; 300]),
            "empty-segments" => return self.raw(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
            "oversized" => return self.raw(&vec![0; 100 * 1024]),
            "open-first" => return self.say(&DriverToKeeper::Parked),
            "old-protocol" => return self.say(&DriverToKeeper::Hello { protocol: 99, kit: String::new() }),
            "passes-descriptors" => {
                let bytes = hello.to_bytes().expect("a message");
                return packet::send(&self.socket, &bytes, &[self.borrow()], Mode::Wait).expect("sent");
            }
            "hello-twice" => self.say(&hello),
            "loud" => (0..20_000).for_each(|line| println!("this is line {line} of very many")),
            _ => {}
        }
        self.say(&hello);
        for (request, token) in welcome.tokens.iter().enumerate() {
            let secret = if self.play == "wrong-token" { "c".repeat(64) } else { token.token.clone() };
            let verb = token.verb;
            let endpoint = if self.play == "other-endpoint" { "other".to_owned() } else { token.endpoint.clone() };
            self.say(&DriverToKeeper::Open { request: request as u64, endpoint, verb, token: secret });
        }
        if self.play == "parks-early" {
            self.say(&DriverToKeeper::Parked);
        }
    }

    /// Honest messages, broken ones and no messages at all, in any order.
    fn noise(&self, welcome: &Welcome) {
        let mut state = welcome.run.first().and_then(|text| text.parse::<u64>().ok()).unwrap_or(1) | 1;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..200 {
            let message = match next() % 7 {
                0 => DriverToKeeper::Hello { protocol: 1, kit: "noise".to_owned() },
                1 => DriverToKeeper::Open {
                    request: next() % 8,
                    endpoint: "out".to_owned(),
                    verb: rtt_control::driver::Verb::Send,
                    token: welcome.tokens[0].token.clone(),
                },
                2 => DriverToKeeper::Parked,
                3 => DriverToKeeper::Mapped(next() % 30),
                4 => DriverToKeeper::Ready(next() % 30),
                5 => DriverToKeeper::Acknowledged(next() % 30),
                _ => DriverToKeeper::Failed { code: "noise".to_owned(), message: "x".repeat((next() % 900) as usize) },
            };
            let mut bytes = message.to_bytes().expect("a message");
            for _ in 0..next() % 4 {
                let at = next() as usize % bytes.len();
                bytes[at] ^= 1 << (next() % 8);
            }
            if next() % 16 == 0 {
                bytes.truncate(1 + next() as usize % bytes.len());
            }
            self.raw(&bytes);
        }
    }

    fn borrow(&self) -> std::os::fd::BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.socket)
    }

    fn opened(&mut self, refusal: &str) {
        if !refusal.is_empty() {
            println!("refused: {refusal}");
            if self.play != "patient" {
                std::process::exit(4);
            }
        }
        // Both endpoints are answered, in order.
        self.edges.entry(0).and_modify(|second| *second = true).or_insert(false);
        if self.edges.get(&0) == Some(&true) {
            self.say(&DriverToKeeper::Parked);
        }
    }

    fn map_own(&mut self, bytes: u64, fd: &OwnedFd) {
        self.mapped.push(map(fd, bytes, ProtFlags::READ | ProtFlags::WRITE));
        match self.play.as_str() {
            "seals-early" => {
                let _ = fcntl_add_seals(fd, SealFlags::FUTURE_WRITE | SealFlags::SEAL);
            }
            "punches" => {
                let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                fallocate(fd, flags, 4096, 4096).expect("a hole");
            }
            _ => {}
        }
    }

    fn staged(&self, id: u64) {
        match self.play.as_str() {
            "never-answers" => {}
            "exits-in-prepare" => std::process::exit(9),
            "answers-another" => self.say(&DriverToKeeper::Mapped(id + 1_000)),
            "acknowledges-the-future" => self.say(&DriverToKeeper::Acknowledged(id)),
            "ready-too-soon" => self.say(&DriverToKeeper::Ready(id)),
            _ => self.say(&DriverToKeeper::Mapped(id)),
        }
    }

    /// What a reader is given can be read, and tries to write into it are told.
    fn check_read_only(&self, bytes: u64, fd: &OwnedFd) {
        // SAFETY: what was mapped is a page of the region at least.
        let _first = unsafe { map(fd, bytes, ProtFlags::READ).read_volatile() };
        tell(reader::attempts(fd, bytes));
    }

    /// Acknowledges, in order, every epoch that it was shown and that is in force or past.
    fn follow_epoch(&mut self) {
        let Some(word) = self.epoch else { return };
        // SAFETY: the page stays mapped while the process lives.
        let now = unsafe { (*word).load(Ordering::Acquire) };
        let due: Vec<u64> =
            self.edges.iter().filter(|(at, done)| **at > 0 && **at <= now && !**done).map(|(at, _)| *at).collect();
        for at in due {
            // The writable mapping made before the seal still writes.
            for page in &self.mapped {
                // SAFETY: what was mapped is a page of the region at least, and this driver is its one writer.
                unsafe { page.write_volatile(1) };
            }
            self.edges.insert(at, true);
            self.say(&DriverToKeeper::Acknowledged(at));
        }
    }
}

fn tell(tries: [(&str, bool); 6]) {
    for (name, done) in tries {
        println!("{name}: {done}");
    }
    println!("tried all");
}

/// Prints what becomes of each path of the command line, each passed file and each file to append to.
fn look(welcome: &Welcome, files: &[OwnedFd]) {
    use std::io::Write;
    for path in &welcome.run {
        match std::fs::read_to_string(path) {
            Ok(text) => println!("{path}: {}", text.lines().next().unwrap_or_default()),
            Err(error) => println!("{path}: refused ({error})"),
        }
    }
    for (file, fd) in welcome.files.iter().zip(files) {
        let text = std::io::read_to_string(std::fs::File::from(fd.try_clone().expect("a copy"))).expect("readable");
        println!("passed {}: {} lines", file.path, text.lines().count());
    }
    for path in std::env::var("APPEND").unwrap_or_default().split(':').filter(|path| !path.is_empty()) {
        let appended = std::fs::OpenOptions::new().append(true).open(path).and_then(|mut file| file.write_all(b"more"));
        println!("appended to {path}: {appended:?}");
    }
    println!("looked at all");
}

fn map(fd: &OwnedFd, bytes: u64, protection: ProtFlags) -> *mut u8 {
    // SAFETY: a new mapping at an address of the kernel's choice.
    let mapped = unsafe { mmap(std::ptr::null_mut(), bytes as usize, protection, MapFlags::SHARED, fd, 0) };
    mapped.expect("a mapping").cast()
}
