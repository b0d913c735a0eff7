//! The panel's end of the socket to the keeper. A thread of this library collects messages and descriptors all the time, so
//! that the keeper is never kept waiting by JavaScript; one call at a time waits for them; an eventfd stops the thread.
use crate::error::{PanelError, Result};
use crate::limits::{INCOMING, OUTGOING, PACKETS_A_TURN};
use crate::messages::{Joiner, packets};
use crate::table::{Table, locked};
use crate::telemetry::Telemetry;
use rtt_control::packet::{self, Mode};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::collections::VecDeque;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

pub static LINKS: Table<Link> = Table::new();

pub struct Link {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Descriptors of the message that was taken last.
    taken: Mutex<Vec<Option<OwnedFd>>>,
    pub telemetry: Mutex<Telemetry>,
}

struct Shared {
    socket: OwnedFd,
    wake: OwnedFd,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    incoming: VecDeque<Arrived>,
    outgoing: VecDeque<Vec<u8>>,
    stopping: bool,
    /// Why there will be no further packet.
    over: Option<PanelError>,
    somebody_waits: bool,
}

/// A message, and the descriptors that came with it.
struct Arrived {
    json: Vec<u8>,
    descriptors: Vec<OwnedFd>,
}

/// Connects to the keeper's socket in a folder. `None`: no keeper listens there.
pub fn open(folder: &str, name: &str) -> Result<Option<Link>> {
    let wrong = |error: Errno| PanelError::system("connect to the keeper", error);
    // Never blocking: a keeper that is stopped takes no connection, and whoever connects is JavaScript's only thread.
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).map_err(wrong)?;
    // By the folder's descriptor: its own path may be longer than an address.
    let Some(folder) = crate::folder::try_open(Path::new(folder))? else { return Ok(None) };
    let address = SocketAddrUnix::new(format!("/proc/self/fd/{}/{name}", folder.as_raw_fd())).map_err(wrong)?;
    match connect(&socket, &address) {
        Ok(()) => start(socket).map(Some),
        Err(Errno::NOENT | Errno::CONNREFUSED) => Ok(None),
        Err(error) => Err(wrong(error)),
    }
}

/// Begins to collect from a connected socket.
pub fn start(socket: OwnedFd) -> Result<Link> {
    let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
    let wake = eventfd(0, flags).map_err(|error| PanelError::system("make an eventfd", error))?;
    let shared = Arc::new(Shared { socket, wake, state: Mutex::default(), changed: Condvar::new() });
    let theirs = Arc::clone(&shared);
    let thread = std::thread::Builder::new()
        .name("rtt-link".into())
        .spawn(move || theirs.collect())
        .map_err(|error| PanelError::system("start a thread", error))?;
    Ok(Link { shared, thread: Mutex::new(Some(thread)), taken: Mutex::default(), telemetry: Mutex::default() })
}

impl Link {
    /// Sends a request at once, or keeps it in order until the keeper reads. Nothing of one that is too large is sent.
    pub fn send(&self, json: &[u8]) -> Result<()> {
        let packets = packets(json)?;
        let mut state = locked(&self.shared.state);
        if let Some(over) = &state.over {
            return Err(over.clone());
        }
        for bytes in packets {
            if state.outgoing.is_empty() {
                match packet::send(&self.shared.socket, &bytes, &[], Mode::Try) {
                    Ok(()) => continue,
                    Err(error) if error.would_block() => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if state.outgoing.len() >= OUTGOING {
                let why = format!("cannot send to the keeper because it has left {OUTGOING} packets unread");
                return Err(PanelError::new("control.unread", why));
            }
            state.outgoing.push_back(bytes);
        }
        let waits = !state.outgoing.is_empty();
        drop(state);
        if waits {
            self.shared.rouse();
        }
        Ok(())
    }

    /// Waits until a message is there (true) or none will come any more (false).
    pub fn wait(&self) -> Result<bool> {
        let mut state = locked(&self.shared.state);
        if std::mem::replace(&mut state.somebody_waits, true) {
            return Err(PanelError::bug("somebody waits on this link already"));
        }
        while state.incoming.is_empty() && state.over.is_none() && !state.stopping {
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.somebody_waits = false;
        Ok(!state.incoming.is_empty() && !state.stopping)
    }

    /// Copies the next message out, keeps its descriptors and answers its length; 0 when none is there. One that is longer
    /// than the room stays.
    pub fn take(&self, into: &mut [u8]) -> Result<i32> {
        let mut state = locked(&self.shared.state);
        let Some(next) = state.incoming.front() else { return Ok(0) };
        let count = next.json.len();
        let length = i32::try_from(count).map_err(|_| PanelError::bug("a message is too large"))?;
        let Some(room) = into.get_mut(..count) else { return Ok(length) };
        room.copy_from_slice(&next.json);
        let was_full = state.incoming.len() >= INCOMING;
        let descriptors = state.incoming.pop_front().map(|next| next.descriptors).unwrap_or_default();
        drop(state);
        if was_full {
            self.shared.rouse();
        }
        *locked(&self.taken) = descriptors.into_iter().map(Some).collect();
        Ok(length)
    }

    /// The process that listens; 0 when it lives where its number means nothing here.
    pub fn peer(&self) -> i32 {
        socket_peercred(&self.shared.socket).map_or(0, |peer| peer.pid.as_raw_nonzero().get())
    }

    pub fn descriptors(&self) -> i32 {
        i32::try_from(locked(&self.taken).len()).unwrap_or(i32::MAX)
    }

    /// Maps the region behind a descriptor of the message that was taken last.
    pub fn map(&self, index: usize, region: u64, bytes: u64) -> Result<()> {
        let descriptor = locked(&self.taken).get_mut(index).and_then(Option::take);
        let descriptor = descriptor.ok_or_else(|| PanelError::bug("the message had no such descriptor"))?;
        locked(&self.telemetry).map(&descriptor, region, bytes)
    }

    /// Why there are no further messages; empty while there may be.
    pub fn why(&self) -> String {
        locked(&self.shared.state).over.as_ref().map_or_else(String::new, |over| over.message.clone())
    }

    /// Ends the thread and every wait. The connection itself ends with the last user of this link.
    pub fn stop(&self) -> Result<()> {
        locked(&self.shared.state).stopping = true;
        self.shared.changed.notify_all();
        self.shared.rouse();
        let thread = locked(&self.thread).take();
        let ended = thread.is_none_or(|thread| thread.join().is_ok());
        if ended { Ok(()) } else { Err(PanelError::bug("the link's thread panicked")) }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

impl Shared {
    fn rouse(&self) {
        // A full counter means that it is awake anyway.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    fn collect(&self) {
        let mut joiner = Joiner::default();
        let ended = loop {
            match self.turn(&mut joiner) {
                Ok(true) => {}
                Ok(false) => break PanelError::new("control.closed", "the link was closed here"),
                Err(error) => break error,
            }
        };
        locked(&self.state).over = Some(ended);
        self.changed.notify_all();
    }

    /// False: told to stop.
    fn turn(&self, joiner: &mut Joiner) -> Result<bool> {
        let (reads, writes) = {
            let state = locked(&self.state);
            if state.stopping {
                return Ok(false);
            }
            (state.incoming.len() < INCOMING, !state.outgoing.is_empty())
        };
        let mut wanted = PollFlags::empty();
        wanted.set(PollFlags::IN, reads);
        wanted.set(PollFlags::OUT, writes);
        let mut watched = vec![PollFd::new(&self.wake, PollFlags::IN)];
        // A socket that hung up while nothing is wanted of it would wake the loop for ever.
        if !wanted.is_empty() {
            watched.push(PollFd::new(&self.socket, wanted));
        }
        match poll(&mut watched, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(PanelError::system("wait for the keeper", error)),
        }
        if !watched[0].revents().is_empty() {
            let _ = rustix::io::read(&self.wake, &mut [0_u8; 8]);
        }
        let happened = watched.get(1).map_or(PollFlags::empty(), PollFd::revents);
        if happened.intersects(PollFlags::OUT) {
            self.push()?;
        }
        if reads && happened.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            self.pull(joiner)?;
        }
        Ok(true)
    }

    fn push(&self) -> Result<()> {
        let mut state = locked(&self.state);
        while let Some(next) = state.outgoing.front() {
            match packet::send(&self.socket, next, &[], Mode::Try) {
                Ok(()) => drop(state.outgoing.pop_front()),
                Err(error) if error.would_block() => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn pull(&self, joiner: &mut Joiner) -> Result<()> {
        for _ in 0..PACKETS_A_TURN {
            match packet::receive(&self.socket, Mode::Try) {
                Ok(packet) => {
                    let Some(json) = joiner.take(&packet.bytes)? else { continue };
                    let mut state = locked(&self.state);
                    state.incoming.push_back(Arrived { json, descriptors: packet.descriptors });
                    let full = state.incoming.len() >= INCOMING;
                    drop(state);
                    self.changed.notify_all();
                    if full {
                        break;
                    }
                }
                Err(error) if error.would_block() => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
