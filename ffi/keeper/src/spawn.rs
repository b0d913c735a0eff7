//! From the panel's order to a running cell: what the driver's program is, which files it gets and how.
use crate::error::{Refusal, Result};
use crate::instance::{Control, Instance};
use crate::keeper::Keeper;
use crate::limits::{INSTANCES, KIT_DESCRIPTORS};
use crate::poller::Source;
use rtt_cell::closure;
use rtt_cell::files::{self, BoundFile, Granted, grant};
use rtt_cell::spec::{Cell, ClosureFile, Descriptors, Program};
use rtt_control::cell::{Access, CellSpec, FileGrant, Io};
use rtt_control::driver::{KeeperToDriver, Welcome};
use rtt_control::limits::PROTOCOL;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// In a closure: the program of the built-in drivers.
const BUILT_IN: &str = "rtt:drivers";
const BUILT_IN_INSIDE: &str = "/driver/rtt:drivers";

/// Files of a manifest, by how the driver gets them.
#[derive(Default)]
struct Files {
    bound: Vec<BoundFile>,
    passed: Vec<(FileGrant, OwnedFd)>,
    device: bool,
}

/// The words of the command line, and what the welcome repeats of it.
struct Command {
    program: Program,
    argv: Vec<String>,
    welcome_run: Vec<String>,
    closure: Vec<ClosureFile>,
}

impl Keeper {
    /// Answers once the cell's first process exists; what becomes of it is told by events.
    pub fn spawn(&mut self, spec: &CellSpec) -> Result<()> {
        let slot = self.free_slot(spec)?;
        let command = self.command(spec)?;
        let files = self.files(spec)?;
        let serial = self.next_serial;
        let mut instance = Instance::new(spec, serial, slot);
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .map_err(|error| Refusal::system("make a control socket", error))?;
        let (read, write) =
            pipe_with(PipeFlags::CLOEXEC).map_err(|error| Refusal::system("make an output pipe", error))?;
        // Only our end: a driver that prints faster than we read waits, as on any pipe.
        rustix::io::ioctl_fionbio(&read, true).map_err(|error| Refusal::system("make a pipe non-blocking", error))?;
        let cell = self.cell(spec, slot, &command, &files);
        let spawned = self.cells.spawn(&cell, Descriptors { control: theirs, output: write, lock: &self.lock })?;
        let watched = (self.poller.add(&ours, Source::Control(serial)))
            .and_then(|()| self.poller.add(&read, Source::Output(serial)))
            .and_then(|()| self.poller.add(&spawned.status, Source::Status(serial)))
            .and_then(|()| self.poller.add(&spawned.pidfd, Source::Cell(serial)));
        if let Err(refusal) = watched {
            spawned.abandon();
            return Err(refusal);
        }
        self.next_serial += 1;
        instance.first = spawned.pid;
        instance.output = Some(read);
        instance.control = Some(Control::new(ours));
        instance.status = Some(spawned.status);
        instance.cell = Some(spawned.pidfd);
        instance.cgroup = Some(spawned.cgroup);
        self.serials.insert(serial, instance.name.clone());
        self.instances.insert(instance.name.clone(), instance);
        self.welcome(spec, command.welcome_run, files.passed);
        Ok(())
    }

    fn free_slot(&self, spec: &CellSpec) -> Result<u32> {
        let refuse =
            |code: &str, why: String| Err(Refusal::new(code, format!("cannot start {} because {why}", spec.instance)));
        if self.ending.is_some() {
            return refuse("keeper.ending", "the keeper is ending".to_owned());
        }
        if self.instances.contains_key(&spec.instance) {
            return refuse("keeper.instance", "there is an instance of that name".to_owned());
        }
        if self.instances.len() >= INSTANCES {
            return refuse("keeper.tooMany", format!("there are {INSTANCES} instances"));
        }
        let taken: BTreeSet<u32> = self.instances.values().filter(|each| each.alive()).map(|each| each.slot).collect();
        Ok((0..).find(|slot| !taken.contains(slot)).unwrap_or(0))
    }

    fn command(&mut self, spec: &CellSpec) -> Result<Command> {
        let Some((first, rest)) = spec.run.split_first() else {
            return Err(Refusal::new(
                "keeper.run",
                format!("cannot start {} because it has no program", spec.instance),
            ));
        };
        let mut closure: Vec<ClosureFile> = spec
            .closure
            .iter()
            .map(|file| ClosureFile {
                path: file.path.clone(),
                sources: [self.store.join(&file.hash), self.store.join(&file.hash[..2]).join(&file.hash[2..])].into(),
                hash: file.hash.clone(),
                executable: file.executable,
            })
            .collect();
        let built_in = first.strip_prefix("rtt:");
        if spec.stdio.is_none() && built_in.is_none() {
            let argv = spec.run.clone();
            return Ok(Command { program: Program::Path(first.clone()), argv, welcome_run: spec.run.clone(), closure });
        }
        let program = self.built_in(&mut closure)?;
        let (name, welcome_run) = match built_in {
            Some(name) => (name, rest.to_vec()),
            None => ("exec", spec.run.clone()),
        };
        let mut argv = vec!["rtt-drivers".to_owned(), name.to_owned()];
        if built_in.is_some() {
            argv.extend(rest.iter().cloned());
        }
        Ok(Command { program, argv, welcome_run, closure })
    }

    /// A plan pins the bytes of the built-in drivers too: others than those of this keeper come from the store.
    fn built_in(&mut self, closure: &mut Vec<ClosureFile>) -> Result<Program> {
        let pinned = closure.iter().position(|file| file.path == BUILT_IN);
        let on_disk = path_on_disk(&self.drivers);
        if pinned.is_none() && on_disk.is_none() {
            return Ok(Program::Passed(Arc::clone(&self.drivers)));
        }
        let ours = match &self.drivers_hash {
            Some(hash) => hash.clone(),
            None => self.drivers_hash.insert(hash_of(&self.drivers)?).clone(),
        };
        if let Some(at) = pinned {
            if closure[at].hash != ours {
                closure[at].executable = true;
                return Ok(Program::Path(BUILT_IN_INSIDE.to_owned()));
            }
            closure.remove(at);
        }
        // Where no memfd may be executed, the program is a file of ours, which no cell reaches: it gets a copy.
        if let Some(path) = on_disk {
            let (sources, executable) = (vec![path], true);
            closure.push(ClosureFile { path: BUILT_IN.to_owned(), sources, hash: ours, executable });
            return Ok(Program::Path(BUILT_IN_INSIDE.to_owned()));
        }
        Ok(Program::Passed(Arc::clone(&self.drivers)))
    }

    fn files(&self, spec: &CellSpec) -> Result<Files> {
        let mut files = Files::default();
        let mut add = |path: &str, access: Access| -> Result<()> {
            let wanted = if access == Access::Read { files::Access::Read } else { files::Access::ReadWrite };
            match grant(path, wanted, &self.project)? {
                Granted::Passed(descriptor) => {
                    files.passed.push((FileGrant { path: path.to_owned(), access }, descriptor));
                }
                Granted::Bound(bound) => {
                    files.device |= bound.device;
                    // A file of the project has its place below /driver too, where relative paths find it.
                    if let Ok(relative) = Path::new(path).strip_prefix(&self.project) {
                        files.bound.push(BoundFile { target: Path::new("/driver").join(relative), ..bound.clone() });
                    }
                    files.bound.push(bound);
                }
            }
            Ok(())
        };
        for file in &spec.files {
            add(&file.path, file.access)?;
        }
        Ok(files)
    }

    fn cell(&self, spec: &CellSpec, slot: u32, command: &Command, files: &Files) -> Cell {
        let mut env = spec.env.clone();
        if !env.iter().any(|each| each.starts_with("PATH=")) {
            env.push("PATH=/usr/bin:/bin".to_owned());
        }
        env.push("RTT_CONTROL_FD=3".to_owned());
        Cell {
            name: spec.instance.clone(),
            program: command.program.clone(),
            argv: command.argv.clone(),
            env,
            closure: command.closure.clone(),
            files: files.bound.clone(),
            device: files.device,
            pty: spec.stdio.as_ref().is_some_and(|stdio| stdio.io == Io::Pty),
            network: spec.network,
            cpus: spec.cpus.clone(),
            memory_bytes: spec.memory_bytes,
            open_files: u64::from(spec.open_files) + KIT_DESCRIPTORS,
            isolated: spec.isolated,
            slot,
            mountpoint: self.run.join("cell"),
        }
    }

    /// The first message; it waits in the socket until the driver reads.
    fn welcome(&mut self, spec: &CellSpec, run: Vec<String>, passed: Vec<(FileGrant, OwnedFd)>) {
        let epoch = self.epoch.descriptor().try_clone().map(Rc::new);
        let (files, descriptors): (Vec<_>, Vec<_>) = passed.into_iter().map(|(file, fd)| (file, Rc::new(fd))).unzip();
        let welcome = Welcome {
            protocol: PROTOCOL,
            instance: spec.instance.clone(),
            tokens: spec.tokens.clone(),
            endpoints: spec.endpoints.clone(),
            stdio: spec.stdio.clone(),
            run,
            files,
            start_early: spec.start_early,
        };
        match epoch {
            Ok(epoch) => {
                let descriptors = std::iter::once(epoch).chain(descriptors).collect();
                self.tell(&spec.instance, &KeeperToDriver::Welcome(welcome), descriptors);
            }
            Err(error) => self.fail_driver(&spec.instance, &Refusal::system("pass the epoch page", error)),
        }
    }
}

/// None for a memfd.
fn path_on_disk(file: &OwnedFd) -> Option<PathBuf> {
    let path = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()?;
    if path.to_string_lossy().starts_with("/memfd:") { None } else { Some(path) }
}

fn hash_of(file: &OwnedFd) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0_u8; 64 * 1024];
    let mut at = 0;
    loop {
        let got =
            rustix::io::pread(file, &mut chunk, at).map_err(|error| Refusal::system("read the drivers", error))?;
        if got == 0 {
            return Ok(closure::hex(&hasher.finalize()));
        }
        hasher.update(&chunk[..got]);
        at += got as u64;
    }
}
