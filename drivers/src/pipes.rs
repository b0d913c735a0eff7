//! The plant and the controller over plain pipes, as one would join them without RTT: what the demo compares with.
use crate::arguments::Arguments;
use crate::outcome::Outcome;
use crate::plant::Motion;
use crate::pole::{State, control};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{BufRead as _, Write as _};

/// Standard output is for reports; states go to descriptor 3 and forces come from standard input, a line each.
pub fn plant(mut arguments: Arguments) -> Outcome {
    let seed = arguments.take("seed", 1_u64)?;
    arguments.done()?;
    let mut states = std::fs::OpenOptions::new().write(true).open("/proc/self/fd/3")?;
    let mut forces = Forces::default();
    let mut motion = Motion::new(seed, 1_000);
    loop {
        let (_, State { x, v, angle, rate }) = motion.tick();
        if writeln!(states, "{x} {v} {angle} {rate}").is_err() {
            return Ok(());
        }
        match forces.newest()? {
            Newest::Force(force) => motion.force(force),
            Newest::None => {}
            Newest::End => return Ok(()),
        }
    }
}

/// One force for each state, until its input ends.
pub fn controller() -> Outcome {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let numbers: Vec<f64> = line?.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [x, v, angle, rate] = numbers[..] else { continue };
        writeln!(out, "{}", control(State { x, v, angle, rate }))?;
        out.flush()?;
    }
    Ok(())
}

enum Newest {
    Force(f64),
    None,
    End,
}

/// Whole lines that have come on standard input.
#[derive(Default)]
struct Forces {
    rest: Vec<u8>,
}

impl Forces {
    /// The last complete line that is there now, without waiting.
    fn newest(&mut self) -> Outcome<Newest> {
        let stdin = std::io::stdin();
        let mut bytes = [0; 4096];
        loop {
            let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
            if poll(&mut ready, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? == 0 {
                break;
            }
            let read = rustix::io::read(&stdin, &mut bytes)?;
            if read == 0 {
                return Ok(Newest::End);
            }
            self.rest.extend_from_slice(&bytes[..read]);
            if read < bytes.len() {
                break;
            }
        }
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return Ok(Newest::None) };
        let complete: Vec<u8> = self.rest.drain(..=end).collect();
        let last = complete[..end].rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        Ok(std::str::from_utf8(last).ok().and_then(|text| text.trim().parse().ok()).map_or(Newest::None, Newest::Force))
    }
}
