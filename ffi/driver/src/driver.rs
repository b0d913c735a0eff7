//! A driver's connection to its keeper.
use crate::control::Control;
use crate::core::Core;
use crate::error::Error;
use crate::input::Input;
use crate::limits::EARLY_MESSAGES;
use crate::output::{Output, deadline_after};
use rtt_control::cell::{Direction, Endpoint, Stdio};
use rtt_control::driver::{DriverToKeeper, KeeperToDriver, Verb, Welcome};
use rtt_control::limits::PROTOCOL;
use rtt_control::packet::{self, Mode, Packet};
use rtt_lane::{clock, wait};
use rustix::net::shutdown;
use std::fs::{File, OpenOptions};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The variable that names the inherited socket.
pub const CONTROL_FD: &str = "RTT_CONTROL_FD";
/// How this kit names itself to the keeper.
const KIT: &str = concat!("rtt-driver ", env!("CARGO_PKG_VERSION"));

/// A driver that is welcomed and parked: its endpoints are open, and lanes appear on them as plans are applied.
///
/// One thread beside the caller's own reads the keeper's messages. Dropping the driver closes the connection; what still
/// waits on an endpoint returns `Closed`.
pub struct Driver {
    core: Arc<Core>,
    control: Option<JoinHandle<()>>,
}

impl Driver {
    /// Connects to the keeper that started this process, opens every endpoint of the manifest and parks.
    pub fn connect() -> Result<Self, Error> {
        static CONNECTED: AtomicBool = AtomicBool::new(false);
        let not = |why: String| Error::NotADriver { why };
        let text = std::env::var(CONTROL_FD).map_err(|_| not(format!("{CONTROL_FD} is not set")))?;
        let number: RawFd = text.parse().map_err(|_| not(format!("{CONTROL_FD} is {text:?} and no descriptor")))?;
        if number < 3 || rustix::fs::stat(format!("/proc/self/fd/{number}")).is_err() {
            return Err(not(format!("{CONTROL_FD} names descriptor {number}, which is not open")));
        }
        if CONNECTED.swap(true, Ordering::AcqRel) {
            return Err(not("this process is connected already".into()));
        }
        // SAFETY: the keeper made this descriptor for this process and for this use; it is open, and taken once.
        let socket = unsafe { OwnedFd::from_raw_fd(number) };
        rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC).map_err(|error| not(error.to_string()))?;
        Self::from_socket(socket)
    }

    /// The same over a given SEQPACKET socket.
    pub fn from_socket(socket: OwnedFd) -> Result<Self, Error> {
        let mut early = Vec::new();
        say(&socket, &DriverToKeeper::Hello { protocol: PROTOCOL, kit: KIT.into() })?;
        let (welcome, mut descriptors) = await_welcome(&socket)?;
        if welcome.protocol != PROTOCOL {
            let why = format!(
                "speaks protocol {}, and this driver {PROTOCOL}: build it with the kit of that release",
                welcome.protocol
            );
            return Err(Error::Protocol { why });
        }
        if descriptors.len() != 1 + welcome.files.len() {
            let why =
                format!("sent {} descriptors for the epoch page and {} files", descriptors.len(), welcome.files.len());
            return Err(Error::Protocol { why });
        }
        let files = descriptors.split_off(1);
        open_all(&socket, &welcome, &mut early)?;
        let core = Arc::new(Core::new(socket, welcome, &descriptors[0], files)?);
        core.tell(&DriverToKeeper::Parked)?;
        let control = Control::new(core.clone());
        let thread = std::thread::Builder::new().name("rtt-control".into()).spawn(move || control.run(early));
        let control = thread.map_err(|error| Error::Protocol { why: format!("cannot be listened to: {error}") })?;
        Ok(Self { core, control: Some(control) })
    }

    /// This run of the driver: `plant.1`.
    pub fn instance(&self) -> &str {
        &self.core.welcome.instance
    }

    /// The endpoints of the manifest.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.core.welcome.endpoints
    }

    /// The arguments from the manifest; for `exec`, the whole command of the foreign program.
    pub fn arguments(&self) -> &[String] {
        &self.core.welcome.run
    }

    /// For `exec`: how the foreign program is joined.
    pub fn stdio(&self) -> Option<&Stdio> {
        self.core.welcome.stdio.as_ref()
    }

    /// For `exec`: whether the foreign program is started before it has a lane.
    pub fn start_early(&self) -> bool {
        self.core.welcome.start_early
    }

    /// Takes the ownership of an output, until it is dropped.
    pub fn output(&self, name: &str) -> Result<Output, Error> {
        let index = self.core.outs.iter().position(|port| port.name == name);
        let index = index.ok_or_else(|| Error::NoSuchEndpoint { name: name.into(), direction: "output" })?;
        if self.core.outs[index].owned.swap(true, Ordering::AcqRel) {
            return Err(Error::Taken { name: name.into() });
        }
        Ok(Output::new(self.core.clone(), index))
    }

    /// Takes the ownership of an input, until it is dropped.
    pub fn input(&self, name: &str) -> Result<Input, Error> {
        let index = self.core.ins.iter().position(|port| port.name == name);
        let index = index.ok_or_else(|| Error::NoSuchEndpoint { name: name.into(), direction: "input" })?;
        if self.core.ins[index].owned.swap(true, Ordering::AcqRel) {
            return Err(Error::Taken { name: name.into() });
        }
        Ok(Input::new(self.core.clone(), index))
    }

    /// Whether the driver is to end: the keeper said so, or is gone.
    pub fn stopping(&self) -> bool {
        self.core.stopping()
    }

    /// Waits until the driver is to end; false when the time is over.
    pub fn wait_stopping(&self, timeout: Duration) -> bool {
        self.wait_until(timeout, Core::stopping)
    }

    /// Waits until some endpoint has a lane; false when the time is over.
    pub fn wait_active(&self, timeout: Duration) -> Result<bool, Error> {
        // A step with lanes has been performed by the endpoint that has them, or is about to be.
        let active = self.wait_until(timeout, |core| core.stopping() || core.has_lanes());
        match (self.core.closed(), self.core.stopping()) {
            (true, _) => Err(Error::Closed),
            (false, true) => Err(Error::Stopping),
            (false, false) => Ok(active),
        }
    }

    fn wait_until(&self, timeout: Duration, happened: impl Fn(&Core) -> bool) -> bool {
        let deadline = deadline_after(timeout);
        loop {
            let attention = self.core.attention();
            if happened(&self.core) {
                return true;
            }
            if clock::now() >= deadline {
                return false;
            }
            wait::sleep(&[self.core.watch_attention(attention)], deadline, true);
        }
    }

    /// Opens a file of the manifest: the descriptor that was passed for it, else the path, for writing too where the cell
    /// allows that. A passed descriptor shares its position with every other opening of the same path.
    pub fn open_file(&self, path: &str) -> Result<File, Error> {
        let file_error = |error| Error::File { path: path.into(), error };
        match self.core.welcome.files.iter().position(|grant| grant.path == path) {
            Some(index) => self.core.files[index].try_clone().map(File::from).map_err(file_error),
            None => open_as_granted(path).map_err(file_error),
        }
    }

    /// Tells the panel that the driver cannot do its work: during bring-up this rolls the plan back.
    pub fn fail(&self, code: &str, message: &str) -> Result<(), Error> {
        Ok(self.core.tell(&DriverToKeeper::Failed { code: code.into(), message: message.into() })?)
    }

    /// Ends the connection; the same as dropping the driver.
    pub fn close(self) {}
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.core.close();
        // Wakes the control thread out of its poll.
        let _ = shutdown(&self.core.socket, rustix::net::Shutdown::Both);
        self.core.call_control();
        if let Some(control) = self.control.take() {
            // A panic of that thread has ended it: nothing is left to stop.
            let _ = control.join();
        }
    }
}

/// The welcome names no access of what is in the tree: the cell says what it allows.
fn open_as_granted(path: &str) -> std::io::Result<File> {
    // A driver leads its session: the first terminal that it opened would become its own.
    let not_its_terminal = rustix::fs::OFlags::NOCTTY.bits().cast_signed();
    let open = |write| OpenOptions::new().read(true).write(write).custom_flags(not_its_terminal).open(path);
    open(true).or_else(|_| open(false))
}

fn say(socket: &OwnedFd, message: &DriverToKeeper) -> Result<(), Error> {
    Ok(packet::send(socket, &message.to_bytes()?, &[], Mode::Wait)?)
}

fn await_welcome(socket: &OwnedFd) -> Result<(Welcome, Vec<OwnedFd>), Error> {
    let packet = packet::receive(socket, Mode::Wait)?;
    match KeeperToDriver::from_bytes(&packet.bytes)? {
        KeeperToDriver::Welcome(welcome) => Ok((welcome, packet.descriptors)),
        KeeperToDriver::Stop => Err(Error::Stopping),
        other => Err(Error::Protocol { why: format!("did not say welcome first, but {other:?}") }),
    }
}

/// Opens every endpoint with its token. Messages that arrive meanwhile are kept for the control thread.
fn open_all(socket: &OwnedFd, welcome: &Welcome, early: &mut Vec<Packet>) -> Result<(), Error> {
    for (request, endpoint) in (1..).zip(&welcome.endpoints) {
        let verb = if endpoint.direction == Direction::In { Verb::Receive } else { Verb::Send };
        let token = welcome.tokens.iter().find(|token| token.endpoint == endpoint.name && token.verb == verb);
        let token = token.map(|token| token.token.clone()).ok_or_else(|| Error::Refused {
            endpoint: endpoint.name.clone(),
            reason: "the keeper gave no token for it".into(),
        })?;
        say(socket, &DriverToKeeper::Open { request, endpoint: endpoint.name.clone(), verb, token })?;
        let refusal = await_opened(socket, request, early)?;
        if !refusal.is_empty() {
            return Err(Error::Refused { endpoint: endpoint.name.clone(), reason: refusal });
        }
    }
    Ok(())
}

fn await_opened(socket: &OwnedFd, wanted: u64, early: &mut Vec<Packet>) -> Result<String, Error> {
    loop {
        let packet = packet::receive(socket, Mode::Wait)?;
        match KeeperToDriver::from_bytes(&packet.bytes)? {
            KeeperToDriver::Opened { request, refusal } if request == wanted => return Ok(refusal),
            KeeperToDriver::Opened { .. } => {}
            KeeperToDriver::Stop => return Err(Error::Stopping),
            _ if early.len() < EARLY_MESSAGES => early.push(packet),
            _ => return Err(Error::Protocol { why: "sends without end while endpoints are opened".into() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};

    #[test]
    fn a_file_is_opened_for_writing_where_that_is_allowed() {
        let path = std::env::temp_dir().join(format!("rtt-open-{}", std::process::id()));
        std::fs::write(&path, "one ").unwrap();
        let name = path.to_str().unwrap();
        let mut file = open_as_granted(name).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        file.write_all(b"two").unwrap();
        assert_eq!((text.as_str(), std::fs::read_to_string(&path).unwrap().as_str()), ("one ", "one two"));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(open_as_granted(name).unwrap_err().kind(), std::io::ErrorKind::NotFound);
        // Nobody writes to a program that runs.
        open_as_granted("/proc/self/exe").unwrap().read_exact(&mut [0; 4]).unwrap();
    }
}
