//! Words in shared memory, and the mapping of a sealed memfd.
//!
//! No Rust reference to shared bytes ever exists: a peer may change them at any time. Everything is loaded once through an
//! atomic (or copied by an instruction that the compiler cannot see into), then checked in private memory.
//!
//! The rings are written over the two traits, so that a model checker can put its own atomics, fences and wakes below them.
use crate::copy;
use crate::error::LaneError;
use crate::wait::{self, WakerFence};
use rustix::fs::{SealFlags, fcntl_get_seals, fstat};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{self, AtomicU32, AtomicU64, Ordering};

/// Memory that this side may read. Offsets are bytes; words lie at multiples of their size.
pub trait Words {
    fn load32(&self, at: usize, order: Ordering) -> u32;
    fn load64(&self, at: usize, order: Ordering) -> u64;
    /// Copies bytes that a peer may be changing: what arrives is arbitrary then, and nothing worse. `at` is a multiple of 8.
    fn copy_out(&self, at: usize, into: &mut [u8]);
    /// The word that a futex waits on.
    fn futex(&self, at: usize) -> &AtomicU32;

    /// Four words that follow each other, as a frame's header does.
    #[inline]
    fn load_header(&self, at: usize) -> [u64; 4] {
        std::array::from_fn(|word| self.load64(at + word * 8, Ordering::Relaxed))
    }

    /// Copies bytes as `copy_out` does, and goes on with the checksum `sum` over what arrived: one pass.
    #[inline]
    fn copy_out_summed(&self, at: usize, into: &mut [u8], sum: u32) -> u32 {
        self.copy_out(at, into);
        crc32c::crc32c_append(sum, into)
    }

    /// Wakes whoever sleeps on a word, in any process.
    #[inline]
    fn wake(&self, at: usize) {
        wait::wake(self.futex(at));
    }

    #[inline]
    fn fence(&self, order: Ordering) {
        atomic::fence(order);
    }

    /// Between the store of a word and the look at its sleeper's flag.
    #[inline]
    fn waker_fence(&self, fence: WakerFence) {
        fence.between_store_and_look();
    }
}

/// Memory that this side, and no other, writes.
pub trait WordsMut: Words {
    fn store32(&self, at: usize, value: u32, order: Ordering);
    fn store64(&self, at: usize, value: u64, order: Ordering);
    /// Writes bytes, and zeroes up to the next multiple of 8. `at` is a multiple of 8.
    fn copy_in(&self, at: usize, from: &[u8]);

    /// A frame's header but for its `len`, which is published later and apart.
    #[inline]
    fn store_header(&self, at: usize, [first, id, stamp, last]: [u64; 4]) {
        self.store32(at + 4, (first >> 32) as u32, Ordering::Relaxed);
        self.store64(at + 8, id, Ordering::Relaxed);
        self.store64(at + 16, stamp, Ordering::Relaxed);
        self.store64(at + 24, last, Ordering::Relaxed);
    }

    /// Adds to a counter of which this is the only writer.
    fn add64(&self, at: usize, by: u64) {
        self.store64(at, self.load64(at, Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
    }
}

/// A mapped region; unmapped with the last view of it.
#[derive(Debug)]
struct Mapping {
    base: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the memory is shared with other processes anyway, and is touched through atomics only.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `map` and every view of it is gone.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.bytes) };
    }
}

/// A read-only view of a region. Base and size are held here too, so that a word is one step away.
#[derive(Clone, Debug)]
pub struct View {
    base: NonNull<u8>,
    bytes: usize,
    _mapping: Arc<Mapping>,
}

// SAFETY: as for `Mapping`, which it keeps.
unsafe impl Send for View {}
// SAFETY: as above.
unsafe impl Sync for View {}

/// The writable view of the region's one writer.
#[derive(Clone, Debug)]
pub struct ViewMut(View);

impl View {
    /// Maps a region that a peer writes. It must be exactly `bytes` long and sealed against a change of size: memory that can
    /// be cut off under its reader is a SIGBUS.
    pub fn map(descriptor: impl AsFd, bytes: u64) -> Result<Self, LaneError> {
        map(descriptor, bytes, ProtFlags::READ)
    }

    pub fn bytes(&self) -> u64 {
        self.bytes as u64
    }

    #[inline]
    fn word<Atomic>(&self, at: usize) -> *const Atomic {
        assert!(at.is_multiple_of(size_of::<Atomic>()), "bug: a word across words");
        assert!(at <= self.bytes - size_of::<Atomic>(), "bug: a word outside its region");
        // SAFETY: inside the mapping, by the assertion.
        unsafe { self.base.as_ptr().add(at).cast() }
    }

    /// Where so many bytes begin: at a word, and inside up to the end of their last one.
    #[inline]
    fn bytes_at(&self, at: usize, bytes: usize) -> *mut u8 {
        assert!(at.is_multiple_of(8), "bug: bytes across words");
        assert!(at <= self.bytes && bytes.next_multiple_of(8) <= self.bytes - at, "bug: bytes outside their region");
        // SAFETY: inside the mapping, by the assertion.
        unsafe { self.base.as_ptr().add(at) }
    }

    /// Four words, checked as one.
    #[inline]
    fn header(&self, at: usize) -> &[AtomicU64; 4] {
        // SAFETY: aligned and inside the mapping, which lives as long as this view; atomics may be shared.
        unsafe { &*self.bytes_at(at, size_of::<[AtomicU64; 4]>()).cast() }
    }
}

impl ViewMut {
    /// Maps a region that this process alone writes.
    pub fn map(descriptor: impl AsFd, bytes: u64) -> Result<Self, LaneError> {
        map(descriptor, bytes, ProtFlags::READ | ProtFlags::WRITE).map(Self)
    }

    /// The same memory for those who only look.
    pub fn reader(&self) -> View {
        self.0.clone()
    }

    pub fn bytes(&self) -> u64 {
        self.0.bytes()
    }
}

fn map(descriptor: impl AsFd, bytes: u64, protection: ProtFlags) -> Result<View, LaneError> {
    let refused = |why: String| LaneError::new("lane.map", format!("cannot map a region because {why}"));
    let there = fstat(&descriptor).map_err(|error| refused(format!("its descriptor says: {error}")))?.st_size;
    if bytes == 0 || !bytes.is_multiple_of(8) || i64::try_from(bytes).ok() != Some(there) {
        return Err(refused(format!("it is {there} bytes long instead of {bytes}")));
    }
    let seals = fcntl_get_seals(&descriptor).map_err(|error| refused(format!("it has no seals: {error}")))?;
    if !seals.contains(SealFlags::SHRINK | SealFlags::GROW) {
        return Err(refused("its size is not sealed".into()));
    }
    let length = usize::try_from(bytes).map_err(|_| refused(format!("{bytes} bytes are too many")))?;
    // SAFETY: a new mapping at an address of the kernel's choice touches no other memory.
    let base = unsafe { mmap(std::ptr::null_mut(), length, protection, MapFlags::SHARED, &descriptor, 0) }
        .map_err(|error| refused(format!("mmap says: {error}")))?;
    let base = NonNull::new(base.cast()).ok_or_else(|| refused("mmap gave no address".into()))?;
    Ok(View { base, bytes: length, _mapping: Arc::new(Mapping { base, bytes: length }) })
}

impl Words for View {
    #[inline]
    fn load32(&self, at: usize, order: Ordering) -> u32 {
        // SAFETY: `word` is aligned and inside the mapping, which lives as long as this view.
        unsafe { (*self.word::<AtomicU32>(at)).load(order) }
    }

    #[inline]
    fn load64(&self, at: usize, order: Ordering) -> u64 {
        // SAFETY: as in `load32`.
        unsafe { (*self.word::<AtomicU64>(at)).load(order) }
    }

    #[inline]
    fn load_header(&self, at: usize) -> [u64; 4] {
        self.header(at).each_ref().map(|word| word.load(Ordering::Relaxed))
    }

    #[inline]
    fn copy_out(&self, at: usize, into: &mut [u8]) {
        // SAFETY: the source is inside the mapping and 8-byte aligned; the target is private.
        unsafe { copy::from_shared(self.bytes_at(at, into.len()), into) }
    }

    #[inline]
    fn copy_out_summed(&self, at: usize, into: &mut [u8], sum: u32) -> u32 {
        // SAFETY: as in `copy_out`.
        unsafe { copy::from_shared_summed(self.bytes_at(at, into.len()), into, sum) }
    }

    #[inline]
    fn futex(&self, at: usize) -> &AtomicU32 {
        // SAFETY: as in `load32`; an atomic may be shared with another process.
        unsafe { &*self.word::<AtomicU32>(at) }
    }
}

impl Words for ViewMut {
    #[inline]
    fn load32(&self, at: usize, order: Ordering) -> u32 {
        self.0.load32(at, order)
    }

    #[inline]
    fn load64(&self, at: usize, order: Ordering) -> u64 {
        self.0.load64(at, order)
    }

    #[inline]
    fn load_header(&self, at: usize) -> [u64; 4] {
        self.0.load_header(at)
    }

    #[inline]
    fn copy_out(&self, at: usize, into: &mut [u8]) {
        self.0.copy_out(at, into);
    }

    #[inline]
    fn copy_out_summed(&self, at: usize, into: &mut [u8], sum: u32) -> u32 {
        self.0.copy_out_summed(at, into, sum)
    }

    #[inline]
    fn futex(&self, at: usize) -> &AtomicU32 {
        self.0.futex(at)
    }
}

impl WordsMut for ViewMut {
    #[inline]
    fn store32(&self, at: usize, value: u32, order: Ordering) {
        // SAFETY: aligned and inside the mapping, which is writable.
        unsafe { (*self.0.word::<AtomicU32>(at)).store(value, order) }
    }

    #[inline]
    fn store64(&self, at: usize, value: u64, order: Ordering) {
        // SAFETY: as in `store32`.
        unsafe { (*self.0.word::<AtomicU64>(at)).store(value, order) }
    }

    #[inline]
    fn store_header(&self, at: usize, [first, id, stamp, last]: [u64; 4]) {
        let [start, rest @ ..] = self.0.header(at);
        // SAFETY: the high half of a word that is aligned and inside the mapping, which is writable.
        let route_id = unsafe { &*std::ptr::from_ref(start).cast::<AtomicU32>().add(1) };
        route_id.store((first >> 32) as u32, Ordering::Relaxed);
        for (word, value) in rest.iter().zip([id, stamp, last]) {
            word.store(value, Ordering::Relaxed);
        }
    }

    #[inline]
    fn copy_in(&self, at: usize, from: &[u8]) {
        // SAFETY: the target is inside the mapping, 8-byte aligned and writable; the source is private.
        unsafe { copy::to_shared(from, self.0.bytes_at(at, from.len())) }
    }
}
