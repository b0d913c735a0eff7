//! The C ABI: `rtt_driver.h` in Rust. What may be done with a handle or a pointer is said there; that is the contract that
//! every `SAFETY` below refers to.
use crate::error::{Error, SendError};
use crate::frame::FrameInfo;
use crate::{Driver, Input, Output};
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::fd::IntoRawFd;
use std::time::Duration;

const OK: c_int = 0;
const TIMEOUT: c_int = 1;
const ARGUMENT: c_int = 17;

/// As in the header; `reserved` fills the tail.
#[repr(C)]
pub struct CFrameInfo {
    frame_id: u64,
    stamp_ns: u64,
    age_ns: u64,
    lane: u64,
    bytes: u64,
    route_id: u32,
    reserved: u32,
}

impl From<FrameInfo> for CFrameInfo {
    fn from(info: FrameInfo) -> Self {
        let FrameInfo { frame_id, route_id, stamp_ns, age_ns, lane, bytes } = info;
        Self { frame_id, stamp_ns, age_ns, lane, bytes: bytes as u64, route_id, reserved: 0 }
    }
}

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

fn remember(sentence: &str) {
    // Sentences hold no NUL but what a peer put into one.
    let text = CString::new(sentence.replace('\0', " ")).unwrap_or_default();
    LAST.with(|last| *last.borrow_mut() = text);
}

fn failed(error: &Error) -> c_int {
    remember(&error.to_string());
    match error {
        Error::NotADriver { .. } => 2,
        Error::Protocol { .. } => 3,
        Error::Refused { .. } => 4,
        Error::NoSuchEndpoint { .. } => 5,
        Error::Taken { .. } => 6,
        Error::BufferTooSmall { .. } => 7,
        Error::Stopping => 8,
        Error::Closed => 9,
        Error::Control(_) => 10,
        Error::Lane(_) => 11,
        Error::File { .. } => 12,
    }
}

fn not_sent(error: SendError) -> c_int {
    remember(&error.to_string());
    match error {
        SendError::Stopping => 8,
        SendError::Closed => 9,
        SendError::NotBound => 13,
        SendError::Full => 14,
        SendError::Dropped => 15,
        SendError::TooLarge { .. } => 16,
    }
}

fn bad_argument(what: &str) -> c_int {
    remember(&format!("cannot go on because {what}"));
    ARGUMENT
}

fn waited(outcome: Result<bool, Error>) -> c_int {
    match outcome {
        Ok(true) => OK,
        Ok(false) => TIMEOUT,
        Err(error) => failed(&error),
    }
}

/// # Safety
/// `text` is null or a C string.
unsafe fn text<'a>(text: *const c_char) -> Option<&'a str> {
    if text.is_null() {
        return None;
    }
    // SAFETY: by the header's contract, for the call.
    unsafe { CStr::from_ptr(text) }.to_str().ok()
}

#[unsafe(no_mangle)]
pub extern "C" fn rtt_error() -> *const c_char {
    LAST.with(|last| last.borrow().as_ptr())
}

/// # Safety
/// See `rtt_driver.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_connect(driver: *mut *mut Driver) -> c_int {
    if driver.is_null() {
        return bad_argument("the pointer for the driver is null");
    }
    match Driver::connect() {
        Ok(connected) => {
            // SAFETY: not null, and writable by the header's contract.
            unsafe { driver.write(Box::into_raw(Box::new(connected))) };
            OK
        }
        Err(error) => failed(&error),
    }
}

/// # Safety
/// See `rtt_driver.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_close(driver: *mut Driver) {
    if !driver.is_null() {
        // SAFETY: made by `rtt_connect`, and not used again.
        drop(unsafe { Box::from_raw(driver) });
    }
}

/// # Safety
/// See `rtt_driver.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_stopping(driver: *const Driver) -> c_int {
    // SAFETY: null or a live handle.
    unsafe { driver.as_ref() }.map_or(1, |driver| c_int::from(driver.stopping()))
}

/// # Safety
/// See `rtt_driver.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_wait_stopping(driver: *const Driver, timeout_ns: u64) -> c_int {
    // SAFETY: null or a live handle.
    let Some(driver) = (unsafe { driver.as_ref() }) else { return bad_argument("the driver is null") };
    if driver.wait_stopping(Duration::from_nanos(timeout_ns)) { OK } else { TIMEOUT }
}

/// # Safety
/// See `rtt_driver.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_fail(driver: *const Driver, code: *const c_char, message: *const c_char) -> c_int {
    // SAFETY: null or a live handle, and C strings.
    let (driver, code, message) = unsafe { (driver.as_ref(), text(code), text(message)) };
    let (Some(driver), Some(code), Some(message)) = (driver, code, message) else {
        return bad_argument("the driver, the code or the message is no text");
    };
    driver.fail(code, message).map_or_else(|error| failed(&error), |()| OK)
}

/// # Safety
/// See `rtt_driver.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_open_file(driver: *const Driver, path: *const c_char, descriptor: *mut c_int) -> c_int {
    // SAFETY: null or a live handle, a C string and a writable place.
    let (driver, path, descriptor) = unsafe { (driver.as_ref(), text(path), descriptor.as_mut()) };
    let (Some(driver), Some(path), Some(descriptor)) = (driver, path, descriptor) else {
        return bad_argument("the driver, the path or the place for the descriptor is null");
    };
    match driver.open_file(path) {
        Ok(file) => {
            *descriptor = file.into_raw_fd();
            OK
        }
        Err(error) => failed(&error),
    }
}

/// # Safety
/// See `rtt_driver.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_open_output(
    driver: *const Driver,
    name: *const c_char,
    output: *mut *mut Output,
) -> c_int {
    // SAFETY: null or a live handle, a C string and a writable place.
    let (driver, name, output) = unsafe { (driver.as_ref(), text(name), output.as_mut()) };
    let (Some(driver), Some(name), Some(output)) = (driver, name, output) else {
        return bad_argument("the driver, the name or the place for the output is null");
    };
    match driver.output(name) {
        Ok(opened) => {
            *output = Box::into_raw(Box::new(opened));
            OK
        }
        Err(error) => failed(&error),
    }
}

/// # Safety
/// See `rtt_driver.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_free_output(output: *mut Output) {
    if !output.is_null() {
        // SAFETY: made by `rtt_open_output`, and not used again.
        drop(unsafe { Box::from_raw(output) });
    }
}

/// # Safety
/// See `rtt_driver.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_send(
    output: *mut Output,
    payload: *const c_void,
    bytes: usize,
    frame_id: *mut u64,
) -> c_int {
    // SAFETY: handed on.
    unsafe { send(output, payload, bytes, frame_id, Output::send) }
}

/// # Safety
/// See `rtt_driver.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_try_send(
    output: *mut Output,
    payload: *const c_void,
    bytes: usize,
    frame_id: *mut u64,
) -> c_int {
    // SAFETY: handed on.
    unsafe { send(output, payload, bytes, frame_id, Output::try_send) }
}

/// # Safety
/// As `rtt_send` in `rtt_driver.h`.
unsafe fn send(
    output: *mut Output,
    payload: *const c_void,
    bytes: usize,
    frame_id: *mut u64,
    by: impl Fn(&mut Output, &[u8]) -> Result<crate::Sent, SendError>,
) -> c_int {
    // SAFETY: null or a live handle that no other thread uses.
    let Some(output) = (unsafe { output.as_mut() }) else { return bad_argument("the output is null") };
    if payload.is_null() && bytes > 0 {
        return bad_argument("the payload is null");
    }
    let payload = if bytes == 0 {
        &[]
    } else {
        // SAFETY: `bytes` readable bytes, for the call.
        unsafe { std::slice::from_raw_parts(payload.cast::<u8>(), bytes) }
    };
    match by(output, payload) {
        Ok(sent) => {
            // SAFETY: null or a writable place.
            if let Some(frame_id) = unsafe { frame_id.as_mut() } {
                *frame_id = sent.frame_id;
            }
            OK
        }
        Err(error) => not_sent(error),
    }
}

/// # Safety
/// See `rtt_driver.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_wait_output_bound(output: *mut Output, timeout_ns: u64) -> c_int {
    // SAFETY: null or a live handle that no other thread uses.
    let Some(output) = (unsafe { output.as_mut() }) else { return bad_argument("the output is null") };
    waited(output.wait_bound(Duration::from_nanos(timeout_ns)))
}

/// # Safety
/// See `rtt_driver.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_open_input(driver: *const Driver, name: *const c_char, input: *mut *mut Input) -> c_int {
    // SAFETY: null or a live handle, a C string and a writable place.
    let (driver, name, input) = unsafe { (driver.as_ref(), text(name), input.as_mut()) };
    let (Some(driver), Some(name), Some(input)) = (driver, name, input) else {
        return bad_argument("the driver, the name or the place for the input is null");
    };
    match driver.input(name) {
        Ok(opened) => {
            *input = Box::into_raw(Box::new(opened));
            OK
        }
        Err(error) => failed(&error),
    }
}

/// # Safety
/// See `rtt_driver.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_free_input(input: *mut Input) {
    if !input.is_null() {
        // SAFETY: made by `rtt_open_input`, and not used again.
        drop(unsafe { Box::from_raw(input) });
    }
}

/// # Safety
/// See `rtt_driver.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_receive(
    input: *mut Input,
    buffer: *mut c_void,
    capacity: usize,
    info: *mut CFrameInfo,
    timeout_ns: u64,
) -> c_int {
    // SAFETY: null or a live handle that no other thread uses; null or a writable place.
    let (input, info) = unsafe { (input.as_mut(), info.as_mut()) };
    let Some(input) = input else { return bad_argument("the input is null") };
    if buffer.is_null() && capacity > 0 {
        return bad_argument("the buffer is null");
    }
    let buffer = if capacity == 0 {
        &mut []
    } else {
        // SAFETY: `capacity` writable bytes that nobody else uses, for the call.
        unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), capacity) }
    };
    let outcome = input.receive_into(buffer, Duration::from_nanos(timeout_ns));
    match (outcome, info) {
        (Ok(None), _) => TIMEOUT,
        (Ok(Some(_)), None) => OK,
        (Ok(Some(frame)), Some(info)) => {
            *info = frame.into();
            OK
        }
        (Err(error), info) => {
            if let (Error::BufferTooSmall { needed }, Some(info)) = (&error, info) {
                info.bytes = *needed as u64;
            }
            failed(&error)
        }
    }
}

/// # Safety
/// See `rtt_driver.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_done(input: *mut Input) {
    // SAFETY: null or a live handle that no other thread uses.
    if let Some(input) = unsafe { input.as_mut() } {
        input.done();
    }
}

/// # Safety
/// See `rtt_driver.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_wait_input_bound(input: *mut Input, timeout_ns: u64) -> c_int {
    // SAFETY: null or a live handle that no other thread uses.
    let Some(input) = (unsafe { input.as_mut() }) else { return bad_argument("the input is null") };
    waited(input.wait_bound(Duration::from_nanos(timeout_ns)))
}

#[unsafe(no_mangle)]
pub extern "C" fn rtt_monotonic_ns() -> u64 {
    rtt_lane::clock::now()
}
