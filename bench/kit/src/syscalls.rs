//! How many system calls a thread makes: counted by the kernel's tracepoint `raw_syscalls:sys_enter`, through a counter of
//! `perf_event_open`, which costs the counted thread next to nothing.
use std::fs::read_to_string;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use rtt_bench::Outcome;

const TRACING: &str = "/sys/kernel/tracing";
const EVENT: &str = "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id";

/// The tracepoint, as `perf_event_open` knows it.
#[derive(Clone, Copy, Debug)]
pub struct Tracepoint(u64);

impl Tracepoint {
    /// Looks it up. Where tracefs is not mounted it is, in a mount namespace of this process alone; both need root.
    pub fn find() -> Outcome<Self> {
        if !Path::new(EVENT).exists() {
            // SAFETY: this process has one thread, and shares no descriptors by it.
            unsafe { unshare_unsafe(UnshareFlags::NEWNS) }?;
            mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
            mount("tracefs", TRACING, "tracefs", MountFlags::empty(), None)?;
        }
        Ok(Self(read_to_string(EVENT)?.trim().parse()?))
    }

    /// Counts the calls of the calling thread from now on.
    pub fn count(self) -> Outcome<Counter> {
        let attributes = Attributes {
            kind: PERF_TYPE_TRACEPOINT,
            size: size_of::<Attributes>() as u32,
            config: self.0,
            ..Attributes::default()
        };
        // SAFETY: attributes of the size that they name, of the calling thread, on any core, in no group, with no flags.
        let descriptor = unsafe { libc::syscall(libc::SYS_perf_event_open, &raw const attributes, 0, -1, -1, 0) };
        if descriptor < 0 {
            return Err(std::io::Error::last_os_error().into());
        }
        // SAFETY: the kernel has just made this descriptor for this call.
        Ok(Counter(unsafe { OwnedFd::from_raw_fd(i32::try_from(descriptor)?) }))
    }
}

const PERF_TYPE_TRACEPOINT: u32 = 2;

/// `struct perf_event_attr` in its first version: nothing is sampled, all is counted from the start.
#[repr(C)]
#[derive(Debug, Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    bp_type: u32,
    config1: u64,
}

const _: () = assert!(size_of::<Attributes>() == 64);

/// The calls of the thread that made it.
#[derive(Debug)]
pub struct Counter(OwnedFd);

impl Counter {
    /// All calls so far, this look among them.
    pub fn calls(&self) -> u64 {
        let mut count = [0_u8; 8];
        // SAFETY: a buffer of the length that is passed.
        let read = unsafe { libc::read(self.0.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
        assert!(read == 8, "bug: a counter is read whole");
        u64::from_ne_bytes(count)
    }
}
