//! The file under the log: whole sectors, in blocks that are there and zeroed before they are needed, synced when asked.
use crate::error::{PanelError, Result};
use crate::folder;
use crate::limits::{RESERVE_STEP, ZEROES};
use crate::table::{Table, locked};
use rustix::fs::{
    AtFlags, FallocateFlags, Mode, OFlags, fallocate, fdatasync, fstat, fsync, ftruncate, openat, renameat, unlinkat,
};
use rustix::io::{Errno, pwrite};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Mutex;

pub static FILES: Table<DurableFile> = Table::new();

pub struct DurableFile {
    folder: OwnedFd,
    name: String,
    file: Mutex<OwnedFd>,
}

/// Opens a file for its one writer, and makes it (durably) if it is not there.
pub fn open_file(path: &Path) -> Result<DurableFile> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Err(PanelError::bug("a path has no file name"));
    };
    let folder = folder::open_folder(parent)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(&folder, name, flags, Mode::RUSR | Mode::WUSR)
        .map_err(|error| PanelError::disk(&format!("open {name}"), error))?;
    folder::sync(&folder)?;
    Ok(DurableFile { folder, name: name.to_owned(), file: Mutex::new(file) })
}

impl DurableFile {
    pub fn write(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        write_at(&locked(&self.file), offset, bytes).map_err(|error| PanelError::disk("write the log", error))
    }

    pub fn sync(&self) -> Result<()> {
        fdatasync(&*locked(&self.file)).map_err(|error| PanelError::disk("sync the log", error))
    }

    /// Makes sure that the first `bytes` are there, zeroed where nothing was; false when the disk is full.
    pub fn reserve(&self, bytes: u64) -> Result<bool> {
        let file = locked(&self.file);
        let wrong = |error: Errno| PanelError::disk("make room for the log", error);
        let there = size(&file).map_err(wrong)?;
        if there >= bytes {
            return Ok(true);
        }
        // With a full disk, what is asked for may still fit where a whole step does not.
        for wanted in [bytes.next_multiple_of(RESERVE_STEP), bytes] {
            match extend(&file, there, wanted) {
                Ok(()) => return Ok(true),
                Err(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => ftruncate(&*file, there).map_err(wrong)?,
                Err(error) => return Err(wrong(error)),
            }
        }
        Ok(false)
    }

    /// Puts a new, synced file that holds these bytes in place of the old one, with as much room behind them. Where there is
    /// no room for two, the old one is written again: the same bytes in the same blocks, which needs none.
    pub fn renew(&self, bytes: &[u8]) -> Result<()> {
        let renewed = match self.replace(bytes) {
            Err(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => self.rewrite(bytes),
            replaced => replaced,
        };
        renewed.map_err(|error| PanelError::disk("write the log anew", error))
    }

    /// When it fails before the rename the old file is in place, and the new one is gone.
    fn replace(&self, bytes: &[u8]) -> rustix::io::Result<()> {
        let mut file = locked(&self.file);
        let room = size(&file)?.max(bytes.len() as u64).next_multiple_of(RESERVE_STEP);
        let fresh = format!("{}.new", self.name);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = openat(&self.folder, &fresh, flags, Mode::RUSR | Mode::WUSR)?;
        let renamed = extend(&made, 0, room)
            .and_then(|()| write_at(&made, 0, bytes))
            .and_then(|()| fsync(&made))
            .and_then(|()| renameat(&self.folder, &fresh, &self.folder, &self.name));
        if let Err(error) = renamed {
            // What can't be removed takes room, and is written over the next time.
            let _ = unlinkat(&self.folder, &fresh, AtFlags::empty());
            return Err(error);
        }
        *file = made;
        fsync(&self.folder)
    }

    /// What is durable already stays so, whenever it is cut short: every byte is written as it was read, and behind them, where
    /// at most the rest of an unsynced write is, zeroes.
    fn rewrite(&self, bytes: &[u8]) -> rustix::io::Result<()> {
        let file = locked(&self.file);
        write_at(&file, 0, bytes)?;
        write_zeroes(&file, bytes.len() as u64, size(&file)?)?;
        fsync(&*file)
    }
}

fn size(file: &OwnedFd) -> rustix::io::Result<u64> {
    Ok(u64::try_from(fstat(file)?.st_size).unwrap_or(0))
}

/// Allocates, zeroes and syncs the bytes from `start` to `end`.
fn extend(file: &OwnedFd, start: u64, end: u64) -> rustix::io::Result<()> {
    if start >= end {
        return Ok(());
    }
    match fallocate(file, FallocateFlags::empty(), start, end - start) {
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
        Err(error) => return Err(error),
    }
    // Allocated blocks are not written ones: without the zeroes the first sync of each would change metadata.
    write_zeroes(file, start, end)?;
    fdatasync(file)
}

fn write_zeroes(file: &OwnedFd, start: u64, end: u64) -> rustix::io::Result<()> {
    let zeroes = [0_u8; ZEROES];
    let mut at = start;
    while at < end {
        let count = usize::try_from(end - at).unwrap_or(ZEROES).min(ZEROES);
        write_at(file, at, &zeroes[..count])?;
        at += count as u64;
    }
    Ok(())
}

fn write_at(file: &OwnedFd, offset: u64, bytes: &[u8]) -> rustix::io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        match pwrite(file, &bytes[done..], offset + done as u64) {
            Ok(0) => return Err(Errno::IO),
            Ok(count) => done += count,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
