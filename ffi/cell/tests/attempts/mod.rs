//! What the program inside tries.
mod kernel;
mod limits;
pub mod plant;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;

/// Each succeeds outside (as root) and is refused inside.
pub const ATTEMPTS: &[&str] = &[
    "unix-socket",
    "udp-socket",
    "tcp-socket",
    "netlink-socket",
    "vsock-socket",
    "packet-socket",
    "socketpair",
    "memfd",
    "userns",
    "setowner",
    "passwd",
    "root-file",
    "affinity",
    "personality",
    "trace",
    "trace-first",
    "keyring",
    "add-key",
    "inject",
    "inject-high-bits",
    "clone-user",
    "clone-mount",
    "clone3",
    "setns",
    "mount",
    "pivot-root",
    "io-uring",
    "bpf",
    "perf",
    "userfaultfd",
];

/// Tries one thing on this process.
pub fn attempt(name: &str) -> io::Result<()> {
    // SAFETY: every pointer below is to a literal or a local that outlives its call; made descriptors are left open.
    unsafe {
        match name {
            "unix-socket" => made(libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0).into()),
            "udp-socket" => made(libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0).into()),
            "tcp-socket" => made(libc::socket(libc::AF_INET6, libc::SOCK_STREAM, 0).into()),
            "netlink-socket" => made(libc::socket(libc::AF_NETLINK, libc::SOCK_RAW, 0).into()),
            "vsock-socket" => made(libc::socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0).into()),
            "packet-socket" => made(libc::socket(libc::AF_PACKET, libc::SOCK_DGRAM, 0).into()),
            "socketpair" => {
                let mut pair = [0; 2];
                made(libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, pair.as_mut_ptr()).into())
            }
            "memfd" => made(libc::syscall(libc::SYS_memfd_create, c"x".as_ptr(), 0)),
            "userns" => in_child(|| libc::unshare(libc::CLONE_NEWUSER) == 0),
            "trace" => in_child(|| libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) == 0),
            "keyring" => {
                made(libc::syscall(libc::SYS_keyctl, libc::KEYCTL_GET_KEYRING_ID, libc::KEY_SPEC_USER_KEYRING, 1))
            }
            "setowner" => made(libc::fcntl(1, libc::F_SETOWN, libc::getpid()).into()),
            "passwd" => fs::read("/etc/passwd").map(drop),
            "root-file" => {
                fs::write("/tmp/rtt-cell-attempt", "x").and_then(|()| fs::remove_file("/tmp/rtt-cell-attempt"))
            }
            "affinity" => {
                let mut mask: libc::cpu_set_t = std::mem::zeroed();
                libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut mask);
                made(libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const mask).into())
            }
            "personality" => made(libc::personality(0).into()),
            other => kernel::attempt(other),
        }
    }
}

fn made(result: libc::c_long) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Tries it where it changes nothing of this process.
fn in_child(attempt: impl FnOnce() -> bool) -> io::Result<()> {
    // SAFETY: this process has one thread; the child ends at once.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let done = attempt();
        // SAFETY: ends the child.
        unsafe { libc::_exit(i32::from(!done)) };
    }
    let mut status = 0;
    // SAFETY: the status outlives the call.
    unsafe { libc::waitpid(pid, &raw mut status, 0) };
    if status == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::EPERM)) }
}

/// Prints `done` or `refused …`; exit 3 when refused.
pub fn run(arguments: &[String]) {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["linger", milliseconds] => {
            std::thread::sleep(std::time::Duration::from_millis(milliseconds.parse().unwrap_or(0)));
            Ok(())
        }
        ["status"] => {
            print!("{}", fs::read_to_string("/proc/self/status").unwrap_or_default());
            println!("HOME={}", std::env::var("HOME").unwrap_or_else(|_| "none".to_owned()));
            Ok(())
        }
        ["cat", path] => fs::read_to_string(path).map(|text| print!("{text}")),
        ["append", path] => OpenOptions::new().append(true).open(path).and_then(|mut file| file.write_all(b"more")),
        ["zero", path] => File::open(path).and_then(|mut file| file.read_exact(&mut [1])).map(|()| print!("read")),
        ["poke", path] => OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|mut file| file.write_all(b"x"))
            .map(|()| print!("written")),
        ["mode", path] => fs::set_permissions(path, fs::Permissions::from_mode(0o666)),
        ["plant", way, folder] => plant::plant(way, folder),
        [limit @ ("memory" | "shared" | "files" | "processes" | "grow"), rest @ ..] => limits::reach(limit, rest),
        [name] => attempt(name).map(|()| print!("done")),
        _ => Err(io::Error::other("no such attempt")),
    };
    if let Err(error) = result {
        print!("refused: {error}");
        std::process::exit(3);
    }
}
