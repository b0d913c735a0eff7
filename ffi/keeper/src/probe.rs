//! `rtt-keeper --probe --run DIR`: builds a real cell around `/bin/true` and prints what was enforced on it, a `NAME=how` a
//! line. What a host can do is only known by doing it.
use crate::error::{Refusal, Result};
use rtt_cell::Cells;
use rtt_cell::probe::Mode;
use rtt_cell::spec::{Cell, Descriptors, Program};
use rtt_cell::status::{self, Status};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

const WITHIN: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };
const PROGRAM: &str = "/bin/true";

pub fn run(folder: &Path) -> Result<()> {
    let mountpoint = folder.join("cell");
    std::fs::create_dir_all(&mountpoint).map_err(|error| Refusal::system("make a folder", error))?;
    let cells = Cells::new("rtt-probe", 0)?;
    println!("mode={}", if cells.host.mode == Mode::Range { "range" } else { "single" });
    let nothing =
        || File::open("/dev/null").map(OwnedFd::from).map_err(|error| Refusal::system("open /dev/null", error));
    let (control, _ours) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
        .map_err(|error| Refusal::system("make a control socket", error))?;
    let cell = Cell {
        name: "probe.1".to_owned(),
        program: Program::Path(PROGRAM.to_owned()),
        argv: vec![PROGRAM.to_owned()],
        env: Vec::new(),
        closure: Vec::new(),
        files: Vec::new(),
        device: false,
        pty: false,
        network: false,
        cpus: Vec::new(),
        memory_bytes: 64 << 20,
        open_files: 64,
        isolated: true,
        slot: rtt_cell::limits::CELLS - 1,
        mountpoint,
    };
    let spawned = cells.spawn(&cell, Descriptors { control, output: nothing()?, lock: &nothing()? })?;
    let followed = follow(&spawned.status);
    spawned.abandon();
    followed
}

fn follow(socket: &OwnedFd) -> Result<()> {
    loop {
        let ready = poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&WITHIN));
        if !matches!(ready, Ok(1)) {
            return Err(Refusal::new("keeper.probe", "cannot probe because the cell has not ended in time"));
        }
        match status::receive(socket.as_fd()).map_err(|error| Refusal::system("hear from the cell", error))? {
            Some(Status::Started { enforced, .. }) => enforced.iter().for_each(|each| println!("{each}")),
            Some(Status::Failed(error)) => return Err(error.into()),
            Some(Status::Ended(0)) => return Ok(()),
            Some(Status::Ended(exit)) => {
                return Err(Refusal::new(
                    "keeper.probe",
                    format!("cannot run {PROGRAM} in a cell because it ended with {exit}"),
                ));
            }
            None => return Err(Refusal::new("keeper.probe", "cannot probe because the cell was killed")),
        }
    }
}
