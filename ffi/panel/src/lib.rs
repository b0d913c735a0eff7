//! What the control plane can't do in its own language, as a C ABI: the table of it is `ffi/symbols.ts`.
//!
//! Every function answers a number: 0 or more is good, negative is not, and `rtt_last_error` then has the sentence. Buffers
//! are the caller's for the time of the call; only `rtt_link_wait` may be called off the caller's thread, and it takes none.
mod abi;
mod error;
mod keeper;
mod link;
mod lock;
mod paths;
mod peers;
mod pump;
mod telemetry;
