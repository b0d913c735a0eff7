//! Every maximum of the kit.
use rtt_lane::layout::frame_max;
use rtt_lane::limits::{RING_BYTES_MAX, WAIT_WORDS};

/// The control thread looks at socket and epoch by turns while a transition is under way; the least and the longest turn.
pub const TURN_NS: u64 = 500_000;
pub const TURN_NS_MAX: u64 = 8_000_000;
/// Bytes of the epoch page.
pub const EPOCH_PAGE: u64 = 4096;
/// Lanes that one endpoint reads at a time: it sleeps on all of them, on the epoch and on its control thread's word at once.
/// The same number is in `core/limits.ts`.
pub const LANES_OF_AN_INPUT: usize = WAIT_WORDS - 2;
/// Transitions that may be staged and not yet settled or discarded.
pub const TRANSITIONS: usize = 64;
/// Messages that may arrive while the endpoints are being opened.
pub const EARLY_MESSAGES: usize = 64;
/// Bytes of the frames that an input holds for an owner who is outside while its lanes end.
pub const BACKLOG_BYTES: usize = 128 * 1024 * 1024;
/// What an output keeps of frames that dead consumers have not credited, until a lane has room for it.
pub const AGAIN_BYTES: usize = BACKLOG_BYTES;
pub const AGAIN_FRAMES: usize = 1 << 20;
/// Headers that one look at a lane passes over: what is not delivered must not keep this side from its deadline.
pub const HEADERS_A_LOOK: u32 = 4_096;
/// The same of a lane that was left early, at each call of an owner who has other lanes to read.
pub const HEADERS_A_CALL: u32 = 64;

/// Lanes that a driver calls broken in its life: the keeper hears a bounded number of complaints.
pub const BROKEN_TOLD: u32 = 8;

/// The largest frame fits in a backlog.
const _: () = assert!(frame_max(RING_BYTES_MAX) < BACKLOG_BYTES as u64);
