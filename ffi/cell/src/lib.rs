//! One driver in its cell: namespaces, a root of its own, Landlock, seccomp, limits.
//!
//! Default deny: what the specification does not grant is not there. In *range* mode each cell has an outside uid of its
//! own; in *single* mode the keeper's user is alone in a user namespace. The caller has one thread.

pub mod cgroup;
pub mod closure;
mod driver;
pub mod error;
pub mod files;
mod first;
pub mod identity;
pub mod landlock;
pub mod limits;
pub mod probe;
mod root;
pub mod seccomp;
pub mod spawn;
pub mod spec;
pub mod status;
mod sys;

pub use error::{CellError, Result};
pub use spawn::{Cells, Spawned};
