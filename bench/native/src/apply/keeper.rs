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
/// A header, a page of figures, a ring.
const REGION_BYTES: u64 = 2 * PAGE + 64 * 1024;
const ALL_SEALS: SealFlags =
    SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::FUTURE_WRITE).union(SealFlags::SEAL);

struct Region {
    writer: usize,
    reader: usize,
    memory: OwnedFd,
}

struct Keeper {
    drivers: Vec<OwnedFd>,
    epoch: &'static AtomicU32,
    regions: Vec<Region>,
}

pub fn run(links: Option<String>) -> Outcome {
    let links: usize = links.ok_or("cannot start a keeper because the number of links is missing")?.parse()?;
    let panel = std::io::stdin();
    let (page, epoch) = epoch_page()?;
    let mut children = Vec::new();
    let mut keeper = Keeper { drivers: Vec::new(), epoch, regions: Vec::new() };
    for _ in 0..=links {
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
    /// Each link joins a driver of its own to driver 0: a region for its frames, and one back for its credits.
    fn plan_regions(&mut self, links: u32) -> Outcome {
        for from in 1..=links as usize {
            for (writer, reader) in [(from, 0), (0, from)] {
                let memory = memfd_create("bench-region", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
                self.regions.push(Region { writer, reader, memory });
            }
        }
        Ok(())
    }

    fn prepare(&mut self, links: u32) -> Outcome {
        self.plan_regions(links)?;
        for region in &self.regions {
            ftruncate(&region.memory, REGION_BYTES)?;
            fallocate(&region.memory, FallocateFlags::empty(), 0, REGION_BYTES)?;
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
        let facts = fstat(&region.memory)?;
        let sealed = fcntl_get_seals(&region.memory)?.contains(ALL_SEALS);
        if !sealed || facts.st_size as u64 != REGION_BYTES || facts.st_blocks as u64 * 512 < REGION_BYTES {
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
            let owned = regions.iter().map(|region| descriptor(region)).collect::<Outcome<Vec<OwnedFd>>>()?;
            let borrowed: Vec<BorrowedFd<'_>> = owned.iter().map(AsFd::as_fd).collect();
            send(socket, kind, 0, regions.len(), &borrowed)?;
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
