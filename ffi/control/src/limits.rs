//! Every maximum of the control protocol (the same numbers as `core/limits.ts`).

/// Version of the protocol; a peer with another one is refused. The schema's constant is asserted equal in the tests.
pub const PROTOCOL: u32 = 1;
/// Bytes of one packet.
pub const PACKET_BYTES: usize = 64 * 1024;
/// Descriptors of one packet (the kernel's SCM_MAX_FD).
pub const PACKET_DESCRIPTORS: usize = 253;
/// Nesting of a message.
pub const NESTING: i32 = 16;
/// How many times over a message may be traversed: pointers that alias cannot multiply work.
pub const TRAVERSAL_WORDS: usize = 4 * PACKET_BYTES / 8;

/// Elements of any list in one message.
pub const LIST: u32 = 4_096;
/// Lanes of one part of a binding: with the longest names 128 of them stay below a packet.
pub const PART_LANES: usize = 128;
/// Bytes of a lane with the longest names, and of a text beside its characters.
pub const LANE_BYTES: usize = 448;
pub const TEXT_POINTER_BYTES: usize = 16;
/// Bytes of an argument, an environment entry or a path.
pub const TEXT_BYTES: usize = 4_096;
/// Bytes of a sentence shown to people.
pub const SENTENCE_BYTES: usize = 1_024;

pub const RING_BYTES_MIN: u64 = 4 * 1024;
pub const RING_BYTES_MAX: u64 = 256 * 1024 * 1024;
pub const REGION_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Pages, rings and regions start at multiples of this.
pub const ALIGNMENT: u64 = 64;

const _: () = assert!(RING_BYTES_MAX < REGION_BYTES_MAX);
const _: () = assert!(PART_LANES * LANE_BYTES < PACKET_BYTES);
