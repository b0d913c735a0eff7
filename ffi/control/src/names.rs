//! The grammar of `core/model/names.ts`, checked on everything that arrives.
use crate::error::{ControlError, Result};

const NAME_BYTES: usize = 63;
const CONTRACT_NAMES: usize = 8;
const INSTANCE_DIGITS: usize = 15;

/// A driver, endpoint or route: a letter, then letters, digits, `_` and `-`; at most 63 bytes.
pub fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    matches!(bytes.first(), Some(first) if first.is_ascii_alphabetic())
        && bytes.len() <= NAME_BYTES
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'-')
}

/// One run of a driver: `imu.3`; numbers start at 1 and have no leading zero.
pub fn is_instance(text: &str) -> bool {
    split_instance(text).is_some()
}

/// The driver and the number of an instance.
pub fn split_instance(text: &str) -> Option<(&str, u64)> {
    let (driver, number) = text.split_once('.')?;
    let digits = number.as_bytes();
    let counted = !digits.is_empty()
        && digits.len() <= INSTANCE_DIGITS
        && digits[0] != b'0'
        && digits.iter().all(u8::is_ascii_digit);
    if is_name(driver) && counted { number.parse().ok().map(|number| (driver, number)) } else { None }
}

/// A contract: up to eight names joined by dots.
pub fn is_contract(text: &str) -> bool {
    text.split('.').count() <= CONTRACT_NAMES && text.split('.').all(is_name)
}

/// Lower-case hexadecimal of 32 bytes.
pub fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

pub(crate) fn name(what: &str, text: &str) -> Result<String> {
    if is_name(text) { Ok(text.to_owned()) } else { Err(not(what, "a name", text)) }
}

pub(crate) fn instance(what: &str, text: &str) -> Result<String> {
    if is_instance(text) { Ok(text.to_owned()) } else { Err(not(what, "an instance", text)) }
}

pub(crate) fn contract(what: &str, text: &str) -> Result<String> {
    if is_contract(text) { Ok(text.to_owned()) } else { Err(not(what, "a contract", text)) }
}

/// One endpoint of one run of a driver: `imu.3/sample`.
pub(crate) fn saddr(what: &str, text: &str) -> Result<String> {
    let fits = text.split_once('/').is_some_and(|(instance, endpoint)| is_instance(instance) && is_name(endpoint));
    if fits { Ok(text.to_owned()) } else { Err(not(what, "an address", text)) }
}

pub(crate) fn hash(what: &str, text: &str) -> Result<String> {
    if is_hash(text) { Ok(text.to_owned()) } else { Err(not(what, "a hash", text)) }
}

fn not(what: &str, noun: &str, text: &str) -> ControlError {
    // Quoted and cut: what arrived is not shown raw.
    let shown: String = text.chars().take(80).collect();
    ControlError::malformed(what, format_args!("not {noun}: {shown:?}"))
}
