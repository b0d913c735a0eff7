//! Lanes: rings in shared memory. Each region has exactly one writer, and nothing read from it is trusted.
//!
//! `layout` says where everything lies, `memory` maps regions and holds all the unsafe access to them, `producer` and
//! `consumer` are the two sides of a stream ring, `broadcast` is the ring of many readers, `figures` reads a lane without taking
//! part, `wait` sleeps on words. Bindings, epochs and policies are the driver kit's (`rtt-driver`).

pub mod admission;
pub mod broadcast;
pub mod checksum;
pub mod clock;
pub mod consumer;
pub mod copy;
pub mod error;
pub mod figures;
pub mod histogram;
pub mod lane;
pub mod layout;
pub mod limits;
pub mod memory;
pub mod producer;
pub mod uncredited;
pub mod wait;

pub use consumer::{Consumer, Next, Received};
pub use error::LaneError;
pub use lane::{Geometry, Knobs};
pub use memory::{View, ViewMut, Words, WordsMut};
pub use producer::{Producer, Refused};
pub use uncredited::Uncredited;
