//! Every maximum of a cell.

/// Bytes of all closure files of one driver (the same number as `core/limits.ts`).
pub const CLOSURE_BYTES: u64 = 512 * 1024 * 1024;
/// Bytes of the root beside the closure: folders, links and empty files to mount on.
pub const ROOT_BYTES: u64 = 4 * 1024 * 1024;
/// Processes and threads of one cell.
pub const PROCESSES: u64 = 256;
/// Bytes of one file that a driver writes: what runs away ends here and not with the disk. How many files there are in a
/// folder that is granted for writing is not limited.
pub const FILE_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// Bytes of one message on the status socket.
pub const STATUS_BYTES: usize = 4096;
/// Cells of one keeper at the same time: each has an outside uid of its own in range mode.
pub const CELLS: u32 = 4096;
/// Blocks of that many uids: keepers of different folders mostly have different ones.
pub const BLOCKS: u32 = 4096;
/// First outside uid of the range: above those of people, containers and systemd's dynamic users.
pub const RANGE_FIRST: u32 = 1_900_000_000;
/// The uid and gid that a driver sees itself under.
pub const INSIDE_ID: u32 = 1000;
/// Cores that an affinity mask can name.
pub const CPUS: u32 = 1024;
/// Open files of a driver whose specification says none.
pub const OPEN_FILES_DEFAULT: u64 = 256;

const _: () = assert!(RANGE_FIRST as u64 + (CELLS as u64) * (BLOCKS as u64) < i32::MAX as u64);
const _: () = assert!(ROOT_BYTES < CLOSURE_BYTES);
