//! A driver process, started as the keeper starts it, that is stopped over several epochs.
mod common;

use common::{Keeper, Knobs, Staged};
use rtt_control::driver::{DriverToKeeper, KeeperToDriver};
use rtt_driver::Input;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Child, Command};
use std::time::Duration;

const RELAY: &str = env!("CARGO_BIN_EXE_rtt-relay");

/// Ends the process whatever becomes of the test.
struct Process(Child);

impl Process {
    fn relay(socket: &OwnedFd) -> Self {
        rustix::io::fcntl_setfd(socket, rustix::io::FdFlags::empty()).unwrap();
        let child = Command::new(RELAY).env("RTT_CONTROL_FD", socket.as_raw_fd().to_string()).spawn().unwrap();
        rustix::io::fcntl_setfd(socket, rustix::io::FdFlags::CLOEXEC).unwrap();
        Self(child)
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").arg(name).arg(self.0.id().to_string()).status().unwrap().success());
    }

    fn state(&self) -> char {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        stat.rsplit(") ").next().unwrap().chars().next().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn read(input: &mut Input) -> Option<u64> {
    let frame = input.receive(Duration::from_secs(10)).unwrap();
    frame.map(|frame| u64::from_le_bytes(frame.payload.try_into().unwrap()))
}

/// What the relay says once it goes on, in whatever order; it may acknowledge the epoch between as well.
fn hear_both(keeper: &Keeper, staged: &Staged, discarded: &Staged) {
    let mut wanted = vec![DriverToKeeper::Acknowledged(staged.inverse), DriverToKeeper::Mapped(discarded.id)];
    while !wanted.is_empty() {
        let heard = keeper.hear("relay.1");
        assert!(wanted.contains(&heard) || heard == DriverToKeeper::Acknowledged(staged.forward), "{heard:?}");
        wanted.retain(|each| *each != heard);
    }
}

#[test]
fn a_driver_that_slept_over_several_epochs_performs_each_of_them() {
    let mut keeper = Keeper::new();
    let source = keeper.start("source.1", &[], &[("out", &[])]);
    let sink = keeper.start("sink.1", &["in"], &[]);
    let (near, far) = Keeper::pair();
    let mut relay = Process::relay(&far);
    drop(far);
    keeper.welcome("relay.1", near, &["in"], &[("out", &["in"])]);
    let (mut output, mut input) = (source.output("out").unwrap(), sink.input("in").unwrap());
    let fresh = |keeper: &mut Keeper| {
        let knobs = Knobs { ring_bytes: 1 << 14, ..Knobs::default() };
        vec![
            keeper.link(("source.1", "out"), ("relay.1", "in"), knobs.clone()),
            keeper.link(("relay.1", "out"), ("sink.1", "in"), knobs),
        ]
    };
    let links = fresh(&mut keeper);
    keeper.apply(links);
    let mut next = 0_u64;
    let mut send = |count: u64| {
        for _ in 0..count {
            output.send(&next.to_le_bytes()).unwrap();
            next += 1;
        }
        next
    };
    send(10);
    for expected in 0..10 {
        assert_eq!(read(&mut input), Some(expected));
    }

    // Ready, then stopped: it sees neither flip, and of the second transition not even its messages.
    let links = fresh(&mut keeper);
    let staged = keeper.stage(links);
    relay.signal("-STOP");
    while relay.state() != 'T' {
        std::thread::sleep(Duration::from_millis(1));
    }
    send(10);
    keeper.flip(staged.forward);
    keeper.expect("source.1", &DriverToKeeper::Acknowledged(staged.forward));
    send(10);
    keeper.flip(staged.inverse);
    keeper.expect("source.1", &DriverToKeeper::Acknowledged(staged.inverse));
    send(10);
    keeper.settle(&staged, staged.inverse);
    keeper.elsewhere();
    let links = fresh(&mut keeper);
    let discarded = keeper.show(links);
    keeper.discard(&discarded);
    assert!(keeper.hear_within("relay.1", Duration::from_millis(50)).is_none(), "it is stopped");
    let seen = send(10);
    relay.signal("-CONT");
    for expected in 10..seen {
        assert_eq!(read(&mut input), Some(expected));
    }
    // It acknowledges what it performed, and the next apply finds it where it should be.
    hear_both(&keeper, &staged, &discarded);
    for instance in ["sink.1", "source.1"] {
        keeper.expect(instance, &DriverToKeeper::Mapped(discarded.id));
    }
    let links = fresh(&mut keeper);
    keeper.forget_regions(&discarded);
    keeper.apply(links);
    let last = send(10);
    for expected in seen..last {
        assert_eq!(read(&mut input), Some(expected));
    }
    keeper.say("relay.1", &KeeperToDriver::Stop);
    assert!(relay.0.wait().unwrap().success(), "a driver that is told to stop ends by itself");
}

#[test]
fn started_by_hand_a_driver_says_how_it_is_started() {
    for value in [None, Some("nonsense"), Some("2"), Some("999")] {
        let mut command = Command::new(RELAY);
        command.env_remove("RTT_CONTROL_FD");
        if let Some(value) = value {
            command.env("RTT_CONTROL_FD", value);
        }
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.contains("RTT_CONTROL_FD"), "{value:?}: {text}");
    }
}
