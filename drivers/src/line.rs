//! Values as words of a line: numbers as they are, text bare or in quotes, bytes in hexadecimal after `0x`.
use crate::outcome::Outcome;
use crate::value::{Kind, Value};
use std::fmt::Write as _;

pub fn write_word(value: &Value, line: &mut String) -> Outcome {
    match value {
        Value::Unsigned(value) => write!(line, "{value}")?,
        Value::Signed(value) => write!(line, "{value}")?,
        Value::Float(value) => write!(line, "{value}")?,
        Value::Text(text) if is_bare(text) => line.push_str(text),
        Value::Text(text) => quote(text, line)?,
        Value::Bytes(bytes) => {
            line.push_str("0x");
            for byte in bytes {
                write!(line, "{byte:02x}")?;
            }
        }
    }
    Ok(())
}

fn is_bare(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|each| each.is_whitespace() || each.is_control() || each == '"')
}

fn quote(text: &str, line: &mut String) -> Outcome {
    line.push('"');
    for each in text.chars() {
        match each {
            '"' | '\\' => line.extend(['\\', each]),
            '\n' => line.push_str("\\n"),
            other if other.is_control() => write!(line, "\\u{{{:x}}}", other as u32)?,
            other => line.push(other),
        }
    }
    line.push('"');
    Ok(())
}

/// The words of a line; one that begins with a quote goes on to the next quote, blanks and all.
pub struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    pub fn of(line: &'a str) -> Self {
        Self { rest: line }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let line = self.rest.trim_ascii_start();
        if line.is_empty() {
            return None;
        }
        let end = if line.starts_with('"') {
            quoted_end(line)
        } else {
            line.find(|each: char| each.is_ascii_whitespace()).unwrap_or(line.len())
        };
        let (word, rest) = line.split_at(end);
        self.rest = rest;
        Some(word)
    }
}

fn quoted_end(line: &str) -> usize {
    let mut escaped = false;
    for (at, each) in line.char_indices().skip(1) {
        match each {
            '"' if !escaped => return at + 1,
            other => escaped = other == '\\' && !escaped,
        }
    }
    line.len()
}

/// Integers may also be written as programs like awk do: `1e+06`, `3.0`.
pub fn parse_word(kind: Kind, word: &str) -> Option<Value> {
    let float = || word.parse::<f64>().ok().map(Value::Float);
    match kind {
        Kind::Unsigned(_) | Kind::Bool => word.parse().ok().map(Value::Unsigned).or_else(float),
        Kind::Signed(_) => word.parse().ok().map(Value::Signed).or_else(float),
        Kind::F32 | Kind::F64 => float(),
        Kind::Text(_) => match word.strip_prefix('"') {
            Some(quoted) => unquote(quoted.strip_suffix('"')?).map(Value::Text),
            None => Some(Value::Text(word.to_owned())),
        },
        Kind::Bytes(_) => unhex(word.strip_prefix("0x")?).map(Value::Bytes),
    }
}

fn unquote(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(each) = characters.next() {
        plain.push(match each {
            '\\' => match characters.next()? {
                'n' => '\n',
                'u' => {
                    let digits: String = characters.by_ref().take_while(|each| *each != '}').skip(1).collect();
                    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                }
                other => other,
            },
            other => other,
        });
    }
    Some(plain)
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    if !digits.is_ascii() || !digits.len().is_multiple_of(2) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_and_bytes_survive_a_line(text in "\\PC{0,20}", odd in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let values = [Value::Text(text), Value::Bytes(bytes), Value::Text(odd), Value::Unsigned(7)];
            let kinds = [Kind::Text(1000), Kind::Bytes(1000), Kind::Text(1000), Kind::Unsigned(1)];
            let mut line = String::new();
            for value in &values {
                write_word(value, &mut line).unwrap();
                line.push(' ');
            }
            prop_assert!(!line.contains('\n'));
            let read: Vec<_> = Words::of(&line).zip(kinds).map(|(word, kind)| parse_word(kind, word).unwrap()).collect();
            prop_assert_eq!(read, values);
        }

        #[test]
        fn no_word_panics(line in any::<String>()) {
            for word in Words::of(&line) {
                for kind in [Kind::Text(9), Kind::Bytes(9), Kind::Signed(4), Kind::F32] {
                    let _ = parse_word(kind, word);
                }
            }
        }
    }
}
