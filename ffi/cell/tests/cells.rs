//! What a cell lets its driver do and what not: each attempt first succeeds outside. As root, everything is done twice,
//! the second time as an ordinary user.
//!
//! The program that runs inside is this test itself (`attempts`), passed by descriptor.
mod attempts;
mod support;

use attempts::plant;
use rtt_cell::limits::{FILE_BYTES, PROCESSES};
use rtt_cell::probe::Mode;
use std::path::Path;
use support::{Outcome, Setup, case};

fn main() {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("inside") => attempts::run(&arguments.collect::<Vec<_>>()),
        Some("--list") => println!("cells: test"),
        _ => support::as_each_user(all),
    }
}

fn all() {
    case("what is attempted inside fails, and succeeds outside", attempts_fail_inside);
    case("a cell is under no_new_privs and a filter", status_of_a_cell);
    case("a granted file is read, another is not", files_by_manifest);
    case("a granted file is written, and belongs to its owner", files_are_written);
    case("no file that is granted can be made to run as its owner", nothing_is_planted);
    case("what a driver writes is never run", written_files_never_run);
    case("a granted device is opened as its grant says", devices);
    case("the closure is what its hashes say", closure_is_checked);
    case("programs of the host are what their hashes say", host_files_are_pinned);
    case("the exit code and the signal arrive", endings);
    case("python and awk run", interpreters_run);
    case("a waived driver sees the host and is under no_new_privs", waived);
    case("a granted network is that of the Internet, and nothing of the machine", network);
    case("memory and cores are limited", limits_hold);
    case("shared memory is limited where there is a control group, and it is told where not", shared_memory);
    case("open files, processes, core dumps and the size of files are limited", counts_are_limited);
    case("a pty can be opened when it is asked for", ptys);
    case("nothing is left behind", nothing_left);
}

fn attempts_fail_inside() {
    let mut setup = Setup::new();
    // For the attempts on terminals.
    setup.pty = true;
    for attempt in attempts::ATTEMPTS {
        match attempts::attempt(attempt) {
            Ok(()) => {}
            // Some attempts need more than an ordinary user has, inside or outside.
            Err(_) if setup.ordinary() => {}
            Err(error) if [libc::ENOSYS, libc::EAFNOSUPPORT].contains(&error.raw_os_error().unwrap_or(0)) => {
                println!("  {attempt} is not shown to succeed outside: this kernel has it not");
            }
            Err(error) => panic!("{attempt} fails outside: {error}"),
        }
        let inside = setup.attempt(&[attempt]);
        assert!(inside.output.starts_with("refused"), "{attempt} inside: {inside:?}");
        assert_eq!(inside.exit, 3, "{attempt}");
    }
    // As by an older kernel, so that C libraries take their other way.
    assert!(setup.attempt(&["clone3"]).output.contains("not implemented"));
}

fn status_of_a_cell() {
    let setup = Setup::new();
    let told = setup.attempt(&["status"]);
    for line in ["NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000"] {
        assert!(told.output.contains(line), "{line} in {}", told.output);
    }
    assert!(told.output.contains("Uid:\t1000\t1000"), "{}", told.output);
    assert!(told.output.contains("HOME=none"), "{}", told.output);
    // Long enough to be looked at.
    let outside = setup.attempt(&["linger", "300"]).driver_status;
    assert!(outside.contains("NoNewPrivs:\t1") && outside.contains("Seccomp:\t2"), "{outside}");
    if setup.mode() == Mode::Range {
        assert!(outside.contains("Uid:\t1900000007"), "{outside}");
    }
    for name in ["landlock=abi", "seccomp=filter", "net=namespace", "uid=", "capabilities=none"] {
        assert!(told.enforced.iter().any(|each| each.starts_with(name)), "{name} in {:?}", told.enforced);
    }
}

fn files_by_manifest() {
    let mut setup = Setup::new();
    let granted = setup.file("granted", "yes");
    let other = setup.file("other", "no");
    setup.grant(&granted, false);
    assert_eq!(setup.attempt(&["cat", &granted]).output, "yes");
    assert!(setup.attempt(&["cat", &other]).output.starts_with("refused"));
    assert!(setup.attempt(&["append", &granted]).output.starts_with("refused"));
    assert!(setup.attempt(&["cat", "/etc/passwd"]).output.starts_with("refused"));
}

fn files_are_written() {
    let mut setup = Setup::new();
    let log = setup.file("log", "one ");
    setup.grant(&log, true);
    let told = setup.attempt(&["append", &log]);
    assert_eq!(told.exit, 0, "{told:?}");
    assert_eq!(std::fs::read_to_string(&log).expect("the log"), "one more");
}

fn nothing_is_planted() {
    for way in plant::PLANTS {
        let mut setup = Setup::new();
        let free = setup.folder("free");
        plant::plant(way, &free).unwrap_or_else(|error| panic!("{way} fails outside: {error}"));
        assert!(plant::planted(&free), "{way} outside");
        let given = setup.folder("given");
        setup.grant(&given, true);
        let told = setup.attempt(&["plant", way, &given]);
        assert!(told.output.starts_with("refused"), "{way}: {told:?}");
        assert!(!plant::planted(&given), "{way} inside");
    }
    // Files that run as whoever starts them are made and changed as ever.
    let mut setup = Setup::new();
    let given = setup.folder("given");
    setup.grant(&given, true);
    let script = format!(
        "mkdir -p {given}/a/b && echo x > {given}/a/b/c && chmod 1755 {given}/a && cp {given}/a/b/c {given}/d && echo well"
    );
    assert_eq!(setup.run(&["/bin/sh", "-c", &script]).output, "well\n");
}

fn written_files_never_run() {
    let mut setup = Setup::new();
    setup.folder("given");
    // A file of the project lies below /driver, where programs of the closure may be run.
    setup.grant("files/given", true);
    let script = "cp /bin/echo files/given/tool && chmod 700 files/given/tool && files/given/tool ran || echo refused";
    let told = setup.run(&["/bin/sh", "-c", script]).output;
    assert!(told.contains("Permission denied") && told.ends_with("refused\n"), "{told}");
    let load = "import ctypes, shutil, glob\n\
                shutil.copy(glob.glob('/usr/lib/*/libm.so.6')[0], 'files/given/lib.so')\n\
                ctypes.CDLL('/driver/files/given/lib.so')\n";
    let told = setup.run(&["/usr/bin/python3", "-c", load]);
    assert!(told.exit != 0 && told.output.contains("failed to map segment"), "{told:?}");
}

fn devices() {
    let device = support::device();
    if !device.exists() {
        // Only root makes one that a cell does not have anyway.
        return;
    }
    let path = device.to_string_lossy().into_owned();
    let mut setup = Setup::new();
    assert!(setup.attempt(&["zero", &path]).output.starts_with("refused"), "without a grant");
    setup.grant(&path, false);
    assert_eq!(setup.attempt(&["zero", &path]).output, "read");
    assert!(setup.attempt(&["poke", &path]).output.starts_with("refused"), "granted for reading");
    let mut setup = Setup::new();
    setup.grant(&path, true);
    assert_eq!(setup.attempt(&["zero", &path]).output, "read");
    assert_eq!(setup.attempt(&["poke", &path]).output, "written");
    assert_eq!(setup.run(&["/usr/bin/head", "-c", "3", &path]).output, "\0\0\0");
    assert!(setup.attempt(&["mode", &path]).output.starts_with("refused"), "it changes the node");
    // With a device come requests of its own, and none that types into a terminal.
    setup.pty = true;
    for inject in ["inject", "inject-high-bits"] {
        assert!(setup.attempt(&[inject]).output.starts_with("refused"), "{inject}");
    }
}

fn closure_is_checked() {
    let mut setup = Setup::new();
    setup.closure("tool.sh", "#!/bin/sh\necho from the closure\n", true);
    let told = setup.run(&["/driver/tool.sh"]);
    assert_eq!(told.output, "from the closure\n", "{told:?}");
    setup.spoil_store();
    let told = setup.run(&["/driver/tool.sh"]);
    assert_eq!(told.failed.expect("a refusal").code, "cell.closureChanged");
    let mut setup = Setup::new();
    setup.closure("../tool.sh", "climbs", true);
    assert_eq!(setup.run(&["/bin/true"]).failed.expect("a refusal").code, "cell.closure");
}

/// A program of the host runs from the store, whatever lies at its path now; what the cell shows of the host is compared.
fn host_files_are_pinned() {
    const SIGNED: &str = "#!/bin/sh\necho what was signed\n";
    let mut setup = Setup::new();
    let path = setup.file("tell.sh", "#!/bin/sh\necho something else\n");
    setup.closure(&path, SIGNED, true);
    assert_eq!(setup.run(&[&path]).output, "what was signed\n");
    setup.grant(&path, false);
    assert_eq!(setup.run(&[&path]).output, "what was signed\n", "a grant to read it shows the host's file");
    setup.isolated = false;
    assert_eq!(setup.run(&[&path]).failed.expect("a refusal").code, "cell.closureChanged");
    setup.isolated = true;
    setup.grant(Path::new(&path).parent().expect("its folder").to_str().expect("text"), false);
    assert_eq!(setup.run(&["/bin/sh", &path]).failed.expect("a refusal").code, "cell.closureChanged");
    setup.file("tell.sh", SIGNED);
    assert_eq!(setup.run(&["/bin/sh", &path]).output, "what was signed\n");
    let mut setup = Setup::new();
    setup.closure("/bin/true", "another program", true);
    let told = setup.run(&["/bin/true"]).failed.expect("a refusal");
    assert!(told.code == "cell.closureChanged" && told.message.contains("/bin/true has changed"), "{told}");
}

fn endings() {
    let setup = Setup::new();
    assert_eq!(setup.run(&["/bin/sh", "-c", "exit 7"]).exit, 7);
    assert_eq!(setup.run(&["/bin/sh", "-c", "kill -TERM $$"]).exit, -15);
    assert_eq!(setup.run(&["/no/such/program"]).failed.expect("a refusal").code, "cell.program");
    // What a driver leaves behind ends with it, and does not keep the cell.
    let Outcome { exit, took, .. } = setup.run(&["/bin/sh", "-c", "sleep 60 & exit 0"]);
    assert!(exit == 0 && took.as_secs() < 5, "{took:?}");
}

fn interpreters_run() {
    let setup = Setup::new();
    assert_eq!(setup.run(&["/usr/bin/awk", "BEGIN { print 6 * 7 }"]).output, "42\n");
    let script = "import threading,subprocess\n\
                  t=threading.Thread(target=lambda: print('thread'))\nt.start(); t.join()\n\
                  print(subprocess.run(['/bin/echo','child'],capture_output=True).stdout)\n";
    let told = setup.run(&["/usr/bin/python3", "-c", script]);
    assert_eq!(told.output, "thread\nb'child\\n'\n");
    let pipeline = "for word in c a b; do echo $word; done | sort | tr -d '\\n'; echo; mktemp /driver/x 2>/dev/null || echo read-only";
    assert_eq!(setup.run(&["/bin/bash", "-c", pipeline]).output, "abc\nread-only\n");
    assert_eq!(setup.run(&["/bin/sed", "-n", "1p", "/proc/self/comm"]).output, "sed\n");
}

fn waived() {
    let mut setup = Setup::new();
    setup.isolated = false;
    let told = setup.attempt(&["status"]);
    assert!(told.output.contains("NoNewPrivs:\t1") && told.output.contains("Seccomp:\t0"), "{}", told.output);
    assert!(setup.attempt(&["cat", "/etc/hostname"]).exit == 0);
    assert!(told.enforced.contains(&"isolation=waived".to_owned()));
}

fn network() {
    let mut setup = Setup::new();
    setup.network = true;
    for family in ["tcp-socket", "udp-socket", "unix-socket", "socketpair"] {
        assert_eq!(setup.attempt(&[family]).output, "done", "{family}");
    }
    // That these succeed outside was shown above.
    for family in ["vsock-socket", "netlink-socket", "packet-socket"] {
        assert!(setup.attempt(&[family]).output.starts_with("refused"), "{family}");
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let script = format!("import socket; socket.create_connection(('localhost', {port})); print('connected')");
    assert_eq!(setup.run(&["/usr/bin/python3", "-c", &script]).output, "connected\n");
    setup.network = false;
    assert_eq!(setup.run(&["/usr/bin/python3", "-c", &script]).exit, 1);
}

fn limits_hold() {
    let mut setup = Setup::new();
    setup.memory_bytes = 64 << 20;
    setup.cpus = vec![0];
    assert_eq!(setup.attempt(&["memory", "16"]).output, "ok");
    assert!(setup.attempt(&["memory", "256"]).exit != 0);
    assert!(setup.attempt(&["status"]).output.contains("Cpus_allowed_list:\t0\n"));
}

fn shared_memory() {
    let mut setup = Setup::new();
    setup.memory_bytes = 64 << 20;
    let told = setup.attempt(&["shared", "16"]);
    assert_eq!(told.output, "ok");
    let said = |how: &str| told.enforced.contains(&format!("memory={how}, {} bytes", 64 << 20));
    let much = setup.attempt(&["shared", "256"]);
    if told.enforced.contains(&"cgroup=memory".to_owned()) {
        assert!(said("all of the cell") && much.exit == -libc::SIGKILL, "{much:?}");
    } else {
        assert!(said("private of each process") && much.output == "ok", "{much:?}");
    }
    // What of this was tried: root makes a group where there is a tree for it, an ordinary user mostly cannot.
    println!("  with {}", told.enforced.iter().find(|each| each.starts_with("cgroup=")).expect("it is told"));
}

fn counts_are_limited() {
    let mut setup = Setup::new();
    assert_eq!(setup.attempt(&["files"]).output, format!("{} {}", 64 - 1, libc::EMFILE));
    // The driver itself and the cell's first process are two of them.
    assert_eq!(setup.attempt(&["processes"]).output, format!("{} {}", PROCESSES - 2, libc::EAGAIN));
    let limits = setup.run(&["/bin/cat", "/proc/self/limits"]).output;
    assert!(limits.lines().any(|line| line.starts_with("Max core file size") && line.contains(" 0 ")), "{limits}");
    let log = setup.file("log", "");
    setup.grant(&log, true);
    assert_eq!(setup.attempt(&["grow", &log, &FILE_BYTES.to_string()]).output, "ok");
    let told = setup.attempt(&["grow", &log, &(FILE_BYTES + 1).to_string()]);
    assert!(told.output.contains("File too large"), "{told:?}");
    assert_eq!(std::fs::metadata(&log).expect("the log").len(), FILE_BYTES);
}

fn ptys() {
    let mut setup = Setup::new();
    setup.pty = true;
    let script = "import os\nm,s=os.openpty()\nos.write(s,b'x')\nprint(os.ttyname(s), os.read(m,1))\n";
    let told = setup.run(&["/usr/bin/python3", "-c", script]);
    assert_eq!(told.output, "/dev/pts/0 b'x'\n");
    setup.pty = false;
    assert!(setup.run(&["/usr/bin/python3", "-c", script]).exit != 0);
}

fn nothing_left() {
    let setup = Setup::new();
    let before = support::leavings();
    for _ in 0..5 {
        setup.attempt(&["status"]);
    }
    assert_eq!(support::leavings(), before);
    assert!(std::fs::read_dir(setup.mountpoint()).expect("the mountpoint").next().is_none());
}
