//! What a producer finds in its own ring when its consumer is dead: the frames that were not credited.
use crate::checksum;
use crate::layout::{HEADER_BYTES, Header, PAD, flag, frame_max, padded};
use crate::memory::Words;
use std::sync::atomic::Ordering::Relaxed;

/// A frame as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncredited {
    pub frame_id: u64,
    pub stamp: u64,
    pub payload: Vec<u8>,
}

/// The frames between two positions of a ring, in order; of these only what is behind the last `SWITCH`, since newer ones went
/// another way after it. `from` is what a peer has said: where no frame of ours begins there, nothing is found.
pub fn between(ring: &impl Words, start: usize, ring_bytes: u64, from: u64, to: u64) -> Vec<Uncredited> {
    let mut found = Vec::new();
    let mut position = from;
    while position < to {
        let place = position & (ring_bytes - 1);
        let to_end = ring_bytes - place;
        let word = start + place as usize;
        let len = ring.load32(word, Relaxed);
        if len & PAD != 0 {
            if u64::from(len & !PAD) != to_end {
                return Vec::new();
            }
            position += to_end;
            continue;
        }
        let size = padded(u64::from(len));
        let is_frame = len as usize >= HEADER_BYTES && u64::from(len) <= frame_max(ring_bytes);
        if !is_frame || size > to_end || size > to - position {
            return Vec::new();
        }
        let header = Header::of_words(ring.load_header(word));
        let mut payload = vec![0; len as usize - HEADER_BYTES];
        ring.copy_out(word + HEADER_BYTES, &mut payload);
        if checksum::of_words(header.words(), &payload) != header.checksum {
            return Vec::new();
        }
        if header.flags & flag::SWITCH != 0 {
            found.clear();
        } else {
            found.push(Uncredited { frame_id: header.frame_id, stamp: header.stamp, payload });
        }
        position += size;
    }
    found
}
