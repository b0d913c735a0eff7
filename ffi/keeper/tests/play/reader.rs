//! What a reader can try with the descriptor of its lane, to write into it.
use rustix::fs::{FallocateFlags, MemfdFlags, Mode, fallocate, fchmod, memfd_create};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap, mprotect};
use std::fs::{File, OpenOptions};
use std::os::fd::{AsRawFd, OwnedFd};

/// These two may succeed where reader and keeper are one user, who owns the memory; then the others are tried on what was
/// opened. Those must never succeed.
pub const OPENS: [&str; 2] = ["mode changed", "reopened for writing"];
pub const WRITES: [&str; 4] = ["written", "mapped for writing", "made writable", "punched"];

/// What became of each try, in the order of the names above.
pub fn attempts(lane: &OwnedFd, bytes: u64) -> [(&'static str, bool); 6] {
    let length = usize::try_from(bytes).expect("a region fits into memory");
    let changed = fchmod(lane, Mode::RUSR | Mode::WUSR).is_ok();
    let reopened = OpenOptions::new().read(true).write(true).open(format!("/proc/self/fd/{}", lane.as_raw_fd()));
    let fd = reopened.as_ref().map_or_else(|_| lane.try_clone(), |file| file.try_clone().map(OwnedFd::from));
    let fd = fd.expect("a copy");
    let written = rustix::io::pwrite(&fd, b"!", bytes - 1).is_ok();
    // SAFETY: new mappings at addresses of the kernel's choice, of which nothing is read or written.
    let (mapped, turned) = unsafe {
        let mapped = mmap(std::ptr::null_mut(), length, ProtFlags::WRITE, MapFlags::SHARED, &fd, 0).is_ok();
        let shown = mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::SHARED, &fd, 0);
        let turned = shown.is_ok_and(|at| mprotect(at, length, MprotectFlags::READ | MprotectFlags::WRITE).is_ok());
        (mapped, turned)
    };
    let punched = fallocate(&fd, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 0, 4096).is_ok();
    let [change, open] = OPENS;
    let [write, map, turn, punch] = WRITES;
    [(change, changed), (open, reopened.is_ok()), (write, written), (map, mapped), (turn, turned), (punch, punched)]
}

/// The same on memory of this process's own that nobody has sealed, as a reader would get it.
pub fn attempts_on_unsealed() -> [(&'static str, bool); 6] {
    let bytes = 64 * 1024;
    let made = memfd_create("unsealed", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).expect("shared memory");
    rustix::fs::ftruncate(&made, bytes).and_then(|()| fchmod(&made, Mode::RUSR)).expect("a size and a mode");
    let lane = File::open(format!("/proc/self/fd/{}", made.as_raw_fd())).expect("a read-only descriptor");
    attempts(&lane.into(), bytes)
}
