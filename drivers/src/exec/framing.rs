//! How a program's bytes are divided into records, both ways.
use crate::outcome::Outcome;
use crate::record::Layout;
use rtt_driver::Framing;
use std::borrow::Cow;

/// Longest record that a program may write.
const RECORD_BYTES: usize = 1024 * 1024;

/// The bytes that stand for a payload on the program's standard input.
pub fn frame_of(payload: &[u8], layout: &Layout, framing: Framing, into: &mut Vec<u8>) -> Outcome {
    into.clear();
    match framing {
        Framing::Lines => {
            if layout.is_opaque() {
                into.extend_from_slice(payload);
            } else {
                let mut line = String::new();
                layout.write_line(payload, &mut line)?;
                into.extend_from_slice(line.as_bytes());
            }
            into.push(b'\n');
        }
        Framing::Fixed { .. } => into.extend_from_slice(&record(payload, layout)?),
        Framing::Prefixed => {
            let record = record(payload, layout)?;
            into.extend_from_slice(&(record.len() as u32).to_le_bytes());
            into.extend_from_slice(&record);
        }
    }
    Ok(())
}

/// As the program's own version of the contract has it.
fn record<'a>(payload: &'a [u8], layout: &Layout) -> Outcome<Cow<'a, [u8]>> {
    if layout.is_opaque() { Ok(Cow::Borrowed(payload)) } else { layout.fit(payload) }
}

/// Collects what a program writes and gives back whole records.
pub struct Splitter {
    framing: Framing,
    bytes: Vec<u8>,
    /// What was given back of `bytes` already.
    taken: usize,
}

impl Splitter {
    pub fn new(framing: Framing) -> Self {
        Self { framing, bytes: Vec::new(), taken: 0 }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole record, or nothing yet. A record over the limit is an error: the program speaks something else.
    pub fn next(&mut self) -> Outcome<Option<Vec<u8>>> {
        let rest = &self.bytes[self.taken..];
        let (record, length) = match self.framing {
            Framing::Lines => match rest.iter().position(|byte| *byte == b'\n') {
                Some(end) => (rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]), end + 1),
                None => return self.unfinished(rest.len()),
            },
            Framing::Fixed { bytes } => match rest.get(..bytes as usize) {
                Some(record) => (record, record.len()),
                None => return Ok(None),
            },
            Framing::Prefixed => {
                let Some(head) = rest.first_chunk::<4>() else { return Ok(None) };
                let bytes = u32::from_le_bytes(*head) as usize;
                self.unfinished(bytes)?;
                match rest.get(4..4 + bytes) {
                    Some(record) => (record, 4 + bytes),
                    None => return Ok(None),
                }
            }
        };
        let record = record.to_vec();
        self.taken += length;
        Ok(Some(record))
    }

    fn unfinished(&self, bytes: usize) -> Outcome<Option<Vec<u8>>> {
        if bytes <= RECORD_BYTES {
            return Ok(None);
        }
        Err(format!("the program wrote a record of over {RECORD_BYTES} bytes; is `frame` right?").into())
    }

    /// The payload that a record stands for.
    pub fn payload(&self, record: &[u8], layout: &Layout, into: &mut Vec<u8>) -> Outcome {
        if matches!(self.framing, Framing::Lines) && !layout.is_opaque() {
            let line = std::str::from_utf8(record).map_err(|_| "the program wrote a line that is not UTF-8")?;
            return layout.parse_line(line, into);
        }
        if !layout.is_opaque() && record.len() != layout.bytes() {
            return Err(format!(
                "the program wrote a record of {} bytes, and its contract has {}",
                record.len(),
                layout.bytes()
            )
            .into());
        }
        into.clear();
        into.extend_from_slice(record);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn framings() -> impl Strategy<Value = Framing> {
        prop_oneof![
            Just(Framing::Lines),
            (1_u32..40).prop_map(|bytes| Framing::Fixed { bytes }),
            Just(Framing::Prefixed)
        ]
    }

    proptest! {
        /// However the kernel cuts the bytes, the records are those that were written.
        #[test]
        fn records_survive_any_cut(framing in framings(), records in prop::collection::vec(prop::collection::vec(97_u8..123, 1..40), 0..20), cut in 1_usize..50) {
            let opaque = Layout::default();
            let records: Vec<Vec<u8>> = records.into_iter().map(|mut record| {
                if let Framing::Fixed { bytes } = framing { record.resize(bytes as usize, b'x') }
                record
            }).collect();
            let (mut stream, mut framed) = (Vec::new(), Vec::new());
            for record in &records {
                frame_of(record, &opaque, framing, &mut framed).unwrap();
                stream.extend_from_slice(&framed);
            }
            let mut splitter = Splitter::new(framing);
            let mut seen = Vec::new();
            for piece in stream.chunks(cut) {
                splitter.push(piece);
                while let Some(record) = splitter.next().unwrap() {
                    seen.push(record);
                }
            }
            prop_assert_eq!(seen, records);
        }

        #[test]
        fn no_bytes_panic(framing in framings(), pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..10)) {
            let mut splitter = Splitter::new(framing);
            for piece in pieces {
                splitter.push(&piece);
                while let Ok(Some(_)) = splitter.next() {}
            }
        }
    }

    #[test]
    fn a_record_over_the_limit_is_an_error() {
        let mut prefixed = Splitter::new(Framing::Prefixed);
        prefixed.push(&(RECORD_BYTES as u32).to_le_bytes());
        assert!(prefixed.next().unwrap().is_none());
        let mut over = Splitter::new(Framing::Prefixed);
        over.push(&(RECORD_BYTES as u32 + 1).to_le_bytes());
        assert!(over.next().is_err());
        let mut lines = Splitter::new(Framing::Lines);
        lines.push(&vec![b'a'; RECORD_BYTES + 1]);
        assert!(lines.next().is_err());
    }
}
