//! `sink`: takes what comes. From `gen` it checks order, loss and content; records go to a file as lines if one is given.
use crate::arguments::Arguments;
use crate::generate::{SEQUENCE_BYTES, fill};
use crate::outcome::{Outcome, unless_stopping};
use crate::pacing::monotonic_ns;
use crate::record::Layout;
use rtt_driver::Driver;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::time::Duration;

const LOOK_UP: Duration = Duration::from_millis(200);
const REPORT_NS: u64 = 500_000_000;

pub fn run(mut arguments: Arguments) -> Outcome {
    let file = arguments.take_text("file");
    arguments.done()?;
    let driver = Driver::connect()?;
    let endpoint = driver.endpoints().first().ok_or("the manifest has no endpoint")?.clone();
    let mut keep = Keep::open(Layout::new(&endpoint)?, file.as_deref())?;
    let mut input = driver.input(&endpoint.name)?;
    let mut counts = Counts::default();
    let mut reported = monotonic_ns();
    while !driver.stopping() {
        if let Some(frame) = unless_stopping(input.receive(LOOK_UP))? {
            counts.take(&frame.payload, keep.layout.is_opaque());
            keep.write(&frame.payload)?;
            input.done();
        }
        let now = monotonic_ns();
        if now - reported >= REPORT_NS {
            reported = now;
            counts.report();
        }
    }
    counts.report();
    Ok(())
}

/// Where records go, if anywhere.
struct Keep {
    layout: Layout,
    file: Option<File>,
    line: String,
}

impl Keep {
    fn open(layout: Layout, path: Option<&str>) -> Outcome<Self> {
        let open = |path: &str| {
            let opened = OpenOptions::new().append(true).create(true).open(path);
            opened.map_err(|error| {
                format!("cannot write to {path} because {error}; is it in the manifest's files as \"rw\"?")
            })
        };
        Ok(Self { layout, file: path.map(open).transpose()?, line: String::new() })
    }

    fn write(&mut self, payload: &[u8]) -> Outcome {
        let Some(file) = &mut self.file else { return Ok(()) };
        if self.layout.is_opaque() {
            self.line.clear();
            self.line.push_str(&String::from_utf8_lossy(payload));
        } else {
            self.layout.write_line(payload, &mut self.line)?;
        }
        self.line.push('\n');
        Ok(file.write_all(self.line.as_bytes())?)
    }
}

/// What was seen of a sequence.
#[derive(Default, Debug, PartialEq)]
struct Counts {
    frames: u64,
    bytes: u64,
    lost: u64,
    reordered: u64,
    corrupt: u64,
    /// The number that comes next.
    next: Option<u64>,
    expected: Vec<u8>,
}

impl Counts {
    fn take(&mut self, payload: &[u8], checked: bool) {
        self.frames += 1;
        self.bytes += payload.len() as u64;
        if !checked {
            return;
        }
        let Some(head) = payload.first_chunk::<SEQUENCE_BYTES>() else {
            self.corrupt += 1;
            return;
        };
        let sequence = u64::from_le_bytes(*head);
        self.expected.resize(payload.len(), 0);
        fill(&mut self.expected, sequence);
        if self.expected != payload {
            self.corrupt += 1;
            return;
        }
        match self.next {
            // A generator that was started again begins at 0.
            Some(next) if sequence < next && sequence != 0 => self.reordered += 1,
            Some(next) if sequence > next => self.lost += sequence - next,
            _ => {}
        }
        self.next = Some(sequence + 1);
    }

    fn report(&self) {
        let Self { frames, bytes, lost, reordered, corrupt, .. } = self;
        let line = format!(
            "{{\"frames\":{frames},\"bytes\":{bytes},\"lost\":{lost},\"reordered\":{reordered},\"corrupt\":{corrupt}}}"
        );
        // Nobody may be reading any more, and frames are taken all the same.
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(sequences: &[u64]) -> Counts {
        let mut counts = Counts::default();
        for sequence in sequences {
            let mut payload = [0; 24];
            fill(&mut payload, *sequence);
            counts.take(&payload, true);
        }
        counts
    }

    #[test]
    fn an_unbroken_sequence_is_clean() {
        let counts = counted(&[5, 6, 7, 8]);
        assert_eq!((counts.frames, counts.lost, counts.reordered, counts.corrupt), (4, 0, 0, 0));
    }

    #[test]
    fn gaps_and_steps_back_are_counted_and_a_new_start_is_not() {
        assert_eq!(counted(&[1, 2, 5, 6]).lost, 2);
        assert_eq!(counted(&[1, 2, 1, 2]).reordered, 1);
        let again = counted(&[7, 8, 0, 1]);
        assert_eq!((again.lost, again.reordered), (0, 0));
    }

    #[test]
    fn a_changed_byte_and_a_short_frame_are_corrupt() {
        let mut counts = Counts::default();
        let mut payload = [0; 24];
        fill(&mut payload, 3);
        payload[20] ^= 1;
        counts.take(&payload, true);
        counts.take(&payload[..4], true);
        assert_eq!(counts.corrupt, 2);
    }
}
