//! The panel's native side, a library that Deno loads from memory (`ffi/mod.ts`). It moves messages, descriptors and numbers
//! and decides nothing: packets cross over as JSON in the shapes of `core/keeper.ts`, and `cli/adapters/` is its user.
//!
//! `abi` is the table of calls. No memory that a peer can write, and no pointer into this library, ever reaches JavaScript.

pub mod abi;
mod durable;
mod error;
mod folder;
mod keeper;
mod limits;
mod link;
mod lock;
mod messages;
mod notify;
mod outside;
mod peers;
mod program;
mod table;
mod telemetry;
