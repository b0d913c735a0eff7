//! Records: the fixed-layout payload of a contract, packed, little endian, in the order of its fields; and the same as a line
//! of text, its numbers divided by blanks.
use crate::outcome::Outcome;
use rtt_driver::Field;
use std::fmt::Write as _;

/// One number of a record. Integers keep all their bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl Value {
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Unsigned(value) => value as f64,
            Self::Signed(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unsigned(usize),
    Signed(usize),
    F32,
    F64,
    Bool,
}

impl Kind {
    fn bytes(self) -> usize {
        match self {
            Self::Unsigned(bytes) | Self::Signed(bytes) => bytes,
            Self::F32 => 4,
            Self::F64 => 8,
            Self::Bool => 1,
        }
    }
}

/// The layout of a contract's record.
#[derive(Clone, Debug)]
pub struct Layout {
    names: Vec<String>,
    kinds: Vec<Kind>,
    bytes: usize,
}

impl Layout {
    /// Names of array fields are `gyro[0]`, `gyro[1]`, …
    pub fn new(fields: &[Field]) -> Outcome<Self> {
        let (mut names, mut kinds) = (Vec::new(), Vec::new());
        for field in fields {
            let kind = kind(&field.kind)?;
            for at in 0..field.count {
                names.push(if field.count == 1 { field.name.clone() } else { format!("{}[{at}]", field.name) });
                kinds.push(kind);
            }
        }
        let bytes = kinds.iter().map(|kind| kind.bytes()).sum();
        Ok(Self { names, kinds, bytes })
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether payloads are opaque: the contract declares no field.
    pub fn is_opaque(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Where a field stands, for reading it by name.
    pub fn find(&self, name: &str) -> Outcome<usize> {
        let found = self.names.iter().position(|each| each == name);
        found.ok_or_else(|| format!("cannot use this contract because it has no field `{name}`").into())
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The values of a payload, or an error when it has another length.
    pub fn decode(&self, payload: &[u8]) -> Outcome<Vec<Value>> {
        if payload.len() != self.bytes {
            return Err(format!(
                "cannot read a record of {} bytes because its contract has {}",
                payload.len(),
                self.bytes
            )
            .into());
        }
        let mut rest = payload;
        let mut take = |kind: Kind| {
            let (head, tail) = rest.split_at(kind.bytes());
            rest = tail;
            decode(kind, head)
        };
        Ok(self.kinds.iter().map(|kind| take(*kind)).collect())
    }

    /// The payload of these values. Numbers that do not fit are the nearest that do.
    pub fn encode(&self, values: &[Value], into: &mut Vec<u8>) -> Outcome {
        if values.len() != self.kinds.len() {
            return Err(
                format!("cannot write {} values because the contract has {}", values.len(), self.kinds.len()).into()
            );
        }
        into.clear();
        for (kind, value) in self.kinds.iter().zip(values) {
            encode(*kind, *value, into);
        }
        Ok(())
    }

    /// A record as a line, without its end.
    pub fn write_line(&self, payload: &[u8], line: &mut String) -> Outcome {
        line.clear();
        for value in self.decode(payload)? {
            if !line.is_empty() {
                line.push(' ');
            }
            match value {
                Value::Unsigned(value) => write!(line, "{value}")?,
                Value::Signed(value) => write!(line, "{value}")?,
                Value::Float(value) => write!(line, "{value}")?,
            }
        }
        Ok(())
    }

    /// The payload of a line that has one number for each field.
    pub fn parse_line(&self, line: &str, into: &mut Vec<u8>) -> Outcome {
        let mut words = line.split_ascii_whitespace();
        let mut values = Vec::with_capacity(self.kinds.len());
        for (kind, name) in self.kinds.iter().zip(&self.names) {
            let word = words.next().ok_or_else(|| format!("cannot read `{line}` because `{name}` is missing"))?;
            let value =
                parse(*kind, word).ok_or_else(|| format!("cannot read `{line}` because `{name}` is `{word}`"))?;
            values.push(value);
        }
        match words.next() {
            Some(word) => Err(format!("cannot read `{line}` because `{word}` is one value too many").into()),
            None => self.encode(&values, into),
        }
    }
}

fn kind(name: &str) -> Outcome<Kind> {
    Ok(match name {
        "u8" => Kind::Unsigned(1),
        "u16" => Kind::Unsigned(2),
        "u32" => Kind::Unsigned(4),
        "u64" => Kind::Unsigned(8),
        "i8" => Kind::Signed(1),
        "i16" => Kind::Signed(2),
        "i32" => Kind::Signed(4),
        "i64" => Kind::Signed(8),
        "f32" => Kind::F32,
        "f64" => Kind::F64,
        "bool" => Kind::Bool,
        _ => return Err(format!("cannot use the field type `{name}` because there is none of that name").into()),
    })
}

fn decode(kind: Kind, bytes: &[u8]) -> Value {
    let mut wide = [0_u8; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    let bits = u64::from_le_bytes(wide);
    match kind {
        Kind::Unsigned(_) | Kind::Bool => Value::Unsigned(bits),
        Kind::Signed(bytes) => {
            let unused = 64 - 8 * bytes as u32;
            Value::Signed(((bits << unused) as i64) >> unused)
        }
        Kind::F32 => Value::Float(f64::from(f32::from_bits(bits as u32))),
        Kind::F64 => Value::Float(f64::from_bits(bits)),
    }
}

fn encode(kind: Kind, value: Value, into: &mut Vec<u8>) {
    match kind {
        Kind::Unsigned(bytes) => {
            let most = u64::MAX >> (64 - 8 * bytes as u32);
            into.extend_from_slice(&unsigned(value).min(most).to_le_bytes()[..bytes]);
        }
        Kind::Signed(bytes) => {
            let most = i64::MAX >> (64 - 8 * bytes as u32);
            into.extend_from_slice(&signed(value).clamp(-most - 1, most).to_le_bytes()[..bytes]);
        }
        Kind::F32 => into.extend_from_slice(&(value.as_f64() as f32).to_le_bytes()),
        Kind::F64 => into.extend_from_slice(&value.as_f64().to_le_bytes()),
        Kind::Bool => into.push(u8::from(value.as_f64() != 0.0)),
    }
}

/// `as` saturates, and makes 0 of what is no number.
fn unsigned(value: Value) -> u64 {
    match value {
        Value::Unsigned(value) => value,
        Value::Signed(value) => value.max(0) as u64,
        Value::Float(value) => value as u64,
    }
}

fn signed(value: Value) -> i64 {
    match value {
        Value::Unsigned(value) => value.min(i64::MAX as u64) as i64,
        Value::Signed(value) => value,
        Value::Float(value) => value as i64,
    }
}

/// Integers may also be written as programs like awk do: `1e+06`, `3.0`.
fn parse(kind: Kind, word: &str) -> Option<Value> {
    let float = || word.parse::<f64>().ok().map(Value::Float);
    match kind {
        Kind::Unsigned(_) | Kind::Bool => word.parse().ok().map(Value::Unsigned).or_else(float),
        Kind::Signed(_) => word.parse().ok().map(Value::Signed).or_else(float),
        Kind::F32 | Kind::F64 => float(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn field(name: &str, kind: &str, count: u32) -> Field {
        Field { name: name.to_owned(), kind: kind.to_owned(), count }
    }

    fn fields() -> impl Strategy<Value = Vec<Field>> {
        let kinds = ["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f32", "f64", "bool"];
        prop::collection::vec((0..kinds.len(), 1_u32..4), 1..8)
            .prop_map(move |each| each.into_iter().map(|(kind, count)| field("n", kinds[kind], count)).collect())
    }

    proptest! {
        #[test]
        fn a_record_survives_text(fields in fields(), seed in prop::collection::vec(any::<u8>(), 300)) {
            let layout = Layout::new(&fields).unwrap();
            let (mut line, mut bytes, mut again) = (String::new(), Vec::new(), Vec::new());
            let values = layout.decode(&seed[..layout.bytes()]).unwrap();
            prop_assume!(values.iter().all(|value| value.as_f64().is_finite()));
            layout.encode(&values, &mut bytes).unwrap();
            layout.write_line(&bytes, &mut line).unwrap();
            layout.parse_line(&line, &mut again).unwrap();
            prop_assert_eq!(bytes, again);
        }

        #[test]
        fn no_line_and_no_payload_panics(fields in fields(), line in "\\PC{0,60}", payload in prop::collection::vec(any::<u8>(), 0..40)) {
            let layout = Layout::new(&fields).unwrap();
            let mut bytes = Vec::new();
            if layout.parse_line(&line, &mut bytes).is_ok() {
                prop_assert_eq!(bytes.len(), layout.bytes());
            }
            prop_assert_eq!(layout.decode(&payload).is_ok(), payload.len() == layout.bytes());
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_the_nearest_that_do() {
        let layout = Layout::new(&[field("a", "u8", 1), field("b", "i16", 1)]).unwrap();
        let mut bytes = Vec::new();
        layout.parse_line("1e9 -99999", &mut bytes).unwrap();
        assert_eq!(layout.decode(&bytes).unwrap(), [Value::Unsigned(255), Value::Signed(-32_768)]);
    }

    #[test]
    fn a_line_with_too_few_or_too_many_values_is_refused() {
        let layout = Layout::new(&[field("a", "f64", 2)]).unwrap();
        for line in ["", "1", "1 2 3", "1 x"] {
            assert!(layout.parse_line(line, &mut Vec::new()).is_err(), "{line}");
        }
    }
}
