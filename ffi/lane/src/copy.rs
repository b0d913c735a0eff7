//! Copies between private memory and memory that another process may be reading or writing at this moment.
//!
//! A plain `memcpy` there is a data race, which the compiler may assume not to happen. Small copies are relaxed atomic words;
//! large ones are `rep movsb`, which the compiler takes as opaque and the processor does in whole lines (and Miri not at all).
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(all(target_arch = "x86_64", not(miri)))]
const LARGE: usize = 512;
/// What is copied and then summed at a time.
const PIECE: usize = 4096;

/// # Safety
/// `from` is 8-byte aligned and `into.len()` bytes from it are mapped, up to the next multiple of 8.
#[inline]
pub unsafe fn from_shared(from: *const u8, into: &mut [u8]) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if into.len() >= LARGE {
        // SAFETY: both ranges are valid by the caller's promise, and do not overlap: one is private.
        unsafe { move_bytes(from, into.as_mut_ptr(), into.len()) };
        return;
    }
    let words = from.cast::<AtomicU64>();
    let (chunks, rest) = into.as_chunks_mut::<8>();
    for (index, chunk) in chunks.iter_mut().enumerate() {
        // SAFETY: inside the range of the caller's promise.
        *chunk = unsafe { (*words.add(index)).load(Ordering::Relaxed) }.to_le_bytes();
    }
    if !rest.is_empty() {
        // SAFETY: the promise covers the last word whole.
        let word = unsafe { (*words.add(chunks.len())).load(Ordering::Relaxed) }.to_le_bytes();
        rest.copy_from_slice(&word[..rest.len()]);
    }
}

/// The same, and goes on with the checksum `sum` over what arrived: one pass, for what is summed is in the nearest cache.
///
/// # Safety
/// As for `from_shared`.
#[inline]
pub unsafe fn from_shared_summed(from: *const u8, into: &mut [u8], mut sum: u32) -> u32 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if into.len() < LARGE && crate::checksum::instruction::is_there() {
        // SAFETY: by the caller's promise; the processor has the instruction.
        return unsafe { words_summed(from, into, sum) };
    }
    for (index, piece) in into.chunks_mut(PIECE).enumerate() {
        // SAFETY: inside the range of the caller's promise; pieces begin at multiples of 8.
        unsafe { from_shared(from.add(index * PIECE), piece) };
        sum = crc32c::crc32c_append(sum, piece);
    }
    sum
}

/// # Safety
/// As for `from_shared`, and `instruction::is_there`.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
unsafe fn words_summed(from: *const u8, into: &mut [u8], sum: u32) -> u32 {
    use crate::checksum::instruction;
    let words = from.cast::<AtomicU64>();
    let (chunks, rest) = into.as_chunks_mut::<8>();
    let mut crc = !sum;
    for (index, chunk) in chunks.iter_mut().enumerate() {
        // SAFETY: by the caller's promise.
        unsafe {
            let word = (*words.add(index)).load(Ordering::Relaxed);
            *chunk = word.to_le_bytes();
            crc = instruction::of_word(crc, word);
        }
    }
    if !rest.is_empty() {
        // SAFETY: the promise covers the last word whole.
        let word = unsafe { (*words.add(chunks.len())).load(Ordering::Relaxed) }.to_le_bytes();
        rest.copy_from_slice(&word[..rest.len()]);
        // SAFETY: by the caller's promise.
        crc = unsafe { instruction::of_bytes(crc, rest) };
    }
    !crc
}

/// Fills up to the next multiple of 8 with zeroes.
///
/// # Safety
/// `into` is 8-byte aligned and `from.len()` bytes from it are mapped writable, up to the next multiple of 8.
#[inline]
pub unsafe fn to_shared(from: &[u8], into: *mut u8) {
    let words = into.cast::<AtomicU64>();
    let (chunks, rest) = from.as_chunks::<8>();
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    let large = from.len() >= LARGE;
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let large = false;
    if large {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        // SAFETY: both ranges are valid by the caller's promise, and do not overlap: one is private.
        unsafe {
            move_bytes(from.as_ptr(), into, chunks.len() * 8);
        }
    } else {
        for (index, chunk) in chunks.iter().enumerate() {
            // SAFETY: inside the range of the caller's promise.
            unsafe { (*words.add(index)).store(u64::from_le_bytes(*chunk), Ordering::Relaxed) };
        }
    }
    if !rest.is_empty() {
        let mut word = [0_u8; 8];
        word[..rest.len()].copy_from_slice(rest);
        // SAFETY: the promise covers the last word whole.
        unsafe { (*words.add(chunks.len())).store(u64::from_le_bytes(word), Ordering::Relaxed) };
    }
}

/// # Safety
/// Both ranges are mapped for `bytes`, and do not overlap.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
unsafe fn move_bytes(from: *const u8, into: *mut u8, bytes: usize) {
    // SAFETY: by the caller's promise; the direction flag is clear by the ABI.
    unsafe {
        std::arch::asm!(
            "rep movsb",
            inout("rcx") bytes => _,
            inout("rsi") from => _,
            inout("rdi") into => _,
            options(nostack, preserves_flags)
        );
    }
}
