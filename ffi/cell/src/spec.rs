//! One cell as the keeper orders it: every path absolute, every descriptor open, nothing left to look up.
use crate::files::BoundFile;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

/// The driver's first program.
#[derive(Clone, Debug)]
pub enum Program {
    /// Run from a descriptor (the built-in drivers).
    Passed(Arc<OwnedFd>),
    /// A path inside the cell.
    Path(String),
}

/// A store object shown at `/driver/<path>`, or where it is on the host if the path is absolute. Where the cell shows the
/// host's own file, that must be what the hash says.
#[derive(Clone, Debug)]
pub struct ClosureFile {
    pub path: String,
    /// Where the store may hold it; the first that is there is taken.
    pub sources: Vec<PathBuf>,
    /// SHA-256, lower-case hexadecimal.
    pub hash: String,
    pub executable: bool,
}

#[derive(Debug)]
pub struct Cell {
    pub name: String,
    pub program: Program,
    pub argv: Vec<String>,
    /// `NAME=value`; nothing else is in the environment.
    pub env: Vec<String>,
    pub closure: Vec<ClosureFile>,
    pub files: Vec<BoundFile>,
    /// A device is among the files: its own ioctl requests are let through.
    pub device: bool,
    pub pty: bool,
    pub network: bool,
    pub cpus: Vec<u32>,
    /// 0: no limit.
    pub memory_bytes: u64,
    pub open_files: u64,
    pub isolated: bool,
    /// Below `limits::CELLS`, used by no other living cell.
    pub slot: u32,
    /// An existing empty folder to build the root on; only this cell's mount namespace sees it covered.
    pub mountpoint: PathBuf,
}

/// Descriptors that the cell takes over.
#[derive(Debug)]
pub struct Descriptors<'a> {
    /// The driver's end of its control socket: descriptor 3.
    pub control: OwnedFd,
    /// Where its output goes: descriptors 1 and 2.
    pub output: OwnedFd,
    /// Held by the first process until the cell is gone.
    pub lock: &'a OwnedFd,
}
