//! Folders by descriptor: `/proc/self/fd/N/name` is short whatever the folder's own path is, and always the same folder.
use crate::error::{PanelError, Result};
use crate::table::Table;
use rustix::fs::{Mode, OFlags, fstat, fsync, open};
use rustix::io::Errno;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

pub static FOLDERS: Table<OwnedFd> = Table::new();

pub fn try_open(path: &Path) -> Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match open(path, flags, Mode::empty()) {
        Ok(folder) => Ok(Some(folder)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(PanelError::system(&format!("open the folder {}", path.display()), error)),
    }
}

pub fn open_folder(path: &Path) -> Result<OwnedFd> {
    try_open(path)?.ok_or_else(|| PanelError::system(&format!("open the folder {}", path.display()), Errno::NOENT))
}

/// A folder that is ours and that nobody else enters; made if it is not there.
pub fn private(path: &Path) -> Result<OwnedFd> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| PanelError::system(&format!("make the folder {}", path.display()), error))?;
    let folder = open_folder(path)?;
    let found = fstat(&folder).map_err(|error| PanelError::system("look at a folder", error))?;
    if found.st_uid != rustix::process::geteuid().as_raw() || found.st_mode & 0o077 != 0 {
        return Err(PanelError::new(
            "native.folder",
            format!("cannot use {} because others may enter it; it must be ours, with mode 0700", path.display()),
        ));
    }
    Ok(folder)
}

/// Makes names in the folder durable.
pub fn sync(folder: &OwnedFd) -> Result<()> {
    fsync(folder).map_err(|error| PanelError::disk("sync a folder", error))
}

pub fn number(folder: &OwnedFd) -> i32 {
    folder.as_raw_fd()
}
