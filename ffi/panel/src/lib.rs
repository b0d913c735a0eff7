//! The panel's native side, a library that Deno loads from memory (`ffi/mod.ts`). It moves bytes, descriptors and numbers and
//! decides nothing: what packets mean is read and written in TypeScript (`cli/adapters/`).
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
mod notify;
mod outside;
mod peers;
mod program;
mod table;
mod telemetry;
