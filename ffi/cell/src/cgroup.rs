//! Control groups where this host lets us make them: v2 with its controllers, else the memory tree of v1, else
//! none, and it says so.
use crate::limits::PROCESSES;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long an abandoned group may be busy before it is left for the next keeper to sweep.
const LEAVE_TRIES: u32 = 100;
const LEAVE_PAUSE: Duration = Duration::from_millis(1);

/// Where groups of cells are made, found once.
#[derive(Clone, Debug)]
pub struct Cgroups {
    parents: Vec<Parent>,
    prefix: String,
}

#[derive(Clone, Debug)]
struct Parent {
    folder: PathBuf,
    memory: Option<&'static str>,
    processes: bool,
}

/// The groups of one cell; they end with this value.
#[derive(Debug, Default)]
pub struct Membership {
    folders: Vec<PathBuf>,
    limits: Vec<&'static str>,
    why_not: Option<String>,
}

impl Cgroups {
    /// `prefix` names all groups of one keeper's folder, so that the next keeper finds those of one that was killed.
    pub fn find(prefix: &str) -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let parents = unified(&own, &mounts).map_or_else(|| legacy(&own, &mounts), |parent| vec![parent]);
        let found = Self { parents, prefix: prefix.to_owned() };
        found.sweep();
        found
    }

    /// Makes the groups of one cell, with their limits; its first process joins them.
    pub fn make(&self, name: &str, memory_bytes: u64) -> Membership {
        let mut made = Membership::default();
        for parent in &self.parents {
            let folder = parent.folder.join(format!("{}-{name}", self.prefix));
            match group(&folder, parent, memory_bytes) {
                Ok(()) => made.limits.extend(parent.limits()),
                Err(error) => made.why_not = Some(error.to_string()),
            }
            made.folders.push(folder);
        }
        made
    }

    /// Removes empty groups that a killed keeper left.
    fn sweep(&self) {
        let ours = format!("{}-", self.prefix);
        for parent in &self.parents {
            let Ok(entries) = fs::read_dir(&parent.folder) else { continue };
            for entry in entries.flatten().filter(|each| each.file_name().to_string_lossy().starts_with(&ours)) {
                let _ = fs::remove_dir(entry.path());
            }
        }
    }
}

impl Membership {
    /// Called by the cell's first process: a kernel may take milliseconds to move one, which is the cell's time. Answers
    /// `memory pids`, or why there is none.
    pub fn join(&self) -> String {
        let join = |folder: &PathBuf| fs::write(folder.join("cgroup.procs"), "0").err();
        let refused = || self.folders.iter().find_map(join).map(|error| error.to_string());
        match self.why_not.clone().or_else(refused) {
            None if !self.limits.is_empty() => self.limits.join(" "),
            None => "none (no controllers here)".to_owned(),
            Some(why) => format!("none ({why})"),
        }
    }
}

impl Parent {
    fn limits(&self) -> impl Iterator<Item = &'static str> {
        self.memory.map(|_| "memory").into_iter().chain(self.processes.then_some("pids"))
    }
}

impl Membership {
    /// Removes the groups of a cell that is gone. A kernel may hold on to an ended process for a moment longer than its
    /// parent does: false while some group is still busy, to be asked again.
    pub fn leave(&mut self) -> bool {
        let busy =
            |folder: &PathBuf| fs::remove_dir(folder).is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy);
        self.folders.retain(busy);
        self.folders.is_empty()
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        for _ in 0..LEAVE_TRIES {
            if self.leave() {
                return;
            }
            std::thread::sleep(LEAVE_PAUSE);
        }
    }
}

fn group(folder: &Path, parent: &Parent, memory_bytes: u64) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if let Some(file) = parent.memory.filter(|_| memory_bytes > 0) {
        fs::write(folder.join(file), memory_bytes.to_string())?;
    }
    if parent.processes {
        fs::write(folder.join("pids.max"), PROCESSES.to_string())?;
    }
    Ok(())
}

/// Our own group in the v2 tree, if children of it get the controllers.
fn unified(own: &str, mounts: &str) -> Option<Parent> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let mount = mounts.lines().filter_map(parse_mount).find(|mount| mount.kind == "cgroup2")?;
    let folder = mount.folder.join(path.trim_start_matches('/'));
    let mut enabled = fs::read_to_string(folder.join("cgroup.subtree_control")).ok()?;
    if !enabled.contains("memory") {
        // Works where a service manager has delegated an empty group to us.
        fs::write(folder.join("cgroup.subtree_control"), "+memory +pids").ok()?;
        enabled = fs::read_to_string(folder.join("cgroup.subtree_control")).ok()?;
    }
    let has = |name: &str| enabled.split_whitespace().any(|each| each == name);
    has("memory").then(|| Parent { folder, memory: Some("memory.max"), processes: has("pids") })
}

/// Only memory: the number of processes is limited per user already, and each tree costs time at every start.
fn legacy(own: &str, mounts: &str) -> Vec<Parent> {
    let path = own.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let controllers = fields.nth(1)?;
        controllers.split(',').any(|each| each == "memory").then(|| fields.next()).flatten()
    });
    let mount = mounts
        .lines()
        .filter_map(parse_mount)
        .find(|mount| mount.kind == "cgroup" && mount.options.split(',').any(|each| each == "memory"));
    let (Some(path), Some(mount)) = (path, mount) else { return Vec::new() };
    let folder = mount.folder.join(path.trim_start_matches('/'));
    let tree = Parent { folder, memory: Some("memory.limit_in_bytes"), processes: false };
    if tree.folder.is_dir() { vec![tree] } else { Vec::new() }
}

struct Mount<'a> {
    folder: PathBuf,
    kind: &'a str,
    options: &'a str,
}

/// One line of mountinfo: `id parent dev root folder options [optional…] - kind source options`.
fn parse_mount(line: &str) -> Option<Mount<'_>> {
    let (front, back) = line.split_once(" - ")?;
    let folder = front.split(' ').nth(4)?;
    let mut back = back.split(' ');
    let kind = back.next()?;
    let options = back.nth(1)?;
    Some(Mount { folder: PathBuf::from(folder), kind, options })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_mount_is_read_from_its_line() {
        let mount = parse_mount("30 25 0:26 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory");
        let mount = mount.expect("a mount");
        assert_eq!(
            (mount.folder.to_str(), mount.kind, mount.options),
            (Some("/sys/fs/cgroup/memory"), "cgroup", "rw,memory")
        );
        assert!(parse_mount("broken line").is_none());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_passed_over(own in "([0-9]:[a-z,=]{0,9}:/?[a-z.]{0,5}\n|.)*", mounts in "(.* - .* .* .*\n|.)*") {
            unified(&own, &mounts);
            legacy(&own, &mounts);
        }
    }

    #[test]
    fn a_host_without_groups_has_none() {
        let none = Cgroups { parents: Vec::new(), prefix: "rtt".to_owned() };
        assert_eq!(none.make("a.1", 0).join(), "none (no controllers here)");
        assert!(unified("0::/\n", "").is_none());
        assert!(legacy("4:memory:/x\n", "").is_empty());
    }
}
