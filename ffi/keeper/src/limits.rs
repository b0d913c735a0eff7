//! Every maximum of the keeper.

pub const INSTANCES: usize = 2_048;
pub const REGIONS: usize = 65_536;
/// Staged and neither discarded nor settled.
pub const TRANSITIONS: usize = 16;
/// Lanes of one binding.
pub const LANES_OF_A_BINDING: usize = 4_096;
/// Bytes of all regions together.
pub const REGION_BYTES_ALL: u64 = 64 * 1024 * 1024 * 1024;

/// Connections that have not attached yet, and how long they may take.
pub const STRANGERS: usize = 8;
pub const ATTACH_WITHIN_NS: u64 = 5_000_000_000;
/// Events kept until a panel has acknowledged them; the oldest go first, and the inventory holds what they told.
pub const EVENTS: usize = 16_384;
/// Replies that wait for the panel to read.
pub const REPLIES: usize = 1_024;

/// Packets that wait for one driver to read.
pub const DRIVER_PACKETS: usize = 512;
/// Requests to open that wait for the panel's answer, for each driver.
pub const OPENS_PENDING: usize = 128;
/// Requests to open in the life of one driver.
pub const OPENS_EVER: u32 = 4_096;
/// Failures that one driver may claim.
pub const FAILURES_CLAIMED: u32 = 16;
/// Packets read from one socket before others have their turn.
pub const PACKETS_A_TURN: usize = 64;

/// Descriptors that a driver may have open beside its own: those of its kit and of one packet on the way.
pub const KIT_DESCRIPTORS: u64 = 256 + 32;

/// Bytes of output read from one driver before others have their turn.
pub const OUTPUT_CHUNK: usize = 64 * 1024;
/// Of one log file; there are two for each driver.
pub const LOG_BYTES: u64 = 4 * 1024 * 1024;
pub const LOG_BYTES_LEAST: u64 = 4 * 1024;

pub const NO_PANEL_FOR_NS: u64 = 60_000_000_000;
pub const STOP_WITHIN_NS: u64 = 1_000_000_000;
pub const STOP_WITHIN_MOST_NS: u64 = 60_000_000_000;
/// How long a new keeper waits for the cells of a killed one to end.
pub const LOCK_WITHIN_NS: u64 = 5_000_000_000;

const _: () = assert!(INSTANCES <= rtt_cell::limits::CELLS as usize);
const _: () = assert!(KIT_DESCRIPTORS > rtt_control::limits::PACKET_DESCRIPTORS as u64);
const _: () = assert!(LOG_BYTES_LEAST < LOG_BYTES);
const _: () = assert!(STOP_WITHIN_NS < STOP_WITHIN_MOST_NS);
