//! Programs that the executable carries, as read-only descriptors that can be executed: nothing on disk can be exchanged
//! under them.
use crate::error::{PanelError, Result};
use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, fcntl_add_seals, memfd_create, open, openat, unlinkat};
use rustix::io::Errno;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

/// A sealed memfd that holds these bytes. Where the host forbids programs in memory, a file without a name in `folder`.
pub fn hold(name: &str, bytes: &[u8], folder: &Path) -> Result<OwnedFd> {
    match in_memory(name, bytes) {
        // `vm.memfd_noexec` = 2.
        Err(Errno::ACCESS | Errno::PERM) => on_disk(name, bytes, folder),
        held => held.map_err(|error| PanelError::system(&format!("hold {name} in memory"), error)),
    }
}

fn in_memory(name: &str, bytes: &[u8]) -> rustix::io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memory = match memfd_create(name, flags | MemfdFlags::EXEC) {
        // Kernels before 6.3 know no such flag, and need none.
        Err(Errno::INVAL) => memfd_create(name, flags),
        made => made,
    }?;
    write_all(&memory, bytes)?;
    fcntl_add_seals(&memory, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    read_only(&memory)
}

/// The same file, without the right to write.
fn read_only(file: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    open(format!("/proc/self/fd/{}", file.as_raw_fd()), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

/// A file made by us alone, in a folder of ours alone, without a name once it is written, and read back to be sure.
fn on_disk(name: &str, bytes: &[u8], folder: &Path) -> Result<OwnedFd> {
    let wrong = |error: Errno| PanelError::disk(&format!("write {name} into {}", folder.display()), error);
    let folder = crate::folder::private(folder)?;
    let file = format!(".{name}.{}", rustix::process::getpid().as_raw_nonzero());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match unlinkat(&folder, &file, rustix::fs::AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(wrong(error)),
    }
    let writer = openat(&folder, &file, flags, Mode::RUSR | Mode::XUSR).map_err(wrong)?;
    let written = write_all(&writer, bytes);
    drop(writer);
    let reader = openat(&folder, &file, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty());
    unlinkat(&folder, &file, rustix::fs::AtFlags::empty()).map_err(wrong)?;
    written.map_err(wrong)?;
    let mut reader = File::from(reader.map_err(wrong)?);
    let mut there = Vec::with_capacity(bytes.len());
    reader.read_to_end(&mut there).map_err(|error| PanelError::system(&format!("read {name} back"), error))?;
    if there != bytes {
        return Err(PanelError::new(
            "native.program",
            format!("cannot use {name} because somebody changed it on disk"),
        ));
    }
    Ok(reader.into())
}

fn write_all(file: impl AsFd, bytes: &[u8]) -> rustix::io::Result<()> {
    let mut file = File::from(file.as_fd().try_clone_to_owned().map_err(|_| Errno::MFILE)?);
    file.write_all(bytes).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::fcntl_get_seals;

    #[test]
    fn what_is_held_in_memory_cannot_be_written() {
        let held = hold("a-program", b"#!/bin/true\n", Path::new("/")).unwrap();
        assert!(fcntl_get_seals(&held).unwrap().contains(SealFlags::WRITE | SealFlags::SEAL));
        let reopened = open(format!("/proc/self/fd/{}", held.as_raw_fd()), OFlags::RDWR, Mode::empty());
        assert!(reopened.is_err() || rustix::io::write(reopened.unwrap(), b"x").is_err());
    }

    #[test]
    fn what_is_held_on_disk_has_no_name() {
        let folder = std::env::temp_dir().join(format!("rtt-program-{}", std::process::id()));
        let held = on_disk("a-program", b"#!/bin/true\n", &folder).unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        assert_eq!(std::fs::read(format!("/proc/self/fd/{}", held.as_raw_fd())).unwrap(), b"#!/bin/true\n");
        std::fs::remove_dir(&folder).unwrap();
    }
}
