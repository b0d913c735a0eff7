//! Starting a cell from the keeper's side.
use crate::cgroup::{Cgroups, Membership};
use crate::error::{CellError, Context, Result};
use crate::first::{self, Inherited};
use crate::identity::{Ids, namespaces, range_id};
use crate::limits::CELLS;
use crate::probe::{self, Host};
use crate::seccomp::Filters;
use crate::spec::{Cell, Descriptors};
use crate::{status, sys};
use std::os::fd::{AsRawFd, OwnedFd};

/// What all cells of one keeper share.
#[derive(Debug)]
pub struct Cells {
    pub host: Host,
    filters: Filters,
    cgroups: Cgroups,
    own: Ids,
    block: u32,
    /// A pidfd of the keeper itself.
    keeper: OwnedFd,
}

/// A cell whose first process exists. `status` brings what becomes of it (`status::receive`).
#[derive(Debug)]
pub struct Spawned {
    /// The first process, as the keeper counts.
    pub pid: i32,
    /// Readable once the whole cell is gone.
    pub pidfd: OwnedFd,
    pub status: OwnedFd,
    pub cgroup: Membership,
}

impl Cells {
    /// `prefix` names the control groups of this keeper, `block` its uids. The process must have one thread.
    pub fn new(prefix: &str, block: u32) -> Result<Self> {
        let keeper = sys::own_pidfd().context("cell.start", || "open the keeper's own pidfd".into())?;
        Ok(Self {
            host: probe::host(),
            filters: Filters::compile()?,
            cgroups: Cgroups::find(prefix),
            own: Ids::current(),
            block,
            keeper,
        })
    }

    /// Clones the cell's first process and returns at once; the rest is told on the status socket.
    pub fn spawn(&self, cell: &Cell, descriptors: Descriptors<'_>) -> Result<Spawned> {
        if cell.slot >= CELLS {
            return Err(CellError::new(
                "cell.tooMany",
                format!("cannot start a cell because there are {CELLS} already"),
            ));
        }
        if cell.isolated && self.host.landlock == 0 {
            return Err(CellError::new(
                "cell.landlock",
                "cannot isolate the driver because this kernel has no Landlock; boot with lsm=landlock,… or waive it",
            ));
        }
        let (ours, theirs) = status::pair().context("cell.start", || "make a status socket".into())?;
        let cgroup = self.cgroups.make(&cell.name, cell.memory_bytes);
        let flags = namespaces(self.host.mode, cell.isolated, cell.network);
        let (pid, pidfd) = sys::clone(flags).map_err(|error| {
            CellError::new(
                "cell.namespaces",
                format!(
                    "cannot make the cell's namespaces because the kernel says: {error}; allow user namespaces \
                     (user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns) or run as root"
                ),
            )
        })?;
        let Some(pidfd) = pidfd else {
            first::run(&Inherited {
                cell,
                host: &self.host,
                filters: &self.filters,
                own: self.own,
                id: range_id(self.block, cell.slot),
                cgroup: &cgroup,
                keeper: self.keeper.as_raw_fd(),
                status: theirs.as_raw_fd(),
                control: descriptors.control.as_raw_fd(),
                output: descriptors.output.as_raw_fd(),
                lock: descriptors.lock.as_raw_fd(),
            })
        };
        Ok(Spawned { pid, pidfd, status: ours, cgroup })
    }
}

impl Spawned {
    /// Kills the cell and waits for its end: nobody will follow it.
    pub fn abandon(self) {
        // SAFETY: our own child, not yet waited for, so that the pid is still its own.
        unsafe { libc::kill(self.pid, libc::SIGKILL) };
        // SAFETY: no status is asked for.
        unsafe { libc::waitpid(self.pid, std::ptr::null_mut(), libc::__WALL) };
    }
}
