//! The control protocol between panel, keeper and drivers: `control.capnp` as checked, owned values, and packets of a
//! SEQPACKET socket that carry them with descriptors.
//!
//! Everything that arrives goes through `read`, which checks names against the grammar, ranges, alignment and the length
//! of every list; a value of these types is therefore well-formed. `control_capnp.rs` is generated and committed
//! (`cargo run -p rtt-control-generate`); a test compares it with a fresh one.

pub mod cell;
pub mod codec;
pub mod driver;
pub mod endpoint;
pub mod error;
pub mod inventory;
#[cfg(feature = "json")]
mod json;
pub mod lane;
pub mod limits;
pub mod names;
pub mod packet;
pub mod panel;

#[allow(clippy::all, clippy::pedantic, unused_qualifications)]
#[rustfmt::skip]
pub mod control_capnp;

pub use error::{ControlError, Result};
