//! Every maximum of the kit.

/// The control thread looks at socket and epoch by turns while a transition is under way; the least and the longest turn.
pub const TURN_NS: u64 = 500_000;
pub const TURN_NS_MAX: u64 = 8_000_000;
/// Bytes of the epoch page.
pub const EPOCH_PAGE: u64 = 4096;
/// Lanes that one endpoint reads at a time.
pub const LANES_OF_AN_INPUT: usize = 64;
/// Transitions that may be staged and not yet settled or discarded.
pub const TRANSITIONS: usize = 64;
/// Messages that may arrive while the endpoints are being opened.
pub const EARLY_MESSAGES: usize = 64;
