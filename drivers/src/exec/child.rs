//! The foreign program, joined by two pipes or by one pseudo-terminal in raw mode.
use crate::outcome::Outcome;
use rtt_driver::{CONTROL_FD, Io};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl, open};
use rustix::io::ioctl_fionread;
use rustix::pipe::fcntl_setpipe_size;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child as Process, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const READ_BYTES: usize = 64 * 1024;
const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// Between two looks at whether the program has read what waits in its terminal, the first of them.
const LOOK_FIRST: Duration = Duration::from_micros(50);
/// Longest wait without a look at whether to give up.
const GIVE_UP_WITHIN: Duration = Duration::from_millis(50);

pub struct Child {
    process: Process,
    io: Io,
    /// Ours, until `ends` takes them.
    ends: Option<(OwnedFd, OwnedFd)>,
}

impl Child {
    pub fn start(words: &[String], io: Io) -> Outcome<Self> {
        let (program, arguments) =
            words.split_first().ok_or("cannot start a program because the manifest names none")?;
        let mut command = Command::new(program);
        // The word names a descriptor that the program has not.
        command.args(arguments).env_remove(CONTROL_FD).stderr(Stdio::inherit());
        let ends = match io {
            Io::Pipe => None,
            Io::Pty => Some(join_by_pty(&mut command)?),
        };
        if ends.is_none() {
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
        }
        let mut process = command.spawn().map_err(|error| format!("cannot start `{program}` because {error}"))?;
        let ends = match ends {
            Some(ends) => ends,
            None => {
                let to = process.stdin.take().ok_or("the program has no standard input")?;
                let from = process.stdout.take().ok_or("the program has no standard output")?;
                (to.into(), from.into())
            }
        };
        Ok(Self { process, io, ends: Some(ends) })
    }

    /// The two ends, once.
    pub fn ends(&mut self) -> Outcome<(ToChild, FromChild)> {
        let (to, from) = self.ends.take().ok_or("the ends were taken already")?;
        for end in [&to, &from] {
            fcntl_setfl(end, fcntl_getfl(end)? | OFlags::NONBLOCK)?;
        }
        if self.io == Io::Pipe {
            // The least that there is: of one page, which has room again only when the program has read all of it.
            fcntl_setpipe_size(&to, 1)?;
        }
        Ok((ToChild { end: to, io: self.io, closed: false }, FromChild { end: from, bytes: vec![0; READ_BYTES] }))
    }

    /// Asks the program to end if it has not, and waits that long; the cell ends what is left.
    pub fn end(&mut self, within: Duration) -> Outcome<ExitStatus> {
        if let Some(status) = self.process.try_wait()? {
            return Ok(status);
        }
        let pid = Pid::from_child(&self.process);
        kill_process(pid, Signal::TERM)?;
        let asked = Instant::now();
        while asked.elapsed() < within {
            if let Some(status) = self.process.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        kill_process(pid, Signal::KILL)?;
        Ok(self.process.wait()?)
    }
}

/// Raw mode: the terminal changes no byte and echoes none. It is there because many programs buffer by lines only when they
/// see a terminal.
fn join_by_pty(command: &mut Command) -> Outcome<(OwnedFd, OwnedFd)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let name = ptsname(&ours, Vec::new())?;
    let theirs = open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    let mut mode = tcgetattr(&theirs)?;
    mode.make_raw();
    tcsetattr(&theirs, OptionalActions::Now, &mode)?;
    let theirs = File::from(theirs);
    command.stdin(theirs.try_clone()?).stdout(theirs);
    let again = ours.try_clone()?;
    Ok((ours, again))
}

pub struct ToChild {
    end: OwnedFd,
    io: Io,
    closed: bool,
}

impl ToChild {
    /// False once the program has closed its input.
    pub fn write(&mut self, mut bytes: &[u8], give_up: impl Fn() -> bool) -> Outcome<bool> {
        while !bytes.is_empty() && !self.closed {
            match rustix::io::write(&self.end, bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(rustix::io::Errno::AGAIN) => {
                    wait(&self.end, PollFlags::OUT, GIVE_UP_WITHIN)?;
                    if give_up() {
                        return Ok(false);
                    }
                }
                Err(rustix::io::Errno::PIPE | rustix::io::Errno::IO) => self.closed = true,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(!self.closed)
    }

    /// Waits until the program has read all that was written. False when it won't.
    pub fn await_read(&mut self, give_up: impl Fn() -> bool) -> Outcome<bool> {
        let mut pause = LOOK_FIRST;
        while !self.is_read(pause)? {
            if self.is_closed() || give_up() {
                return Ok(false);
            }
            pause = (pause * 2).min(LOOK_AGAIN);
        }
        // A pipe that nobody reads any more has room too.
        Ok(!self.is_closed())
    }

    /// A pipe says so by itself. Of a terminal there is nothing to wait on, and its other side is opened for the look alone:
    /// held open, it would hide that the program has closed it.
    fn is_read(&mut self, pause: Duration) -> Outcome<bool> {
        if self.io == Io::Pipe {
            return wait(&self.end, PollFlags::OUT, GIVE_UP_WITHIN);
        }
        let theirs = ioctl_tiocgptpeer(&self.end, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        if ioctl_fionread(&theirs)? == 0 {
            return Ok(true);
        }
        drop(theirs);
        std::thread::sleep(pause);
        Ok(false)
    }

    /// Whether the program's end is closed: nobody would read what is written.
    pub fn is_closed(&mut self) -> bool {
        let mut ready = [PollFd::new(&self.end, PollFlags::empty())];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let hung_up = poll(&mut ready, Some(&now)).is_ok_and(|count| count > 0)
            && ready[0].revents().intersects(PollFlags::HUP | PollFlags::ERR);
        self.closed |= hung_up;
        self.closed
    }
}

pub struct FromChild {
    end: OwnedFd,
    bytes: Vec<u8>,
}

impl FromChild {
    /// What the program wrote: nothing in time (`None`), or bytes, or its end (no bytes).
    pub fn read(&mut self, within: Duration) -> Outcome<Option<&[u8]>> {
        if !wait(&self.end, PollFlags::IN, within)? {
            return Ok(None);
        }
        match rustix::io::read(&self.end, &mut self.bytes[..]) {
            Ok(read) => Ok(Some(&self.bytes[..read])),
            Err(rustix::io::Errno::AGAIN) => Ok(None),
            // A pseudo-terminal whose other side is closed says so.
            Err(rustix::io::Errno::IO) => Ok(Some(&[])),
            Err(error) => Err(error.into()),
        }
    }
}

fn wait(end: impl AsFd, what: PollFlags, within: Duration) -> Outcome<bool> {
    let mut ready = [PollFd::new(&end, what)];
    let span = Timespec { tv_sec: within.as_secs() as i64, tv_nsec: i64::from(within.subsec_nanos()) };
    Ok(poll(&mut ready, Some(&span))? > 0)
}
