//! Makes and seals regions, hands them out, flips the epoch, and looks before it says that all is well.
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{
    FallocateFlags, MemfdFlags, Mode, OFlags, SealFlags, fallocate, fcntl_add_seals, fcntl_get_seals, fstat, ftruncate,
    memfd_create, open,
};
use rustix::mm::{MapFlags, ProtFlags, mmap};
use rustix::thread::futex;

use crate::wire::{Kind, Outcome, expect, receive, send, start};

const PAGE: u64 = 4096;
const RING_BYTES: u64 = 64 * 1024;
const ALL_SEALS: SealFlags =
    SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::FUTURE_WRITE).union(SealFlags::SEAL);

/// All lanes from one driver to another, and the credits of those in the other direction.
struct Region {
    writer: usize,
    reader: usize,
    lanes: u64,
    memory: OwnedFd,
}

struct Keeper {
    drivers: Vec<OwnedFd>,
    epoch: &'static AtomicU32,
    regions: Vec<Region>,
}

pub fn run(drivers: Option<String>) -> Outcome {
    let count: usize = drivers.ok_or("cannot start a keeper because the number of drivers is missing")?.parse()?;
    let panel = std::io::stdin();
    let (page, epoch) = epoch_page()?;
    let mut children = Vec::new();
    let mut keeper = Keeper { drivers: Vec::new(), epoch, regions: Vec::new() };
    for _ in 0..count {
        let (child, socket) = start("driver", None)?;
        let read_only = reopened_read_only(&page)?;
        send(&socket, Kind::Hello, 0, 0, &[read_only.as_fd()])?;
        expect(&socket, Kind::Hello)?;
        children.push(child);
        keeper.drivers.push(socket);
    }
    send(&panel, Kind::Hello, 0, 0, &[])?;
    while let Some(packet) = receive(&panel)? {
        match packet.kind {
            Kind::Prepare => keeper.prepare(packet.number)?,
            Kind::Stage => keeper.stage()?,
            Kind::Flip => keeper.flip()?,
            Kind::Verify => keeper.verify()?,
            Kind::Free => keeper.free()?,
            Kind::Hello | Kind::Done => break,
        }
        send(&panel, packet.kind, 0, 0, &[])?;
    }
    drop(keeper);
    for mut child in children {
        child.wait()?;
    }
    Ok(())
}

/// The page that holds the epoch: written here, read-only everywhere else.
fn epoch_page() -> Outcome<(OwnedFd, &'static AtomicU32)> {
    let page = memfd_create("bench-epoch", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    ftruncate(&page, PAGE)?;
    // SAFETY: a fresh shared mapping of a file of this size, never unmapped; only atomics are used on it.
    let mapped = unsafe {
        mmap(std::ptr::null_mut(), PAGE as usize, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, &page, 0)?
    };
    let word = NonNull::new(mapped.cast::<AtomicU32>()).ok_or("cannot map the epoch because its address is zero")?;
    fcntl_add_seals(&page, ALL_SEALS)?;
    // SAFETY: page-aligned, zeroed, mapped for the life of the process.
    Ok((page, unsafe { word.as_ref() }))
}

fn reopened_read_only(memory: &OwnedFd) -> Outcome<OwnedFd> {
    use std::os::fd::AsRawFd;
    Ok(open(format!("/proc/self/fd/{}", memory.as_raw_fd()), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

impl Keeper {
    /// Link `i` joins driver `2i` to driver `2i + 1`, counted around.
    fn plan_regions(&mut self, links: u32) -> Outcome {
        for link in 0..links as usize {
            let from = 2 * link % self.drivers.len();
            let to = (2 * link + 1) % self.drivers.len();
            for (writer, reader) in [(from, to), (to, from)] {
                match self.regions.iter_mut().find(|region| (region.writer, region.reader) == (writer, reader)) {
                    Some(region) => region.lanes += 1,
                    None => {
                        let memory = memfd_create("bench-region", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
                        self.regions.push(Region { writer, reader, lanes: 1, memory });
                    }
                }
            }
        }
        Ok(())
    }

    fn prepare(&mut self, links: u32) -> Outcome {
        self.plan_regions(links)?;
        for region in &self.regions {
            let bytes = PAGE + region.lanes * (PAGE + RING_BYTES);
            ftruncate(&region.memory, bytes)?;
            fallocate(&region.memory, FallocateFlags::empty(), 0, bytes)?;
            fcntl_add_seals(&region.memory, SealFlags::SHRINK | SealFlags::GROW)?;
        }
        self.barrier(Kind::Prepare, |region, driver| region.writer == driver, |region| Ok(region.memory.try_clone()?))
    }

    fn stage(&mut self) -> Outcome {
        for region in &self.regions {
            fcntl_add_seals(&region.memory, SealFlags::FUTURE_WRITE | SealFlags::SEAL)?;
            self.check_region(region)?;
        }
        self.barrier(Kind::Stage, |region, driver| region.reader == driver, |region| reopened_read_only(&region.memory))
    }

    fn check_region(&self, region: &Region) -> Outcome {
        let bytes = PAGE + region.lanes * (PAGE + RING_BYTES);
        let facts = fstat(&region.memory)?;
        let sealed = fcntl_get_seals(&region.memory)?.contains(ALL_SEALS);
        if !sealed || facts.st_size as u64 != bytes || facts.st_blocks as u64 * 512 < bytes {
            return Err("cannot trust a region because it is not sealed or not whole".into());
        }
        Ok(())
    }

    /// One message a driver, all of them out before the first answer is awaited.
    fn barrier(
        &self,
        kind: Kind,
        concerns: impl Fn(&Region, usize) -> bool,
        descriptor: impl Fn(&Region) -> Outcome<OwnedFd>,
    ) -> Outcome {
        for (index, socket) in self.drivers.iter().enumerate() {
            let regions: Vec<&Region> = self.regions.iter().filter(|region| concerns(region, index)).collect();
            let lanes = regions.iter().map(|region| region.lanes as usize).sum();
            let owned = regions.iter().map(|region| descriptor(region)).collect::<Outcome<Vec<OwnedFd>>>()?;
            let borrowed: Vec<BorrowedFd<'_>> = owned.iter().map(AsFd::as_fd).collect();
            send(socket, kind, 0, lanes, &borrowed)?;
        }
        for socket in &self.drivers {
            expect(socket, kind)?;
        }
        Ok(())
    }

    fn flip(&self) -> Outcome {
        let now = self.epoch.load(Ordering::Acquire);
        self.epoch
            .compare_exchange(now, now + 1, Ordering::AcqRel, Ordering::Acquire)
            .map_err(|found| format!("cannot flip because the epoch is {found} and not {now}"))?;
        futex::wake(self.epoch, futex::Flags::empty(), i32::MAX as u32)?;
        for socket in &self.drivers {
            expect(socket, Kind::Flip)?;
        }
        Ok(())
    }

    fn verify(&self) -> Outcome {
        self.regions.iter().try_for_each(|region| self.check_region(region))
    }

    fn free(&mut self) -> Outcome {
        self.regions.clear();
        self.barrier(Kind::Free, |_, _| false, |region| Ok(region.memory.try_clone()?))
    }
}
