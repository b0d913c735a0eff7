//! A keeper's part, as small as can be: one cell after the other, its output and its end.
use rtt_cell::error::CellError;
use rtt_cell::files::{Access, Granted, grant};
use rtt_cell::probe::Mode;
use rtt_cell::spec::{Cell, ClosureFile, Descriptors, Program};
use rtt_cell::status::{self, Status};
use rtt_cell::{Cells, closure, identity};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const NOBODY: u32 = 65_534;

static CASES: AtomicUsize = AtomicUsize::new(0);

pub fn case(name: &str, run: fn()) {
    run();
    CASES.fetch_add(1, Ordering::Relaxed);
    println!("test {name} ... ok");
}

/// Runs `all` as we are and, if that is root, once more as an ordinary user in a process of its own.
pub fn as_each_user(all: fn()) {
    // SAFETY: takes nothing.
    let root = unsafe { libc::geteuid() } == 0;
    if root {
        make_device();
    }
    all();
    if root {
        // SAFETY: this process has one thread.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            // SAFETY: no pointer but that of an empty list is passed.
            let became = unsafe {
                libc::setgroups(0, std::ptr::null()) == 0
                    && libc::setresgid(NOBODY, NOBODY, NOBODY) == 0
                    && libc::setresuid(NOBODY, NOBODY, NOBODY) == 0
                    && libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0) == 0
            };
            assert!(became, "cannot become an ordinary user");
            println!("as an ordinary user:");
            all();
            std::process::exit(0);
        }
        let mut status = 0;
        // SAFETY: the status outlives the call.
        unsafe { libc::waitpid(pid, &raw mut status, 0) };
        assert_eq!(status, 0, "failed as an ordinary user");
    }
    let _ = fs::remove_file(device());
    let cases = CASES.load(Ordering::Relaxed);
    println!("test result: ok. {} passed; 0 failed", if root { 2 * cases } else { cases });
}

/// Another node of /dev/zero, which no cell has of itself. Only root can make one, for both users.
pub fn device() -> PathBuf {
    std::env::temp_dir().join("rtt-cells-device")
}

fn make_device() {
    let _ = fs::remove_file(device());
    let path = std::ffi::CString::new(device().to_string_lossy().as_bytes()).expect("a path");
    // SAFETY: the path outlives the call.
    assert_eq!(unsafe { libc::mknod(path.as_ptr(), libc::S_IFCHR, libc::makedev(1, 5)) }, 0, "a device node");
    fs::set_permissions(device(), fs::Permissions::from_mode(0o666)).expect("a node for all");
}

#[derive(Debug)]
pub struct Outcome {
    pub exit: i32,
    pub output: String,
    pub failed: Option<CellError>,
    pub enforced: Vec<String>,
    /// `/proc/PID/status` as seen from outside, taken when the driver had started.
    pub driver_status: String,
    pub took: Duration,
}

pub struct Setup {
    folder: PathBuf,
    cells: Cells,
    closure: Vec<ClosureFile>,
    myself: Arc<OwnedFd>,
    granted: Vec<(String, bool)>,
    pub isolated: bool,
    pub pty: bool,
    pub network: bool,
    pub memory_bytes: u64,
    pub cpus: Vec<u32>,
}

impl Drop for Setup {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Setup {
    pub fn new() -> Self {
        // SAFETY: takes nothing.
        let folder = std::env::temp_dir().join(format!("rtt-cells-{}", unsafe { libc::getpid() }));
        for part in ["cell", "store", "files"] {
            fs::create_dir_all(folder.join(part)).expect("a folder for the test");
        }
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("a private folder");
        let cells = Cells::new("rtt-cells-test", 0).expect("this host can make cells");
        Self {
            folder,
            cells,
            closure: Vec::new(),
            myself: Arc::new(myself()),
            granted: Vec::new(),
            isolated: true,
            pty: false,
            network: false,
            memory_bytes: 0,
            cpus: Vec::new(),
        }
    }

    pub fn mode(&self) -> Mode {
        self.cells.host.mode
    }

    pub fn ordinary(&self) -> bool {
        identity::Ids::current().uid != 0
    }

    pub fn mountpoint(&self) -> PathBuf {
        self.folder.join("cell")
    }

    /// A private file of ours.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.join("files").join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a private file");
        path.to_string_lossy().into_owned()
    }

    pub fn folder(&self, name: &str) -> String {
        let path = self.folder.join("files").join(name);
        fs::create_dir(&path).expect("a folder");
        path.to_string_lossy().into_owned()
    }

    pub fn grant(&mut self, path: &str, write: bool) {
        self.granted.push((path.to_owned(), write));
    }

    pub fn closure(&mut self, path: &str, text: &str, executable: bool) {
        let hash = closure::hex(&Sha256::digest(text));
        let source = self.folder.join("store").join(&hash);
        fs::write(&source, text).expect("a store object");
        self.closure.push(ClosureFile { path: path.to_owned(), sources: vec![source], hash, executable });
    }

    pub fn spoil_store(&self) {
        for file in &self.closure {
            fs::write(&file.sources[0], "#!/bin/sh\necho something else\n").expect("a spoilt object");
        }
    }

    /// This test, inside.
    pub fn attempt(&self, words: &[&str]) -> Outcome {
        let mut argv = vec!["cells", "inside"];
        argv.extend(words);
        self.start(Program::Passed(Arc::clone(&self.myself)), &argv)
    }

    pub fn run(&self, argv: &[&str]) -> Outcome {
        self.start(Program::Path(argv[0].to_owned()), argv)
    }

    fn start(&self, program: Program, argv: &[&str]) -> Outcome {
        let lock = OwnedFd::from(File::create(self.folder.join("lock")).expect("a lock"));
        let (control, _kept) = status::pair().expect("a control socket");
        let (output, write) = pipe();
        let begun = Instant::now();
        let cell = self.cell(program, argv);
        let spawned = self.cells.spawn(&cell, Descriptors { control, output: write, lock: &lock }).expect("a cell");
        let mut outcome = Outcome {
            exit: i32::MIN,
            output: String::new(),
            failed: None,
            enforced: Vec::new(),
            driver_status: String::new(),
            took: Duration::ZERO,
        };
        follow(&spawned.status, &mut outcome);
        File::from(output).read_to_string(&mut outcome.output).expect("its output");
        wait(&spawned.pidfd, -1);
        outcome.took = begun.elapsed();
        outcome
    }

    fn cell(&self, program: Program, argv: &[&str]) -> Cell {
        let files = self.granted.iter().map(|(path, write)| {
            let access = if *write { Access::ReadWrite } else { Access::Read };
            match grant(path, access, &self.folder).expect("a grant") {
                Granted::Bound(bound) => bound,
                Granted::Passed(_) => panic!("{path} is passed"),
            }
        });
        let files: Vec<_> = files.collect();
        Cell {
            name: "test.1".to_owned(),
            program,
            argv: argv.iter().map(|each| (*each).to_owned()).collect(),
            env: vec!["PATH=/usr/bin:/bin".to_owned()],
            closure: self.closure.clone(),
            device: files.iter().any(|file| file.device),
            files,
            pty: self.pty,
            network: self.network,
            cpus: self.cpus.clone(),
            memory_bytes: self.memory_bytes,
            open_files: 64,
            isolated: self.isolated,
            slot: 7,
            mountpoint: self.mountpoint(),
        }
    }
}

/// Reads the status socket to its end.
fn follow(socket: &OwnedFd, outcome: &mut Outcome) {
    loop {
        wait(socket, 10_000);
        match status::receive(socket.as_fd()).expect("a status") {
            None => return,
            Some(Status::Ended(exit)) => outcome.exit = exit,
            Some(Status::Failed(error)) => outcome.failed = Some(error),
            Some(Status::Started { enforced, driver }) => {
                outcome.enforced = enforced;
                outcome.driver_status = status_of(&driver);
            }
        }
    }
}

/// Told what is enforced, one finds it so, at once.
fn status_of(driver: &OwnedFd) -> String {
    let pid = identity::outside_pid(driver);
    pid.and_then(|pid| fs::read_to_string(format!("/proc/{pid}/status"))).unwrap_or_default()
}

fn wait(fd: &OwnedFd, milliseconds: i32) {
    let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one structure, which outlives the call.
    assert_eq!(unsafe { libc::poll(&raw mut poll, 1, milliseconds) }, 1, "nothing came in time");
}

/// This program in a memfd, as the built-in drivers come.
fn myself() -> OwnedFd {
    // SAFETY: the name is a literal.
    let fd = unsafe { libc::memfd_create(c"cells".as_ptr(), libc::MFD_CLOEXEC) };
    assert!(fd >= 0);
    // SAFETY: it is new.
    let mut file = unsafe { File::from_raw_fd(fd) };
    let mut program = File::open("/proc/self/exe").expect("this program");
    std::io::copy(&mut program, &mut file).expect("a copy of it");
    // A program that is open for writing cannot be executed.
    File::open(format!("/proc/self/fd/{fd}")).expect("a read-only descriptor").into()
}

fn pipe() -> (OwnedFd, OwnedFd) {
    let mut fds = [0; 2];
    // SAFETY: the array has room for both.
    assert_eq!(unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC) }, 0);
    // SAFETY: both are new.
    unsafe { (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])) }
}

/// Processes below us, our descriptors, and mounts: what a leak would add to.
pub fn leavings() -> (usize, usize, usize) {
    // Ended children are waited for first.
    // SAFETY: no status is asked for.
    while unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } > 0 {}
    let count = |path: &Path| fs::read_dir(path).map(Iterator::count).unwrap_or(0);
    let children = fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    (children.split_whitespace().count(), count(Path::new("/proc/self/fd")), mounts.lines().count())
}
