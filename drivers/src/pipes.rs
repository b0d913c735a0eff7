//! The plant and the controller over two plain pipes, as one would join them without RTT: what the demo compares with.
//!
//! The parent is the plant; the controller is a child that is stopped for a while. The last force is held meanwhile.
use crate::arguments::Arguments;
use crate::outcome::Outcome;
use crate::pacing::monotonic_ns;
use crate::plant::Motion;
use crate::pole::{State, control};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};
use std::io::{BufRead as _, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

const NS_PER_MS: u64 = 1_000_000;

/// Runs for `--for-ms`, with the controller stopped from `--after-ms` on for `--pause-ms`.
pub fn run(mut arguments: Arguments) -> Outcome {
    let seed = arguments.take("seed", 1_u64)?;
    let after = arguments.take("after-ms", 1_000_u64)? * NS_PER_MS;
    let pause = arguments.take("pause-ms", 500_u64)? * NS_PER_MS;
    let whole = arguments.take("for-ms", 2_500_u64)? * NS_PER_MS;
    arguments.done()?;
    let controller = Command::new("/proc/self/exe")
        .arg("pipes-controller")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start the controller because {error}"))?;
    let mut controller = Controller(controller);
    let mut states = controller.0.stdin.take().ok_or("the controller has no input")?;
    let mut forces = Forces::new(controller.0.stdout.take().ok_or("the controller has no output")?);
    let mut motion = Motion::new(seed, 1_000);
    let began = monotonic_ns();
    let mut paused = false;
    loop {
        let (now, State { x, v, angle, rate }) = motion.tick();
        let elapsed = now - began;
        if elapsed >= whole {
            return Ok(());
        }
        let pausing = (after..after + pause).contains(&elapsed);
        if pausing != paused {
            paused = pausing;
            controller.signal(if paused { Signal::STOP } else { Signal::CONT })?;
        }
        writeln!(states, "{x} {v} {angle} {rate}")?;
        if let Some(force) = forces.newest()? {
            motion.force(force);
        }
    }
}

/// One force for each state, until its input ends. While it is stopped it would not notice that, and so it ends with its
/// parent, too.
pub fn controller() -> Outcome {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let numbers: Vec<f64> = line?.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [x, v, angle, rate] = numbers[..] else { continue };
        writeln!(out, "{}", control(State { x, v, angle, rate }))?;
        out.flush()?;
    }
    Ok(())
}

struct Controller(Child);

impl Controller {
    fn signal(&self, signal: Signal) -> Outcome {
        Ok(kill_process(Pid::from_child(&self.0), signal)?)
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whole lines that have come from the controller.
struct Forces {
    end: ChildStdout,
    rest: Vec<u8>,
}

impl Forces {
    fn new(end: ChildStdout) -> Self {
        Self { end, rest: Vec::new() }
    }

    /// The last complete line that is there now, without waiting.
    fn newest(&mut self) -> Outcome<Option<f64>> {
        let mut bytes = [0; 4096];
        loop {
            let mut ready = [PollFd::new(&self.end, PollFlags::IN)];
            if poll(&mut ready, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? == 0 {
                break;
            }
            let read = rustix::io::read(&self.end, &mut bytes)?;
            self.rest.extend_from_slice(&bytes[..read]);
            if read < bytes.len() {
                break;
            }
        }
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return Ok(None) };
        let complete: Vec<u8> = self.rest.drain(..=end).collect();
        let last = complete[..end].rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        Ok(std::str::from_utf8(last).ok().and_then(|text| text.trim().parse().ok()))
    }
}
