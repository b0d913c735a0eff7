//! Regions: sealed memory with exactly one writer.
//!
//! Create, size, allocate, seal the size, give the writable descriptor to the one writer; once it has mapped, forbid any
//! further writable mapping and any further seal, check that it is so and that no block was punched out meanwhile, and
//! only then give read-only descriptors to the reader.
use crate::error::{Refusal, Result};
use rtt_control::inventory::RegionFact;
use rtt_control::lane::Region as Spec;
use rustix::fs::{
    FallocateFlags, MemfdFlags, Mode, OFlags, SealFlags, fallocate, fchmod, fcntl_add_seals, fcntl_get_seals, fstat,
    ftruncate, memfd_create, open,
};
use rustix::io::Errno;
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;

const BLOCK: u64 = 512;

#[derive(Debug)]
pub struct Region {
    pub spec: Spec,
    /// The transition that made it.
    pub transition: u64,
    /// Writable until it is sealed; the keeper itself never maps it.
    writable: Rc<OwnedFd>,
    /// There once it is sealed.
    read_only: Option<Rc<OwnedFd>>,
    inode: u64,
}

/// Seals that a region has from the start. Where the kernel lets us, it can never be a program either.
const AT_FIRST: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW);
const AT_LAST: SealFlags = AT_FIRST.union(SealFlags::FUTURE_WRITE).union(SealFlags::SEAL);

impl Region {
    pub fn create(spec: Spec, transition: u64) -> Result<Self> {
        let fd = memfd("rtt-region")?;
        let make = || -> rustix::io::Result<u64> {
            ftruncate(&fd, spec.bytes)?;
            // A hole would be filled when first touched, or be a SIGBUS when memory is short.
            fallocate(&fd, FallocateFlags::empty(), 0, spec.bytes)?;
            fcntl_add_seals(&fd, AT_FIRST)?;
            fchmod(&fd, Mode::RUSR | Mode::WUSR)?;
            Ok(fstat(&fd)?.st_ino)
        };
        let inode = make().map_err(|error| {
            Refusal::new(
                "region.memory",
                format!("cannot make region {} of {} bytes because the kernel says: {error}", spec.region, spec.bytes),
            )
        })?;
        Ok(Self { spec, transition, writable: Rc::new(fd), read_only: None, inode })
    }

    /// For the one writer.
    pub fn writable(&self) -> Rc<OwnedFd> {
        Rc::clone(&self.writable)
    }

    /// For readers and telemetry; none before it is sealed.
    pub fn read_only(&self) -> Option<Rc<OwnedFd>> {
        self.read_only.clone()
    }

    /// Whether its writer has left seals and blocks alone, as it must until the keeper seals.
    pub fn check_untouched(&self) -> Result<()> {
        let seals = self.seals()?;
        if self.read_only.is_none() && seals.difference(SealFlags::EXEC) != AT_FIRST {
            return Err(self.refused("region.sealedEarly", "its writer has sealed it before the keeper did"));
        }
        self.check_blocks()
    }

    fn check_blocks(&self) -> Result<()> {
        let facts = fstat(&*self.writable).map_err(|error| Refusal::system("look at a region", error))?;
        if facts.st_blocks.cast_unsigned() * BLOCK < self.spec.bytes {
            return Err(self.refused("region.punched", "its writer has punched blocks out of it"));
        }
        Ok(())
    }

    /// No further writable mapping, no further seal; then read-only descriptors may go out.
    pub fn seal(&mut self) -> Result<()> {
        if self.read_only.is_some() {
            return Ok(());
        }
        self.check_untouched()?;
        match fcntl_add_seals(&*self.writable, SealFlags::FUTURE_WRITE | SealFlags::SEAL) {
            Ok(()) => {}
            Err(Errno::PERM) => return Err(self.refused("region.sealedEarly", "its writer has sealed it first")),
            Err(error) => return Err(Refusal::system("seal a region", error)),
        }
        if self.seals()?.difference(SealFlags::EXEC) != AT_LAST {
            return Err(self.refused("region.seals", "its seals are not those that the keeper has set"));
        }
        // Once more: the last hole could be punched until the seal.
        self.check_blocks()?;
        // Other users do not even open it for writing again. Root does, and so does a reader that is the keeper's own
        // user, who may change the mode back: there the seals alone refuse each write, mapping and hole.
        fchmod(&*self.writable, Mode::RUSR).map_err(|error| Refusal::system("close a region to writers", error))?;
        self.read_only = Some(Rc::new(read_only(&self.writable)?));
        Ok(())
    }

    pub fn fact(&self) -> RegionFact {
        let seals = self.seals().unwrap_or(SealFlags::empty());
        let names = [
            (SealFlags::SHRINK, "shrink"),
            (SealFlags::GROW, "grow"),
            (SealFlags::FUTURE_WRITE, "futureWrite"),
            (SealFlags::SEAL, "seal"),
        ];
        RegionFact {
            region: self.spec.region,
            writer: self.spec.writer.clone(),
            reader: self.spec.reader.clone(),
            bytes: self.spec.bytes,
            inode: self.inode,
            seals: names.iter().filter(|(seal, _)| seals.contains(*seal)).map(|(_, name)| (*name).to_owned()).collect(),
        }
    }

    fn seals(&self) -> Result<SealFlags> {
        fcntl_get_seals(&*self.writable).map_err(|error| Refusal::system("read the seals of a region", error))
    }

    fn refused(&self, code: &str, why: &str) -> Refusal {
        Refusal::new(code, format!("cannot use region {} of {} because {why}", self.spec.region, self.spec.writer))
    }
}

/// A memfd that can be sealed and, where the kernel knows how, never executed.
pub fn memfd(name: &str) -> Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => memfd_create(name, flags),
        other => other,
    }
    .map_err(|error| Refusal::system("make shared memory", error))
}

/// Another open file of the same memory, for reading only.
pub fn read_only(fd: &OwnedFd) -> Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| Refusal::system("reopen shared memory for reading", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region() -> Region {
        let spec = Spec { region: 1, writer: "a.1".to_owned(), reader: "b.1".to_owned(), bytes: 8192 };
        Region::create(spec, 1).expect("a region")
    }

    #[test]
    fn a_sealed_region_has_all_its_seals_and_a_descriptor_that_cannot_write() {
        let mut region = region();
        assert!(region.read_only().is_none());
        assert_eq!(region.fact().seals, ["shrink", "grow"]);
        region.seal().expect("sealed");
        assert_eq!(region.fact().seals, ["shrink", "grow", "futureWrite", "seal"]);
        let reader = region.read_only().expect("a reader's descriptor");
        assert!(rustix::io::write(&*reader, b"x").is_err());
        // Root may open what it likes: the seals hold then.
        if let Ok(again) = open(format!("/proc/self/fd/{}", reader.as_raw_fd()), OFlags::RDWR, Mode::empty()) {
            assert_eq!(rustix::io::write(&again, b"x"), Err(Errno::PERM));
        }
    }

    #[test]
    fn a_region_that_its_writer_sealed_is_refused() {
        for seal in [SealFlags::FUTURE_WRITE, SealFlags::SEAL] {
            let mut region = region();
            fcntl_add_seals(&*region.writable(), seal).expect("the writer's seal");
            assert_eq!(region.seal().unwrap_err().code, "region.sealedEarly");
            assert!(region.read_only().is_none());
        }
    }

    #[test]
    fn a_region_with_a_hole_is_refused() {
        let mut region = region();
        let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        fallocate(&*region.writable(), punch, 0, 4096).expect("the writer's hole");
        assert_eq!(region.seal().unwrap_err().code, "region.punched");
    }
}
