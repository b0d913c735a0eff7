//! The link to the keeper: one SEQPACKET socket, one thread that receives. Region descriptors that come with a reply are
//! mapped here and never seen by the control plane.
use crate::paths::short;
use crate::pump::Pump;
use rtt_control::packet::{self, Mode};
use rtt_control::panel::KeeperToPanel;
use rtt_lane::View;
use rustix::net::{AddressFamily, Shutdown, SocketAddrUnix, SocketFlags, SocketType, connect, shutdown, socket_with};
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Regions asked for by one request, in order: number and size in bytes.
pub type Expected = Vec<(u64, u64)>;

pub struct Link {
    socket: OwnedFd,
    pump: Pump,
    expected: Mutex<HashMap<u64, Expected>>,
    regions: Mutex<HashMap<u64, View>>,
    receiver: Mutex<Option<JoinHandle<()>>>,
}

impl Link {
    pub fn open(path: &str) -> Result<Arc<Self>, String> {
        let explain = |error: rustix::io::Errno| format!("cannot connect to {path} because {error}");
        let short = short(path)?;
        let socket =
            socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).map_err(explain)?;
        connect(&socket, &SocketAddrUnix::new(&*short.path).map_err(explain)?).map_err(explain)?;
        let link = Arc::new(Self {
            socket,
            pump: Pump::default(),
            expected: Mutex::default(),
            regions: Mutex::default(),
            receiver: Mutex::default(),
        });
        let receiving = Arc::clone(&link);
        let thread = std::thread::Builder::new().name("rtt-link".to_owned()).spawn(move || receiving.receive());
        *lock(&link.receiver) = Some(thread.map_err(|error| format!("cannot start a thread because {error}"))?);
        Ok(link)
    }

    pub fn send(&self, bytes: &[u8]) -> Result<(), String> {
        packet::send(&self.socket, bytes, &[], Mode::Wait).map_err(|error| error.to_string())
    }

    /// The reply to request `id` will bring descriptors of these regions.
    pub fn expect(&self, id: u64, regions: Expected) {
        lock(&self.expected).insert(id, regions);
    }

    pub fn forget(&self, region: u64) {
        lock(&self.regions).remove(&region);
    }

    pub fn region(&self, region: u64) -> Option<View> {
        lock(&self.regions).get(&region).cloned()
    }

    pub fn pump(&self) -> &Pump {
        &self.pump
    }

    /// Ends the thread, and waits for it: it must be gone before the process unloads this library.
    pub fn close(&self) {
        // A socket that is closed already is as good.
        let _ = shutdown(&self.socket, Shutdown::Both);
        self.pump.close();
        if let Some(thread) = lock(&self.receiver).take() {
            // A panic there has been printed; there is nothing else to do with it here.
            let _ = thread.join();
        }
    }

    fn receive(&self) {
        while let Ok(packet) = packet::receive(&self.socket, Mode::Wait) {
            if !packet.descriptors.is_empty() {
                self.map(&packet.bytes, &packet.descriptors);
            }
            if !self.pump.push(packet.bytes) {
                break;
            }
        }
        self.pump.close();
    }

    /// A region that can't be mapped has no figures; the lane then shows none.
    fn map(&self, bytes: &[u8], descriptors: &[OwnedFd]) {
        let Ok(KeeperToPanel::Reply { id, .. }) = KeeperToPanel::from_bytes(bytes) else { return };
        let Some(regions) = lock(&self.expected).remove(&id) else { return };
        for ((region, size), descriptor) in regions.into_iter().zip(descriptors) {
            if let Ok(view) = View::map(descriptor, size) {
                lock(&self.regions).insert(region, view);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
