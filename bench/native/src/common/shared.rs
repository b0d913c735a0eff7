//! Memory that a process and its child both see.
use std::sync::atomic::{AtomicU32, AtomicU64};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

use crate::Outcome;

/// # Safety
/// All bytes zero are a value of the type, and it is changed through atomics only.
pub unsafe trait Shared: Sync + 'static {}

// SAFETY: an atomic.
unsafe impl Shared for AtomicU64 {}
// SAFETY: an atomic.
unsafe impl Shared for AtomicU32 {}

/// So many values, zero, which live as long as the process and are shared with the children that it forks from now on.
pub fn shared<T: Shared>(count: usize) -> Outcome<&'static [T]> {
    let bytes = size_of::<T>() * count;
    // SAFETY: a new mapping at an address of the kernel's choice touches no other memory.
    let base =
        unsafe { mmap_anonymous(std::ptr::null_mut(), bytes, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED) }?;
    // Pages that are first touched while the time runs would be measured too.
    // SAFETY: the mapping is this long, writable, and nobody else has it yet.
    unsafe { std::ptr::write_bytes(base.cast::<u8>(), 0, bytes) };
    // SAFETY: aligned to a page, long enough, zero, never unmapped; the trait's promise covers the rest.
    Ok(unsafe { std::slice::from_raw_parts(base.cast(), count) })
}
