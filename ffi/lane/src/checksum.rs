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
pub fn of_words([first, id, stamp, last]: [u64; 4], payload: &[u8]) -> u32 {
    let words = [first, id, stamp, last & !u64::from(u32::MAX)];
    #[cfg(target_arch = "x86_64")]
    if payload.len() < LARGE && std::arch::is_x86_feature_detected!("sse4.2") {
        // SAFETY: the processor has the instruction.
        return unsafe { x86::of(words[0], words[1], words[2], words[3], payload) };
    }
    let mut bytes = [0_u8; 32];
    for (to, word) in bytes.chunks_exact_mut(8).zip(words) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    crc32c::crc32c_append(crc32c::crc32c(&bytes), payload)
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{_mm_crc32_u8, _mm_crc32_u64};

    #[target_feature(enable = "sse4.2")]
    pub fn of(first: u64, id: u64, stamp: u64, last: u64, payload: &[u8]) -> u32 {
        let mut crc = _mm_crc32_u64(u64::from(u32::MAX), first);
        crc = _mm_crc32_u64(crc, id);
        crc = _mm_crc32_u64(crc, stamp);
        crc = _mm_crc32_u64(crc, last);
        let (chunks, rest) = payload.as_chunks::<8>();
        for chunk in chunks {
            crc = _mm_crc32_u64(crc, u64::from_le_bytes(*chunk));
        }
        let mut crc = crc as u32;
        for byte in rest {
            crc = _mm_crc32_u8(crc, *byte);
        }
        !crc
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
