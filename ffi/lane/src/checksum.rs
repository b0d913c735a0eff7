//! CRC-32C of a frame: the header with its checksum 0, then the payload.
//!
//! It stops accidents, not attackers. Small frames use the processor's instruction directly, because a call that first looks
//! for the best way costs more than the frame; large ones go through the crate that keeps three streams busy.
use crate::layout::Header;

/// From here on three interleaved streams are faster.
const LARGE: usize = 1024;

/// The checksum of a frame whose header's `checksum` is ignored.
pub fn of_frame(header: &Header, payload: &[u8]) -> u32 {
    of_words(header.words(), payload)
}

/// The same from the header's four words as they lie in the ring. By value: a header that is written in parts and read whole a
/// moment later costs the processor a stall.
#[inline]
pub fn of_words(words: [u64; 4], payload: &[u8]) -> u32 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if payload.len() < LARGE && instruction::is_there() {
        // SAFETY: the processor has the instruction.
        return unsafe { !instruction::of_bytes(instruction::of_words(u32::MAX, without_sum(words)), payload) };
    }
    crc32c::crc32c_append(of_header(words), payload)
}

/// What a frame's checksum is before its payload was looked at.
#[inline]
pub fn of_header(words: [u64; 4]) -> u32 {
    let words = without_sum(words);
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if instruction::is_there() {
        // SAFETY: the processor has the instruction.
        return unsafe { !instruction::of_words(u32::MAX, words) };
    }
    let mut bytes = [0_u8; 32];
    for (to, word) in bytes.chunks_exact_mut(8).zip(words) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    crc32c::crc32c(&bytes)
}

#[inline]
const fn without_sum([first, id, stamp, last]: [u64; 4]) -> [u64; 4] {
    [first, id, stamp, last & !(u32::MAX as u64)]
}

/// Written as assembly: the compiler's own way in is a function that is only inlined where the whole caller asks for a newer
/// processor, and a call costs as much as a small frame's checksum.
#[cfg(all(target_arch = "x86_64", not(miri)))]
pub(crate) mod instruction {
    use std::arch::asm;

    #[inline]
    pub fn is_there() -> bool {
        std::arch::is_x86_feature_detected!("sse4.2")
    }

    /// # Safety
    /// `is_there`.
    #[inline]
    pub unsafe fn of_word(crc: u32, word: u64) -> u32 {
        let mut wide = u64::from(crc);
        // SAFETY: registers only; the instruction is there by the caller's promise.
        unsafe {
            asm!("crc32 {}, {}", inout(reg) wide, in(reg) word, options(pure, nomem, nostack, preserves_flags));
        }
        wide as u32
    }

    /// # Safety
    /// `is_there`.
    #[inline]
    pub unsafe fn of_words(crc: u32, words: [u64; 4]) -> u32 {
        // SAFETY: as in `of_word`.
        words.into_iter().fold(crc, |crc, word| unsafe { of_word(crc, word) })
    }

    /// # Safety
    /// `is_there`.
    #[inline]
    pub unsafe fn of_bytes(crc: u32, bytes: &[u8]) -> u32 {
        let (words, rest) = bytes.as_chunks::<8>();
        // SAFETY: as in `of_word`.
        let crc = words.iter().fold(crc, |crc, word| unsafe { of_word(crc, u64::from_le_bytes(*word)) });
        rest.iter().fold(crc, |mut crc, byte| {
            // SAFETY: as in `of_word`.
            unsafe {
                asm!("crc32 {:e}, {}", inout(reg) crc, in(reg_byte) *byte, options(pure, nomem, nostack, preserves_flags));
            }
            crc
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bitwise(bytes: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 };
            }
        }
        !crc
    }

    #[test]
    fn the_polynomial_is_castagnolis() {
        assert_eq!(bitwise(b"123456789"), 0xE306_9283);
    }

    proptest! {
        #[test]
        fn every_way_gives_the_same(header in any::<[u64; 4]>(), payload in prop::collection::vec(any::<u8>(), 0..3000)) {
            let header = Header {
                len: header[0] as u32,
                route_id: (header[0] >> 32) as u32,
                frame_id: header[1],
                stamp: header[2],
                checksum: header[3] as u32,
                flags: (header[3] >> 32) as u32,
            };
            let mut bytes = Vec::new();
            bytes.extend(header.len.to_le_bytes());
            bytes.extend(header.route_id.to_le_bytes());
            bytes.extend(header.frame_id.to_le_bytes());
            bytes.extend(header.stamp.to_le_bytes());
            bytes.extend([0; 4]);
            bytes.extend(header.flags.to_le_bytes());
            bytes.extend(&payload);
            prop_assert_eq!(of_frame(&header, &payload), bitwise(&bytes));
        }
    }
}
