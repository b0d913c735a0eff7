//! Every maximum of the panel's native side.

/// Packets that have arrived and that nobody has taken; beyond it the socket is left full, and the keeper waits. As many as
/// the keeper redelivers to a new panel, so that it is not given up for replies unread meanwhile.
pub const INCOMING: usize = 16_384;
/// Packets that the socket has not taken yet; beyond it the keeper is given up as stuck.
pub const OUTGOING: usize = 16_384;
/// Parts of one inventory: more would be a keeper that never ends.
pub const INVENTORY_PARTS: usize = 65_536;
/// Packets read before those who wait are told.
pub const PACKETS_A_TURN: usize = 64;
/// Regions that are mapped for telemetry, and lanes that are read.
pub const REGIONS: usize = 65_536;
pub const LANES: usize = 65_536;
/// Bytes by which a durable file grows: its blocks are zeroed ahead, so that later syncs change no metadata.
pub const RESERVE_STEP: u64 = 256 * 1024;
/// Bytes zeroed by one write.
pub const ZEROES: usize = 64 * 1024;
/// Descriptors of this process that are looked at for peers of a socket.
pub const DESCRIPTORS: usize = 65_536;
/// Bytes of an argument or a path.
pub const TEXT: usize = 16 * 1024;

const _: () = assert!(RESERVE_STEP.is_multiple_of(ZEROES as u64));
