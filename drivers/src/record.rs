//! Records: the fixed-layout payload of a contract, as its manifest places it; and the same as a line of text, its values
//! divided by blanks.
use crate::line::{Words, parse_word, write_word};
use crate::outcome::Outcome;
use crate::value::{Kind, Value};
use rtt_driver::Endpoint;
use std::borrow::Cow;

#[derive(Clone, Debug)]
struct Item {
    name: String,
    kind: Kind,
    offset: usize,
}

/// The layout of a contract's record.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    items: Vec<Item>,
    /// Of a record of each version, oldest first.
    sizes: Vec<usize>,
    /// What stands for the fields that an earlier record lacks.
    defaults: Vec<u8>,
}

impl Layout {
    /// Names of array fields are `gyro[0]`, `gyro[1]`, …
    pub fn new(endpoint: &Endpoint) -> Outcome<Self> {
        let sizes: Vec<usize> = endpoint.layouts.iter().map(|layout| layout.bytes as usize).collect();
        let (mut items, mut defaults) = (Vec::new(), vec![0; sizes.last().copied().unwrap_or(0)]);
        for field in &endpoint.fields {
            let kind = Kind::of(field)?;
            let elements = if let Kind::Text(_) | Kind::Bytes(_) = kind { 1 } else { field.count as usize };
            for at in 0..elements {
                let name = if elements == 1 { field.name.clone() } else { format!("{}[{at}]", field.name) };
                let offset = field.offset as usize + at * kind.bytes();
                let place = defaults.get_mut(offset..offset + kind.bytes());
                let place = place.ok_or_else(|| format!("cannot use the layout because `{name}` is outside of it"))?;
                let given = field.default.len().min(place.len());
                place[..given].copy_from_slice(&field.default[..given]);
                items.push(Item { name, kind, offset });
            }
        }
        Ok(Self { items, sizes, defaults })
    }

    pub fn bytes(&self) -> usize {
        self.defaults.len()
    }

    /// Whether payloads are opaque: the contract declares no field.
    pub fn is_opaque(&self) -> bool {
        self.items.is_empty()
    }

    /// Where a field stands, for reading it by name.
    pub fn find(&self, name: &str) -> Outcome<usize> {
        let found = self.items.iter().position(|each| each.name == name);
        found.ok_or_else(|| format!("cannot use this contract because it has no field `{name}`").into())
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(|each| each.name.as_str())
    }

    /// The record of this layout in a payload: an earlier version's is filled up, and a later one's cut.
    pub fn fit<'a>(&self, payload: &'a [u8]) -> Outcome<Cow<'a, [u8]>> {
        if let Some(record) = payload.get(..self.bytes()) {
            return Ok(Cow::Borrowed(record));
        }
        if !self.sizes.contains(&payload.len()) {
            let why = format!("its contract has {}", self.bytes());
            return Err(format!("cannot read a record of {} bytes because {why}", payload.len()).into());
        }
        let mut record = self.defaults.clone();
        record[..payload.len()].copy_from_slice(payload);
        Ok(Cow::Owned(record))
    }

    /// The values of a payload, or an error when it is no record of any version.
    pub fn decode(&self, payload: &[u8]) -> Outcome<Vec<Value>> {
        let record = self.fit(payload)?;
        let value = |Item { name, kind, offset }: &Item| {
            let decoded = kind.decode(&record[*offset..offset + kind.bytes()]);
            decoded.map_err(|error| format!("cannot read `{name}` of a record: {error}").into())
        };
        self.items.iter().map(value).collect()
    }

    /// The payload of these values. Numbers that do not fit are the nearest that do.
    pub fn encode(&self, values: &[Value], into: &mut Vec<u8>) -> Outcome {
        if values.len() != self.items.len() {
            return Err(
                format!("cannot write {} values because the contract has {}", values.len(), self.items.len()).into()
            );
        }
        into.clear();
        into.resize(self.bytes(), 0);
        for (Item { name, kind, offset }, value) in self.items.iter().zip(values) {
            let written = kind.encode(value, &mut into[*offset..offset + kind.bytes()]);
            written.map_err(|error| format!("cannot write `{name}` of a record: {error}"))?;
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
            write_word(&value, line)?;
        }
        Ok(())
    }

    /// The payload of a line that has one word for each field.
    pub fn parse_line(&self, line: &str, into: &mut Vec<u8>) -> Outcome {
        let mut words = Words::of(line);
        let mut values = Vec::with_capacity(self.items.len());
        for Item { name, kind, .. } in &self.items {
            let word = words.next().ok_or_else(|| format!("cannot read `{line}` because `{name}` is missing"))?;
            let value =
                parse_word(*kind, word).ok_or_else(|| format!("cannot read `{line}` because `{name}` is `{word}`"))?;
            values.push(value);
        }
        match words.next() {
            Some(word) => Err(format!("cannot read `{line}` because `{word}` is one value too many").into()),
            None => self.encode(&values, into),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rtt_driver::Field;

    fn field(name: &str, kind: &str, count: u32) -> Field {
        Field { name: name.to_owned(), kind: kind.to_owned(), count, ..Field::default() }
    }

    /// Placed one after the other, each eight bytes up.
    fn endpoint(fields: Vec<Field>) -> Endpoint {
        let mut offset = 0_u32;
        let place = |mut field: Field| {
            let kind = Kind::of(&field).unwrap();
            field.offset = offset;
            let each = if let Kind::Text(_) | Kind::Bytes(_) = kind { 1 } else { field.count };
            offset = (offset + kind.bytes() as u32 * each).next_multiple_of(8);
            field
        };
        let fields: Vec<Field> = fields.into_iter().map(place).collect();
        let layout = rtt_driver::Layout { since: "1.0.0".to_owned(), bytes: offset, hash: "0".repeat(64) };
        Endpoint { fields, layouts: vec![layout], ..Endpoint::opaque("n", rtt_driver::Direction::In) }
    }

    fn layout(fields: Vec<Field>) -> Layout {
        Layout::new(&endpoint(fields)).unwrap()
    }

    fn fields() -> impl Strategy<Value = Vec<Field>> {
        let kinds = ["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f32", "f64", "bool"];
        prop::collection::vec((0..kinds.len(), 1_u32..4), 1..8)
            .prop_map(move |each| each.into_iter().map(|(kind, count)| field("n", kinds[kind], count)).collect())
    }

    proptest! {
        #[test]
        fn a_record_survives_text(fields in fields(), seed in prop::collection::vec(any::<u8>(), 600)) {
            let layout = layout(fields);
            let (mut line, mut bytes, mut again) = (String::new(), Vec::new(), Vec::new());
            let values = layout.decode(&seed[..layout.bytes()]).unwrap();
            prop_assume!(values.iter().all(|value| value.as_f64().is_finite()));
            layout.encode(&values, &mut bytes).unwrap();
            layout.write_line(&bytes, &mut line).unwrap();
            layout.parse_line(&line, &mut again).unwrap();
            prop_assert_eq!(bytes, again);
            prop_assert_eq!(layout.decode(&seed).unwrap(), values, "what a later version sends beyond is left out");
        }

        #[test]
        fn no_line_and_no_payload_panics(fields in fields(), line in "\\PC{0,60}", payload in prop::collection::vec(any::<u8>(), 0..40)) {
            let layout = layout(fields);
            let mut bytes = Vec::new();
            if layout.parse_line(&line, &mut bytes).is_ok() {
                prop_assert_eq!(bytes.len(), layout.bytes());
            }
            prop_assert_eq!(layout.decode(&payload).is_ok(), payload.len() >= layout.bytes());
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_the_nearest_that_do() {
        let layout = layout(vec![field("a", "u8", 1), field("b", "i16", 1)]);
        let mut bytes = Vec::new();
        layout.parse_line("1e9 -99999", &mut bytes).unwrap();
        assert_eq!(layout.decode(&bytes).unwrap(), [Value::Unsigned(255), Value::Signed(-32_768)]);
    }

    #[test]
    fn a_line_with_too_few_or_too_many_values_is_refused() {
        let layout = layout(vec![field("a", "f64", 2)]);
        for line in ["", "1", "1 2 3", "1 x"] {
            assert!(layout.parse_line(line, &mut Vec::new()).is_err(), "{line}");
        }
    }

    /// What is missing in a record of an earlier version has its default; a size that no version has is refused.
    #[test]
    fn an_earlier_record_is_filled_up() {
        let mut endpoint = endpoint(vec![field("a", "u16", 1), field("b", "f64", 1), field("c", "string", 6)]);
        endpoint.fields[1].default = 2.5_f64.to_le_bytes().to_vec();
        endpoint.fields[2].default = b"\x02\0\0\0ok".to_vec();
        endpoint.layouts.insert(0, rtt_driver::Layout { bytes: 8, ..endpoint.layouts[0].clone() });
        let layout = Layout::new(&endpoint).unwrap();
        let values = layout.decode(&[7, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        assert_eq!(values, [Value::Unsigned(7), Value::Float(2.5), Value::Text("ok".to_owned())]);
        let mut line = String::new();
        layout.write_line(&[7, 0, 0, 0, 0, 0, 0, 0], &mut line).unwrap();
        assert_eq!(line, "7 2.5 ok");
        for bytes in [0, 7, 9, 31] {
            assert!(layout.decode(&vec![0; bytes]).is_err(), "{bytes}");
        }
    }
}
