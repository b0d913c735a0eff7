//! The file tree of a cell: an empty tmpfs with read-only system folders, the driver's files and the granted ones.
use crate::closure::Closure;
use crate::error::{Context, Result};
use crate::files::{Access, BoundFile, make_target};
use crate::identity::map_mount;
use crate::landlock::Grant;
use crate::limits::ROOT_BYTES;
use crate::probe::Mode;
use crate::spec::Cell;
use crate::sys;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

/// What programs need to run: never `/etc` as a whole, never `/home`.
pub(crate) const SYSTEM: &[&str] =
    &["/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/alternatives"];
/// Added with the network: names, hosts, certificates.
const NETWORK: &[&str] = &["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services", "/etc/ssl"];
const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom"];
/// Folders that hide the cell's own when the host's tree is shown whole.
const OWN: &[&str] = &["driver"];

/// A root that is built and entered, and what Landlock is to grant of it.
#[derive(Debug, Default)]
pub struct Root {
    pub grants: Vec<(PathBuf, Grant)>,
    /// `NAME=how` of what differs from host to host.
    pub notes: Vec<String>,
}

/// Builds the tree on the cell's mountpoint and makes it the root of this mount namespace.
pub fn enter(cell: &Cell, mode: Mode, id: u32) -> Result<Root> {
    sys::mount(c"none", Path::new("/"), c"none", libc::MS_REC | libc::MS_PRIVATE, "")
        .context("cell.mount", || "make mounts private".into())?;
    let closure = Closure::of(cell)?;
    let bytes = closure.bytes()? + ROOT_BYTES;
    let base = &cell.mountpoint;
    sys::mount(c"cell", base, c"tmpfs", libc::MS_NOSUID | libc::MS_NODEV, &format!("mode=755,size={bytes}"))
        .context("cell.mount", || format!("mount a tmpfs on {}", base.display()))?;
    let mut root = Root::default();
    if cell.isolated {
        system(cell, base, &mut root)?;
        devices(cell, base, &mut root)?;
    } else {
        whole_host(base)?;
    }
    let folder = base.join("driver");
    fs::create_dir(&folder).context("cell.mount", || "make /driver".into())?;
    closure.show(base)?;
    root.grants.push(("/driver".into(), Grant::ReadExecute));
    root.grants.extend(closure.elsewhere().map(|path| (path.to_owned(), Grant::ReadExecute)));
    files(cell, &closure, mode, id, base, &mut root)?;
    if cell.isolated {
        process_folder(base, &mut root)?;
    }
    std::env::set_current_dir(base)
        .and_then(|()| sys::pivot_here())
        .context("cell.mount", || "enter the new root".into())?;
    let top = sys::open_path(Path::new("/")).context("cell.mount", || "open the new root".into())?;
    sys::set_mount_attributes(top.as_fd(), sys::MOUNT_ATTR_RDONLY, None, false)
        .context("cell.mount", || "make the root read-only".into())?;
    Ok(root)
}

fn system(cell: &Cell, base: &Path, root: &mut Root) -> Result<()> {
    let network: &[&str] = if cell.network { NETWORK } else { &[] };
    for path in SYSTEM.iter().chain(network).map(Path::new) {
        let target = inside(base, path);
        let show = || format!("show {} in the cell", path.display());
        match fs::symlink_metadata(path) {
            Err(_) => continue,
            Ok(facts) if facts.is_symlink() && path.components().count() == 2 => {
                let to = fs::read_link(path).context("cell.mount", show)?;
                symlink(to, target).context("cell.mount", show)?;
                continue;
            }
            Ok(_) => {}
        }
        let Ok(source) = fs::canonicalize(path) else { continue };
        bind(&source, &target, sys::MOUNT_ATTR_RDONLY | sys::MOUNT_ATTR_NOSUID | sys::MOUNT_ATTR_NODEV)
            .context("cell.mount", show)?;
        root.grants.push((path.to_owned(), Grant::ReadExecute));
    }
    Ok(())
}

fn devices(cell: &Cell, base: &Path, root: &mut Root) -> Result<()> {
    for name in DEVICES {
        let path = Path::new("/dev").join(name);
        bind(&path, &inside(base, &path), sys::MOUNT_ATTR_NOSUID)
            .context("cell.mount", || format!("show {} in the cell", path.display()))?;
        root.grants.push((path, Grant::Device(Access::ReadWrite)));
    }
    for (link, to) in [("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")] {
        symlink(to, base.join("dev").join(link)).context("cell.mount", || format!("link /dev/{link}"))?;
    }
    if cell.pty {
        let target = base.join("dev/pts");
        fs::create_dir(&target)
            .and_then(|()| {
                let flags = libc::MS_NOSUID | libc::MS_NOEXEC;
                sys::mount(c"devpts", &target, c"devpts", flags, "newinstance,ptmxmode=0666,mode=620")
            })
            .and_then(|()| symlink("pts/ptmx", base.join("dev/ptmx")))
            .context("cell.mount", || "mount terminals for the cell".into())?;
        root.grants.push(("/dev/pts".into(), Grant::Device(Access::ReadWrite)));
    }
    Ok(())
}

/// A waived driver sees the host as the keeper does, and `/driver` beside it.
fn whole_host(base: &Path) -> Result<()> {
    let show = || "show the host's tree in the cell".to_owned();
    for entry in fs::read_dir("/").context("cell.mount", show)? {
        let entry = entry.context("cell.mount", show)?;
        if OWN.iter().any(|own| entry.file_name() == *own) {
            continue;
        }
        let kind = entry.file_type().context("cell.mount", show)?;
        let target = base.join(entry.file_name());
        if kind.is_symlink() {
            fs::read_link(entry.path()).and_then(|to| symlink(to, target)).context("cell.mount", show)?;
        } else {
            bind(&entry.path(), &target, 0).context("cell.mount", show)?;
        }
    }
    Ok(())
}

fn files(cell: &Cell, closure: &Closure<'_>, mode: Mode, id: u32, base: &Path, root: &mut Root) -> Result<()> {
    // Where the host's tree is shown whole, only what has its place below /driver is missing. What is pinned stays so.
    let missing = cell.files.iter().filter(|file| cell.isolated || file.target.starts_with("/driver"));
    for file in missing.filter(|file| !closure.shows(&file.target)) {
        bound_file(file, base, (mode == Mode::Range && cell.isolated).then_some(id)).map_err(|mut error| {
            error.message = format!("cannot show {} in the cell: {}", file.target.display(), error.message);
            error
        })?;
        let grant = match (file.device, file.access) {
            (true, access) => Grant::Device(access),
            (false, Access::Read) => Grant::Read,
            (false, Access::ReadWrite) => Grant::ReadWrite,
        };
        root.grants.push((file.target.clone(), grant));
    }
    Ok(())
}

/// With an id, as if the owner of that id owned it.
fn bound_file(file: &BoundFile, base: &Path, id: Option<u32>) -> Result<()> {
    let what = || "bind it".to_owned();
    let target = inside(base, &file.target);
    make_target(&target, file.folder).context("cell.mount", what)?;
    if let Some(id) = id.filter(|_| file.device) {
        return made_device(file, base, &target, id);
    }
    let tree = sys::clone_tree(&file.source).context("cell.mount", what)?;
    let mut attributes = sys::MOUNT_ATTR_NOSUID;
    // Landlock lets programs below /driver be run; what the driver writes, there or elsewhere, is none and no library.
    attributes |= if file.access == Access::Read { sys::MOUNT_ATTR_RDONLY } else { sys::MOUNT_ATTR_NOEXEC };
    if !file.device {
        attributes |= sys::MOUNT_ATTR_NODEV;
    }
    sys::set_mount_attributes(tree.as_fd(), attributes, None, true).context("cell.mount", what)?;
    if let Some(id) = id {
        map_mount(tree.as_fd(), file.owner, id)?;
    }
    sys::attach_tree(tree.as_fd(), &target).context("cell.mount", what)
}

/// Device trees take no id map, so that a bound node would belong to somebody else inside: the cell gets a node of its own
/// for the same device, which it may open and not change.
fn made_device(file: &BoundFile, base: &Path, target: &Path, id: u32) -> Result<()> {
    let facts = fs::metadata(&file.source).context("cell.file", || "look at it".into())?;
    let permissions = if file.access == Access::Read { 0o040 } else { 0o060 };
    let place = base.join("devices");
    let node = place.join("node");
    let flags = libc::MS_NOSUID | libc::MS_NOEXEC;
    let make = || {
        fs::create_dir(&place)?;
        sys::mount(c"devices", &place, c"tmpfs", flags, "mode=700,size=64k")?;
        let kind = facts.mode() & libc::S_IFMT;
        let made = sys::make_node(&node, kind, permissions, facts.rdev(), id)
            .and_then(|()| sys::clone_tree(&node))
            .and_then(|tree| sys::attach_tree(tree.as_fd(), target));
        sys::unmount(&place)?;
        fs::remove_dir(&place)?;
        made
    };
    make().context("cell.device", || "make a device node for it".into())
}

/// Only processes of the cell are in it. Some containers forbid it; programs mostly do without.
fn process_folder(base: &Path, root: &mut Root) -> Result<()> {
    let target = base.join("proc");
    fs::create_dir(&target).context("cell.mount", || "make /proc".into())?;
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    match sys::mount(c"proc", &target, c"proc", flags, "subset=pid") {
        Ok(()) => {
            root.grants.push(("/proc".into(), Grant::Read));
            root.notes.push("proc=own processes".to_owned());
        }
        Err(error) => root.notes.push(format!("proc=absent ({error})")),
    }
    Ok(())
}

pub(crate) fn inside(base: &Path, path: &Path) -> PathBuf {
    base.join(path.strip_prefix("/").unwrap_or(path))
}

fn bind(source: &Path, target: &Path, attributes: u64) -> io::Result<()> {
    make_target(target, source.is_dir())?;
    let tree = sys::clone_tree(source)?;
    if attributes != 0 {
        sys::set_mount_attributes(tree.as_fd(), attributes, None, true)?;
    }
    sys::attach_tree(tree.as_fd(), target)
}
