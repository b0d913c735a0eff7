//! Every maximum of a lane. Sizes of rings and regions are those of the control protocol.

pub const RING_BYTES_MIN: u64 = 4 * 1024;
pub const RING_BYTES_MAX: u64 = 256 * 1024 * 1024;
pub const REGION_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// A frame with its header takes at most this part of its ring, so that pads never eat it.
pub const FRAME_FRACTION: u64 = 4;
/// Room that ordinary frames leave, so that a `SWITCH` always fits: header, pad before it and the cleared word after it, for
/// four transitions whose frames a stopped consumer has not yet passed.
pub const SWITCH_ROOM: u64 = 256;
/// Pads that one poll may pass: an honest ring has one before a frame.
pub const PADS_PER_POLL: usize = 2;

/// Longest sleep without a look at the words, should a wake be lost (a peer that died between store and wake).
pub const SLEEP_NS: u64 = 250_000_000;
/// The same where the host refuses `membarrier` or `futex_waitv`.
pub const SLEEP_UNFENCED_NS: u64 = 1_000_000;
/// Longest spin before a sleep, whatever the knob says.
pub const SPIN_NS_MAX: u64 = 1_000_000;
/// Spins between two looks at the clock.
pub const SPINS_PER_LOOK: u32 = 32;

/// Words that one `futex_waitv` takes (the kernel's FUTEX_WAITV_MAX).
pub const WAIT_WORDS: usize = 128;

/// Declared frames a second from which only one frame in `STAMP_EVERY` carries its own stamp.
pub const STAMP_ALL_BELOW_HZ: f64 = 100_000.0;
pub const STAMP_EVERY: u64 = 64;

/// Looks of the second witness in one budget, and the least time between two of them.
pub const WITNESS_LOOKS: u64 = 8;
pub const WITNESS_NS_MIN: u64 = 50_000;

/// Steps that a telemetry reader takes from the credit to the oldest frame (pads and switches).
pub const OLDEST_STEPS: usize = 8;

/// Slots of a broadcast ring, at least: as of a stream's ring, a frame takes no more than a quarter.
pub const SLOTS_MIN: u64 = FRAME_FRACTION;
/// Changes of readers that a broadcast lane remembers.
pub const ENDS: usize = 16;
/// Frames that one look of a broadcast reader may find overwritten, or wrong.
pub const LOOKS_AT_ONCE: usize = 8;
/// Frames that a writer can be ahead of a reader: 280 million million, a year at 9 million a second.
pub const FRAMES_AHEAD_MAX: u64 = 1 << 48;

const _: () = assert!(SWITCH_ROOM < RING_BYTES_MIN / 8);
const _: () = assert!(RING_BYTES_MAX < REGION_BYTES_MAX);
