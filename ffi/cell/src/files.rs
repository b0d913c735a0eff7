//! Files of a manifest: those of /proc are passed as open descriptors, all others are shown in the cell's tree.
use crate::error::{CellError, Context, Result};
use crate::identity::Ids;
use std::fs::{self, File, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    ReadWrite,
}

/// Shown at `target` inside.
#[derive(Clone, Debug)]
pub struct BoundFile {
    pub source: PathBuf,
    pub target: PathBuf,
    pub access: Access,
    pub owner: Ids,
    pub folder: bool,
    pub device: bool,
}

#[derive(Debug)]
pub enum Granted {
    Bound(BoundFile),
    Passed(OwnedFd),
}

/// Looks a granted path up, outside of the cell and with the keeper's rights. Project-relative paths are below `project`
/// outside and below `/driver` inside.
pub fn grant(path: &str, access: Access, project: &Path) -> Result<Granted> {
    let asked = Path::new(path);
    let plain = asked.components().all(|each| matches!(each, Component::RootDir | Component::Normal(_)));
    if path.is_empty() || !plain {
        return Err(refused(path, "it is empty or has . or .. in it"));
    }
    let source = project.join(asked);
    if source.starts_with("/proc") {
        return passed_proc(path, &source, access);
    }
    if access == Access::ReadWrite {
        create(&source)?;
    }
    let facts = fs::metadata(&source).context("cell.file", || format!("grant {path}"))?;
    let kind = facts.file_type();
    let device = kind.is_char_device() || kind.is_block_device();
    if !(device || kind.is_file() || kind.is_dir() || kind.is_fifo()) {
        return Err(refused(path, "it is neither a file, a folder, a pipe nor a device"));
    }
    let source = fs::canonicalize(&source).context("cell.file", || format!("grant {path}"))?;
    let target = if asked.is_absolute() { asked.to_owned() } else { Path::new("/driver").join(asked) };
    let owner = Ids { uid: facts.uid(), gid: facts.gid() };
    Ok(Granted::Bound(BoundFile { source, target, access, owner, folder: kind.is_dir(), device }))
}

/// Inside the cell `/proc` is another one, and `/proc/net` would show an empty network: what is granted is opened here.
fn passed_proc(path: &str, source: &Path, access: Access) -> Result<Granted> {
    let first = source.components().nth(2).map(|each| each.as_os_str().to_string_lossy().into_owned());
    let of_a_process = first
        .is_none_or(|name| name == "self" || name == "thread-self" || name.bytes().all(|byte| byte.is_ascii_digit()));
    if of_a_process {
        return Err(refused(path, "it belongs to one process and not to the host"));
    }
    open(path, source, access).map(Granted::Passed)
}

fn open(path: &str, source: &Path, access: Access) -> Result<OwnedFd> {
    OpenOptions::new()
        .read(true)
        .write(access == Access::ReadWrite)
        .open(source)
        .and_then(|file| {
            let folder = file.metadata()?.is_dir();
            if folder { Err(std::io::Error::from_raw_os_error(libc::EISDIR)) } else { Ok(file) }
        })
        .context("cell.file", || format!("open the granted {path}"))
        .map(OwnedFd::from)
}

/// A file that may be written need not be there yet; its folder must be.
fn create(source: &Path) -> Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(source) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error).context("cell.file", || format!("create the granted {}", source.display())),
    }
}

fn refused(path: &str, why: &str) -> CellError {
    CellError::new("cell.file", format!("cannot grant {path:?} because {why}"))
}

/// Makes an empty file or folder to mount on, with its parents.
pub(crate) fn make_target(path: &Path, folder: bool) -> std::io::Result<()> {
    if folder {
        return fs::create_dir_all(path);
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    if path.exists() { Ok(()) } else { File::create(path).map(drop) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn try_grant(path: &str) -> Result<Granted> {
        grant(path, Access::Read, Path::new("/"))
    }

    #[test]
    fn paths_that_climb_are_refused() {
        for path in ["../etc/passwd", "/etc/../etc/passwd", "", "./x", "a/../b"] {
            assert_eq!(try_grant(path).unwrap_err().code, "cell.file", "{path}");
        }
    }

    proptest! {
        /// Whatever is asked for: what is granted lies below the project, and is shown below /driver.
        #[test]
        fn relative_paths_stay_below_the_project(path in "([a-z]{1,3}|\\.|\\.\\.|/){1,8}") {
            let project = Path::new("/usr/share");
            if let Ok(Granted::Bound(bound)) = grant(&path, Access::Read, project)
                && !path.starts_with('/')
            {
                prop_assert!(bound.target.starts_with("/driver") && !path.contains(".."));
            }
        }
    }

    #[test]
    fn processes_in_proc_are_refused() {
        for path in ["/proc", "/proc/self/mem", "/proc/1/status", "/proc/thread-self/maps"] {
            assert!(try_grant(path).unwrap_err().message.contains("belongs to one process"), "{path}");
        }
    }

    #[test]
    fn files_of_the_host_in_proc_are_passed_open() {
        assert!(matches!(try_grant("/proc/stat"), Ok(Granted::Passed(_))));
    }

    #[test]
    fn files_elsewhere_are_bound() {
        assert!(matches!(try_grant("/etc/passwd"), Ok(Granted::Bound(BoundFile { folder: false, .. }))));
        assert_eq!(try_grant("/nowhere/at/all").unwrap_err().code, "cell.file");
    }
}
