//! One number, text or sequence of bytes of a record.
use crate::outcome::Outcome;
use rtt_driver::Field;

/// Integers keep all their bits.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Value {
    /// What is no number is 0.
    pub fn as_f64(&self) -> f64 {
        match self {
            Self::Unsigned(value) => *value as f64,
            Self::Signed(value) => *value as f64,
            Self::Float(value) => *value,
            Self::Text(_) | Self::Bytes(_) => 0.0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Unsigned(usize),
    Signed(usize),
    F32,
    F64,
    Bool,
    /// Up to so many bytes.
    Text(usize),
    Bytes(usize),
}

/// Before the content of a text or bytes: how many bytes of it are used.
const LENGTH_BYTES: usize = 4;

impl Kind {
    pub fn of(field: &Field) -> Outcome<Self> {
        Ok(match field.kind.as_str() {
            "u8" => Self::Unsigned(1),
            "u16" => Self::Unsigned(2),
            "u32" => Self::Unsigned(4),
            "u64" => Self::Unsigned(8),
            "i8" => Self::Signed(1),
            "i16" => Self::Signed(2),
            "i32" => Self::Signed(4),
            "i64" => Self::Signed(8),
            "f32" => Self::F32,
            "f64" => Self::F64,
            "bool" => Self::Bool,
            "string" => Self::Text(field.count as usize),
            "bytes" => Self::Bytes(field.count as usize),
            name => return Err(format!("cannot use the field type `{name}` because there is none of that name").into()),
        })
    }

    pub fn bytes(self) -> usize {
        match self {
            Self::Unsigned(bytes) | Self::Signed(bytes) => bytes,
            Self::F32 => 4,
            Self::F64 => 8,
            Self::Bool => 1,
            Self::Text(most) | Self::Bytes(most) => LENGTH_BYTES + most,
        }
    }

    /// `bytes` are as many as the kind has; an error when they are no text, or their length is none.
    pub fn decode(self, bytes: &[u8]) -> Outcome<Value> {
        if let Self::Text(_) | Self::Bytes(_) = self {
            let (length, content) = bytes.split_at(LENGTH_BYTES);
            let length = length.iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
            let content =
                content.get(..length).ok_or_else(|| format!("its length is {length}, which it does not hold"))?;
            let text = || std::str::from_utf8(content).map(str::to_owned).map_err(|_| "it is not UTF-8");
            return Ok(if let Self::Text(_) = self { Value::Text(text()?) } else { Value::Bytes(content.to_vec()) });
        }
        let mut wide = [0_u8; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        let bits = u64::from_le_bytes(wide);
        Ok(match self {
            Self::Signed(bytes) => {
                let unused = 64 - 8 * bytes as u32;
                Value::Signed(((bits << unused) as i64) >> unused)
            }
            Self::F32 => Value::Float(f64::from(f32::from_bits(bits as u32))),
            Self::F64 => Value::Float(f64::from_bits(bits)),
            _ => Value::Unsigned(bits),
        })
    }

    /// Writes over `into`, which is as long as the kind and zeroes. Numbers that do not fit are the nearest that do.
    pub fn encode(self, value: &Value, into: &mut [u8]) -> Outcome {
        let size = into.len();
        match self {
            Self::Unsigned(bytes) => {
                let most = u64::MAX >> (64 - 8 * bytes as u32);
                into.copy_from_slice(&unsigned(value).min(most).to_le_bytes()[..size]);
            }
            Self::Signed(bytes) => {
                let most = i64::MAX >> (64 - 8 * bytes as u32);
                into.copy_from_slice(&signed(value).clamp(-most - 1, most).to_le_bytes()[..size]);
            }
            Self::F32 => into.copy_from_slice(&(value.as_f64() as f32).to_le_bytes()),
            Self::F64 => into.copy_from_slice(&value.as_f64().to_le_bytes()),
            Self::Bool => into[0] = u8::from(value.as_f64() != 0.0),
            Self::Text(most) | Self::Bytes(most) => {
                let content: &[u8] = match value {
                    Value::Text(text) => text.as_bytes(),
                    Value::Bytes(bytes) => bytes,
                    _ => return Err("it is a number".into()),
                };
                let place = into[LENGTH_BYTES..].get_mut(..content.len());
                let place = place.ok_or_else(|| format!("its {} bytes are more than {most}", content.len()))?;
                place.copy_from_slice(content);
                into[..LENGTH_BYTES].copy_from_slice(&(content.len() as u32).to_le_bytes());
            }
        }
        Ok(())
    }
}

/// `as` saturates, and makes 0 of what is no number.
fn unsigned(value: &Value) -> u64 {
    match value {
        Value::Unsigned(value) => *value,
        Value::Signed(value) => (*value).max(0) as u64,
        other => other.as_f64() as u64,
    }
}

fn signed(value: &Value) -> i64 {
    match value {
        Value::Unsigned(value) => (*value).min(i64::MAX as u64) as i64,
        Value::Signed(value) => *value,
        other => other.as_f64() as i64,
    }
}
