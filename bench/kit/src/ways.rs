//! Ways to wait for a frame: the kit's policies, and a blocking socket to compare them with.
use std::os::fd::OwnedFd;
use std::time::Duration;

use rtt_bench::Outcome;
use rtt_bench::trips::PAYLOAD;
use rtt_control::lane::Wait;
use rtt_driver::{Driver, Input, Output};
use rtt_lane::clock;
use rustix::io::Errno;
use rustix::io::{read, write};
use rustix::net::sockopt::{Timeout, set_socket_timeout};

use crate::rig::{self, Lane};

/// A frame that comes later than this is lost.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Looks of a poller between two looks at the clock.
const POLLS_PER_LOOK: u32 = 1 << 16;

const SPIN_NS: u64 = 20_000;

/// The policies, each on a lane of its own.
pub const LANES: [Lane; 3] = [
    Lane { name: "poll", wait: Wait::Sleep, spin_ns: 0 },
    Lane { name: "spin", wait: Wait::SpinThenSleep, spin_ns: SPIN_NS },
    Lane { name: "sleep", wait: Wait::Sleep, spin_ns: 0 },
];
pub const LABELS: [&str; LANES.len()] = ["poll", "spin 20 us, then sleep", "sleep"];
pub const SOCKET: &str = "Unix socket, blocking";

pub enum Sending {
    Kit(Output),
    Socket(OwnedFd),
}

impl Sending {
    /// All ways in the order of their names: the lanes, then the socket.
    pub fn all(driver: &Driver, socket: OwnedFd) -> Outcome<Vec<Self>> {
        let kit = LANES.iter().map(|lane| Ok(Self::Kit(rig::output(driver, lane.name)?)));
        kit.chain([Ok(Self::Socket(socket))]).collect()
    }

    #[inline]
    pub fn send(&mut self, payload: &[u8; PAYLOAD]) {
        match self {
            Self::Kit(output) => drop(output.send(payload).expect("a full lane blocks for a bounded time only")),
            Self::Socket(socket) => assert!(write(socket, payload) == Ok(PAYLOAD), "bug: a message went in parts"),
        }
    }
}

pub enum Receiving {
    Polled(Input),
    Kit(Input),
    Socket(OwnedFd),
}

impl Receiving {
    pub fn all(driver: &Driver, socket: OwnedFd) -> Outcome<Vec<Self>> {
        let kit = LANES.iter().map(|lane| {
            let input = rig::input(driver, lane.name)?;
            Ok(if lane.name == LANES[0].name { Self::Polled(input) } else { Self::Kit(input) })
        });
        kit.chain([Ok(Self::Socket(socket))]).collect()
    }

    /// Waits for a frame by the way's own means; false when `within` is over.
    #[inline]
    pub fn receive(&mut self, into: &mut [u8; PAYLOAD], within: Duration) -> Outcome<bool> {
        match self {
            Self::Polled(input) => poll(input, into, within),
            Self::Kit(input) => Ok(input.receive_into(into, within)?.is_some()),
            Self::Socket(socket) => match read(socket, into) {
                Err(Errno::AGAIN) => Ok(false),
                bytes => Ok(bytes? == PAYLOAD),
            },
        }
    }

    /// A socket's bound is not of a call but of its own: frames that follow are waited for this long.
    pub fn bound(&mut self, within: Duration) -> Outcome {
        if let Self::Socket(socket) = self {
            set_socket_timeout(&*socket, Timeout::Recv, Some(within))?;
        }
        Ok(())
    }
}

fn poll(input: &mut Input, into: &mut [u8; PAYLOAD], within: Duration) -> Outcome<bool> {
    let deadline = clock::now() + within.as_nanos() as u64;
    loop {
        for _ in 0..POLLS_PER_LOOK {
            if input.receive_into(into, Duration::ZERO)?.is_some() {
                return Ok(true);
            }
            std::hint::spin_loop();
        }
        if clock::now() > deadline {
            return Ok(false);
        }
    }
}
