//! What JavaScript passes: addresses with lengths, looked at once, within the call that got them.
use crate::error::{PanelError, Result, keep};
use crate::limits::TEXT;
use std::slice;

/// The bytes at an address that JavaScript passed to a synchronous call.
///
/// # Safety
/// `at` is null, or points to `length` readable bytes that nobody writes while the call lasts.
pub unsafe fn bytes<'a>(at: *const u8, length: usize) -> Result<&'a [u8]> {
    if length == 0 {
        return Ok(&[]);
    }
    if at.is_null() || isize::try_from(length).is_err() {
        return Err(PanelError::bug("an address is null"));
    }
    // SAFETY: by the caller's promise.
    Ok(unsafe { slice::from_raw_parts(at, length) })
}

/// Like `bytes`, to be written.
///
/// # Safety
/// `at` is null, or points to `length` elements that only this call touches while it lasts, and is aligned for them.
pub unsafe fn room<'a, T>(at: *mut T, length: usize) -> Result<&'a mut [T]> {
    if length == 0 {
        return Ok(&mut []);
    }
    if at.is_null() || !at.is_aligned() || isize::try_from(length.saturating_mul(size_of::<T>())).is_err() {
        return Err(PanelError::bug("an address is null or not aligned"));
    }
    // SAFETY: by the caller's promise.
    Ok(unsafe { slice::from_raw_parts_mut(at, length) })
}

/// A text without NUL.
///
/// # Safety
/// As of `bytes`.
pub unsafe fn text<'a>(at: *const u8, length: usize) -> Result<&'a str> {
    // SAFETY: by the caller's promise.
    let bytes = unsafe { bytes(at, length) }?;
    let text = std::str::from_utf8(bytes).map_err(|_| PanelError::bug("a text is not UTF-8"))?;
    if text.len() > TEXT || text.contains('\0') {
        return Err(PanelError::new("native.text", "cannot use a text because it is too long or holds a NUL"));
    }
    Ok(text)
}

/// The answer of a call: the value, or -1 with the words kept.
pub fn answer<T: From<i8>>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| {
        keep(error);
        T::from(-1)
    })
}

/// The answer of a call that has no value: 0, or -1 with the words kept.
pub fn done(result: Result<()>) -> i32 {
    answer(result.map(|()| 0))
}

/// Copies as much of a text as there is room for; answers the bytes copied.
pub fn copy_text(text: &str, into: &mut [u8]) -> i32 {
    let count = text.len().min(into.len());
    into[..count].copy_from_slice(&text.as_bytes()[..count]);
    i32::try_from(count).unwrap_or(i32::MAX)
}
