//! What the native benchmarks measure with: two processes pinned to two cores, memory that both see, and figures beside their
//! references. A reference is measured in turns with what it is compared with, so that both see the same moments of a busy
//! machine.

pub mod bare;
pub mod cores;
pub mod figure;
pub mod flows;
pub mod lanes;
pub mod peer;
pub mod shared;
pub mod ticks;
pub mod trips;

pub use cores::{ASKER, ECHO, pin};
pub use figure::{Figure, median, quantile};

pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;
