//! Uses up what a cell limits, and prints how far it came.
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::{AsRawFd, IntoRawFd};

pub fn reach(limit: &str, words: &[&str]) -> io::Result<()> {
    match (limit, words) {
        ("memory", [mebibytes]) => private(number(mebibytes) << 20),
        ("shared", [mebibytes]) => shared(number(mebibytes) << 20),
        ("files", []) => files(),
        ("processes", []) => processes(),
        ("grow", [path, bytes]) => grow(path, number(bytes)),
        _ => Err(io::Error::other("no such limit")),
    }
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

fn private(size: usize) -> io::Result<()> {
    let mut block: Vec<u8> = Vec::new();
    block.try_reserve_exact(size).map_err(io::Error::other)?;
    block.resize(size, 1);
    print!("{}", if block.last() == Some(&1) { "ok" } else { "empty" });
    Ok(())
}

/// Memory that is nobody's own.
fn shared(size: usize) -> io::Result<()> {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping at an address of the kernel's choice, and all of it is written.
    unsafe {
        let at = libc::mmap(std::ptr::null_mut(), size, protection, flags, -1, 0);
        if at == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        std::ptr::write_bytes(at.cast::<u8>(), 1, size);
    }
    print!("ok");
    Ok(())
}

/// Prints the last descriptor that there was, and why there was no other.
fn files() -> io::Result<()> {
    let mut last = File::open("/dev/null")?;
    loop {
        match File::open("/dev/null") {
            Ok(next) => {
                let _left_open = std::mem::replace(&mut last, next).into_raw_fd();
            }
            Err(error) => {
                print!("{} {}", last.as_raw_fd(), error.raw_os_error().unwrap_or(0));
                return Ok(());
            }
        }
    }
}

/// Prints how many children there were, and why there was no other.
fn processes() -> io::Result<()> {
    let mut children = Vec::new();
    let error = loop {
        // SAFETY: this process has one thread; a child only waits for its end.
        match unsafe { libc::fork() } {
            0 => loop {
                // SAFETY: takes nothing.
                unsafe { libc::pause() };
            },
            -1 => break io::Error::last_os_error(),
            child => children.push(child),
        }
    };
    for child in &children {
        // SAFETY: a child of ours that nobody has waited for.
        unsafe { libc::kill(*child, libc::SIGKILL) };
    }
    print!("{} {}", children.len(), error.raw_os_error().unwrap_or(0));
    Ok(())
}

/// Writes the last byte of a file of that size, with a hole before it.
fn grow(path: &str, bytes: usize) -> io::Result<()> {
    // SAFETY: the signal is ignored, so that the write answers an error; no function of ours is called.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.seek(SeekFrom::Start(bytes as u64 - 1))?;
    file.write_all(b"x")?;
    print!("ok");
    Ok(())
}
