//! Broadcast lanes: one writer, any number of readers, and a ring whose oldest frames are overwritten.
//!
//! The ring is a row of slots of one size. Frame n lies in slot n modulo their count, behind a sequence word that is 2n + 1 while
//! the frame is written and 2n + 2 once it is whole. A reader copies, then looks at the word again: if it has changed, the copy
//! is thrown away and the loss is counted. The writer waits for nobody and reads nothing of its readers but who sleeps, so that
//! a slow or hostile reader costs only its own frames.
//!
//! Readers come and go at ends: at each transition that changes who reads, the writer notes {epoch, frames so far}. A reader that
//! joins starts there, one that leaves stops there, and the others pass it.
mod ends;
pub mod figures;
pub mod layout;
mod reader;
mod record;
mod writer;

pub use layout::Slots;
pub use reader::{Keep, Reader};
pub use writer::Writer;
