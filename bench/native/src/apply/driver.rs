//! A driver that does what it is told and nothing else: maps, acknowledges, follows the epoch.
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::fstat;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::thread::futex;

use crate::wire::{Kind, Outcome, expect, receive, send};

const PAGE: usize = 4096;

struct Mapping {
    address: *mut core::ffi::c_void,
    bytes: usize,
}

impl Mapping {
    fn new(memory: &OwnedFd, access: ProtFlags) -> Outcome<Self> {
        let bytes = fstat(memory)?.st_size as usize;
        // SAFETY: a fresh shared mapping; nothing in it is read or written by this program.
        let address = unsafe { mmap(std::ptr::null_mut(), bytes, access, MapFlags::SHARED, memory, 0)? };
        Ok(Self { address, bytes })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: made by `new`, unmapped once, and no reference into it was ever given out.
        let unmapped = unsafe { munmap(self.address, self.bytes) };
        unmapped.expect("a mapping of ours can be unmapped");
    }
}

pub fn run() -> Outcome {
    let keeper = std::io::stdin();
    let hello = expect(&keeper, Kind::Hello)?;
    let page = hello.descriptors.first().ok_or("cannot start a driver because the epoch page is missing")?;
    // SAFETY: a fresh read-only mapping of one page, never unmapped; only an atomic load and a futex wait touch it.
    let mapped = unsafe { mmap(std::ptr::null_mut(), PAGE, ProtFlags::READ, MapFlags::SHARED, page.as_fd(), 0)? };
    let word = NonNull::new(mapped.cast::<AtomicU32>()).ok_or("cannot map the epoch because its address is zero")?;
    // SAFETY: page-aligned and mapped for the life of the process.
    let epoch: &AtomicU32 = unsafe { word.as_ref() };
    send(&keeper, Kind::Hello, 0, 0, &[])?;

    let mut mappings: Vec<Mapping> = Vec::new();
    while let Some(packet) = receive(&keeper)? {
        match packet.kind {
            Kind::Prepare => {
                for memory in &packet.descriptors {
                    mappings.push(Mapping::new(memory, ProtFlags::READ | ProtFlags::WRITE)?);
                }
                send(&keeper, Kind::Prepare, 0, 0, &[])?;
            }
            Kind::Stage => {
                let before = epoch.load(Ordering::Acquire);
                for memory in &packet.descriptors {
                    mappings.push(Mapping::new(memory, ProtFlags::READ)?);
                }
                send(&keeper, Kind::Stage, 0, 0, &[])?;
                wait_for_flip(epoch, before)?;
                send(&keeper, Kind::Flip, 0, 0, &[])?;
            }
            Kind::Free => {
                mappings.clear();
                send(&keeper, Kind::Free, 0, 0, &[])?;
            }
            other => return Err(format!("cannot follow {other:?} because a driver has no such step").into()),
        }
    }
    Ok(())
}

fn wait_for_flip(epoch: &AtomicU32, before: u32) -> Outcome {
    while epoch.load(Ordering::Acquire) == before {
        match futex::wait(epoch, futex::Flags::empty(), before, None) {
            Ok(()) | Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
