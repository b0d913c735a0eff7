//! The driver kit: what a driver of RTT links to send and receive on lanes.
//!
//! ```no_run
//! use rtt_driver::Driver;
//! use std::time::Duration;
//!
//! let driver = Driver::connect()?;
//! let (mut state, mut force) = (driver.input("state")?, driver.output("force")?);
//! while !driver.stopping() {
//!     if let Some(frame) = state.receive(Duration::from_secs(1))? {
//!         force.send(&frame.payload).ok();
//!     }
//! }
//! # Ok::<(), rtt_driver::Error>(())
//! ```
//!
//! A driver has endpoints, which its manifest names and which live as long as it does; lanes come and go on them as plans are
//! applied. A planned change of lanes loses, doubles and reorders nothing: an output ends its lane with a `SWITCH`, an input
//! reads up to it before it touches the next lane. The kit does that inside `send` and `receive`; while their owner is
//! elsewhere the kit's one thread does.
//!
//! `binding` finds the steps from what was staged to the epoch that is seen; `outport` and `inport` (over `reading`) perform
//! them at one endpoint; `control` talks to the keeper; `output` and `input` are what the owner calls.

mod backlog;
mod binding;
pub mod c;
mod control;
mod core;
mod driver;
mod ends;
mod error;
mod frame;
mod inport;
mod input;
pub mod limits;
mod outport;
mod output;
mod reading;

pub use driver::{CONTROL_FD, Driver};
pub use error::{Error, SendError};
pub use frame::{Frame, FrameInfo};
pub use input::Input;
pub use output::{Output, Sent};
pub use rtt_control::cell::{Access, Direction, Endpoint, Field, Framing, Io, Layout, Stdio};
/// CLOCK_MONOTONIC nanoseconds, as in the stamps of frames.
pub use rtt_lane::clock::now as monotonic_ns;
