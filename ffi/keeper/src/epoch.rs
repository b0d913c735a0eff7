//! The epoch word: one page that the keeper writes and drivers read. Its compare-and-swap is the flip.
use crate::error::{Refusal, Result};
use crate::region::{memfd, read_only};
use rustix::fs::{SealFlags, fcntl_add_seals, ftruncate};
use rustix::mm::{MapFlags, ProtFlags, mmap};
use rustix::thread::futex;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

const PAGE: u64 = 4096;

#[derive(Debug)]
pub struct EpochPage {
    word: NonNull<AtomicU64>,
    /// What drivers get.
    read_only: OwnedFd,
}

impl EpochPage {
    /// The keeper's own writable mapping is made before the seal that forbids any further one.
    pub fn new() -> Result<Self> {
        let fd = memfd("rtt-epoch")?;
        ftruncate(&fd, PAGE).map_err(|error| Refusal::system("size the epoch page", error))?;
        // SAFETY: a new mapping of a file that we have just sized, at an address of the kernel's choice.
        let mapped = unsafe {
            mmap(std::ptr::null_mut(), PAGE as usize, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, &fd, 0)
        }
        .map_err(|error| Refusal::system("map the epoch page", error))?;
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::FUTURE_WRITE | SealFlags::SEAL;
        fcntl_add_seals(&fd, seals).map_err(|error| Refusal::system("seal the epoch page", error))?;
        let word = NonNull::new(mapped.cast()).ok_or_else(|| Refusal::system("map the epoch page", "address 0"))?;
        Ok(Self { word, read_only: read_only(&fd)? })
    }

    pub fn descriptor(&self) -> &OwnedFd {
        &self.read_only
    }

    fn word(&self) -> &AtomicU64 {
        // SAFETY: the page stays mapped until the process ends, is aligned, and nobody else can write to it.
        unsafe { self.word.as_ref() }
    }

    pub fn get(&self) -> u64 {
        self.word().load(Ordering::Relaxed)
    }

    /// The flip. `Release`: what was handed out before it is seen by those who see it (drivers load with `Acquire`).
    /// Answers the epoch that was there instead.
    pub fn compare_and_swap(&self, from: u64, to: u64) -> std::result::Result<(), u64> {
        self.word().compare_exchange(from, to, Ordering::Release, Ordering::Relaxed).map(drop)?;
        self.wake();
        Ok(())
    }

    /// Futexes are of 32 bits: sleepers wait on the low half, which every flip changes.
    fn wake(&self) {
        // SAFETY: the low half of the word (little endian) is an aligned u32 inside the mapped page.
        let low = unsafe { self.word.cast::<AtomicU32>().as_ref() };
        // Waking the first word of a mapped page cannot fail.
        let _ = futex::wake(low, futex::Flags::empty(), i32::MAX.cast_unsigned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{FallocateFlags, fallocate};

    #[test]
    fn only_the_epoch_that_is_there_can_be_swapped() {
        let page = EpochPage::new().expect("a page");
        assert_eq!(page.get(), 0);
        assert_eq!(page.compare_and_swap(0, 1 << 40), Ok(()));
        assert_eq!(page.compare_and_swap(0, 7), Err(1 << 40));
        assert_eq!(page.get(), 1 << 40);
    }

    #[test]
    fn drivers_see_the_word_and_cannot_write_it() {
        let page = EpochPage::new().expect("a page");
        page.compare_and_swap(0, 42).expect("a flip");
        let mut word = [0; 8];
        rustix::io::pread(page.descriptor(), &mut word, 0).expect("read");
        assert_eq!(u64::from_ne_bytes(word), 42);
        let fd = page.descriptor();
        // SAFETY: it fails; if it did not, nothing would use the mapping.
        let mapped = unsafe { mmap(std::ptr::null_mut(), PAGE as usize, ProtFlags::WRITE, MapFlags::SHARED, fd, 0) };
        assert!(mapped.is_err());
        assert!(rustix::io::write(fd, b"x").is_err() && ftruncate(fd, 0).is_err());
        assert!(fallocate(fd, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 0, PAGE).is_err());
    }
}
