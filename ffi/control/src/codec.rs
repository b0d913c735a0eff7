//! Bytes of a packet ↔ message, and the small helpers that every structure's `read` uses.
use crate::error::{ControlError, Result};
use crate::limits::{LIST, NESTING, PACKET_BYTES, SENTENCE_BYTES, TEXT_BYTES, TRAVERSAL_WORDS};
use capnp::message::{Builder, HeapAllocator, Reader, ReaderOptions};
use capnp::serialize::{self, OwnedSegments};
use capnp::text;

/// Parses the stream framing of one packet; the segments are copied, so the packet's buffer may be unaligned.
pub fn decode(mut bytes: &[u8]) -> Result<Reader<OwnedSegments>> {
    if bytes.len() > PACKET_BYTES {
        return Err(ControlError::malformed("its size", format_args!("above {PACKET_BYTES} bytes")));
    }
    let mut options = ReaderOptions::new();
    options.traversal_limit_in_words(Some(TRAVERSAL_WORDS)).nesting_limit(NESTING);
    let message = serialize::read_message(&mut bytes, options)?;
    if bytes.is_empty() { Ok(message) } else { Err(ControlError::malformed("its end", "followed by more bytes")) }
}

/// The bytes of a packet; refused when they are more than a packet holds.
pub fn encode(message: &Builder<HeapAllocator>) -> Result<Vec<u8>> {
    let bytes = serialize::write_message_to_words(message);
    if bytes.len() <= PACKET_BYTES {
        Ok(bytes)
    } else {
        Err(ControlError::new(
            "control.tooLarge",
            format!(
                "cannot encode a message because its {} bytes are above {PACKET_BYTES}; send it in parts",
                bytes.len()
            ),
        ))
    }
}

pub(crate) fn text<'a>(what: &str, reader: text::Reader<'a>) -> Result<&'a str> {
    text_up_to(what, reader, TEXT_BYTES)
}

pub(crate) fn sentence(what: &str, reader: text::Reader<'_>) -> Result<String> {
    text_up_to(what, reader, SENTENCE_BYTES).map(str::to_owned)
}

fn text_up_to<'a>(what: &str, reader: text::Reader<'a>, most: usize) -> Result<&'a str> {
    let text = reader.to_str().map_err(|_| ControlError::malformed(what, "not UTF-8"))?;
    if text.len() > most {
        return Err(ControlError::malformed(what, format_args!("{} bytes long (at most {most})", text.len())));
    }
    if text.contains('\0') {
        return Err(ControlError::malformed(what, "holding a NUL"));
    }
    Ok(text)
}

/// A sentence for the wire: cut at a character so that it always fits.
pub(crate) fn cut(sentence: &str) -> &str {
    let mut end = sentence.len().min(SENTENCE_BYTES);
    while !sentence.is_char_boundary(end) {
        end -= 1;
    }
    &sentence[..end]
}

pub(crate) fn bounded(what: &str, length: u32) -> Result<u32> {
    if length <= LIST {
        Ok(length)
    } else {
        Err(ControlError::malformed(what, format_args!("a list of {length} (at most {LIST})")))
    }
}

/// Lengths written to the wire; the sender's own lists are bounded by its limits, so a longer one is a bug.
pub(crate) fn length(of: usize) -> u32 {
    u32::try_from(of).expect("bug: a list of a message is longer than u32")
}

/// Reads a struct list into owned values.
macro_rules! read_list {
    ($what:expr, $list:expr, $read:expr) => {{
        let list = $list;
        $crate::codec::bounded($what, list.len())?;
        list.iter().map($read).collect::<$crate::error::Result<Vec<_>>>()?
    }};
}

/// Writes owned values into a struct list.
macro_rules! write_list {
    ($builder:ident.$init:ident, $values:expr) => {{
        let values = $values;
        let mut list = $builder.reborrow().$init($crate::codec::length(values.len()));
        for (index, value) in values.iter().enumerate() {
            value.write(list.reborrow().get($crate::codec::length(index)));
        }
    }};
}

/// Writes texts into a text list.
macro_rules! write_texts {
    ($builder:ident.$init:ident, $values:expr) => {{
        let values = $values;
        let mut list = $builder.reborrow().$init($crate::codec::length(values.len()));
        for (index, value) in values.iter().enumerate() {
            list.set($crate::codec::length(index), value.as_str());
        }
    }};
}

pub(crate) use {read_list, write_list, write_texts};

pub(crate) fn read_texts(what: &str, list: capnp::text_list::Reader<'_>) -> Result<Vec<String>> {
    bounded(what, list.len())?;
    list.iter().map(|each| Ok(text(what, each?)?.to_owned())).collect()
}
