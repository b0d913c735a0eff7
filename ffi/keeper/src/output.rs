//! What drivers print: drained from their pipes into files of a bounded size, two for each driver.
use crate::limits::{LOG_BYTES, LOG_BYTES_LEAST, OUTPUT_CHUNK};
use rustix::fs::{Mode, OFlags, fstat, open, rename};
use rustix::io::{Errno, read, write};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// Room for the line that tells of dropped bytes.
const NOTE_BYTES: u64 = 64;

/// The logs of all drivers. Several instances of one driver write into one log.
#[derive(Debug)]
pub struct Logs {
    folder: PathBuf,
    open: BTreeMap<String, Log>,
    /// Of one file.
    pub most: u64,
}

/// The log of one driver, `<driver>.log`, and the one before it, `<driver>.log.1`.
#[derive(Debug)]
struct Log {
    path: PathBuf,
    file: Option<OwnedFd>,
    written: u64,
    /// Bytes that could not be kept since the last time that a note could be written.
    dropped: u64,
}

/// What became of a turn at a pipe.
#[derive(Debug, PartialEq, Eq)]
pub enum Drained {
    /// There may be more.
    Some,
    Empty,
    Ended,
}

impl Logs {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, open: BTreeMap::new(), most: LOG_BYTES }
    }

    /// Takes one chunk off a driver's pipe. A full disk costs output, never the driver's time.
    pub fn drain(&mut self, driver: &str, pipe: &OwnedFd) -> Drained {
        let most = self.most.max(LOG_BYTES_LEAST);
        // Half a file at most, so that a file never has to be cut.
        let mut chunk = vec![0_u8; OUTPUT_CHUNK.min(usize::try_from(most / 2).unwrap_or(OUTPUT_CHUNK))];
        match read(pipe, &mut chunk) {
            Ok(0) => Drained::Ended,
            Ok(got) => {
                self.log(driver).keep(&chunk[..got], most);
                Drained::Some
            }
            Err(Errno::AGAIN) => Drained::Empty,
            Err(Errno::INTR) => Drained::Some,
            Err(_) => Drained::Ended,
        }
    }

    /// A line of the keeper's own about this driver.
    pub fn note(&mut self, driver: &str, line: &str) {
        let most = self.most.max(LOG_BYTES_LEAST);
        self.log(driver).keep(format!("[rtt] {line}\n").as_bytes(), most);
    }

    /// No instance of this driver is left: its file is closed.
    pub fn close(&mut self, driver: &str) {
        self.open.remove(driver);
    }

    fn log(&mut self, driver: &str) -> &mut Log {
        let path = self.folder.join(format!("{driver}.log"));
        self.open.entry(driver.to_owned()).or_insert(Log { path, file: None, written: 0, dropped: 0 })
    }
}

impl Log {
    fn keep(&mut self, bytes: &[u8], most: u64) {
        if self.open_file().is_none() {
            self.dropped += bytes.len() as u64;
            return;
        }
        if self.written + bytes.len() as u64 + NOTE_BYTES > most {
            self.rotate();
        }
        if self.dropped > 0 {
            let note = format!("[rtt] {} bytes of output were dropped\n", self.dropped);
            if self.append(note.as_bytes()) == note.len() {
                self.dropped = 0;
            }
        }
        let kept = self.append(bytes);
        self.dropped += (bytes.len() - kept) as u64;
    }

    fn append(&mut self, bytes: &[u8]) -> usize {
        let Some(file) = &self.file else { return 0 };
        let mut done = 0;
        while done < bytes.len() {
            match write(file, &bytes[done..]) {
                Ok(0) => break,
                Ok(more) => done += more,
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
        self.written += done as u64;
        done
    }

    fn open_file(&mut self) -> Option<()> {
        if self.file.is_none() {
            let flags = OFlags::CREATE | OFlags::APPEND | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            let file = open(&self.path, flags, Mode::RUSR | Mode::WUSR).ok()?;
            self.written = fstat(&file).map_or(0, |facts| u64::try_from(facts.st_size).unwrap_or(0));
            self.file = Some(file);
        }
        Some(())
    }

    fn rotate(&mut self) {
        let mut before = self.path.clone().into_os_string();
        before.push(".1");
        self.file = None;
        if rename(&self.path, PathBuf::from(before)).is_ok() {
            self.open_file();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::{PipeFlags, pipe_with};

    #[test]
    fn files_stay_below_their_bound_and_the_newest_is_kept() {
        let logs = std::env::temp_dir().join(format!("rtt-output-{}", std::process::id()));
        std::fs::create_dir_all(&logs).expect("a folder");
        let (ours, theirs) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC).expect("a pipe");
        let mut output = Logs::new(logs.clone());
        output.most = 4_096;
        for line in 0..2_000 {
            write(&theirs, format!("line {line}\n").as_bytes()).expect("written");
            assert_eq!(output.drain("imu", &ours), Drained::Some);
        }
        assert_eq!(output.drain("imu", &ours), Drained::Empty);
        drop(theirs);
        assert_eq!(output.drain("imu", &ours), Drained::Ended);
        let now = std::fs::read_to_string(logs.join("imu.log")).expect("the log");
        let before = std::fs::read_to_string(logs.join("imu.log.1")).expect("the log before");
        assert!(now.ends_with("line 1999\n") && now.len() <= 4_096 && before.len() <= 4_096);
        std::fs::remove_dir_all(&logs).expect("removed");
    }
}
