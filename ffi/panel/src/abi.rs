//! The C ABI. Pointers are checked for null, lengths are the caller's word; nothing is kept after a call returns.
use crate::error::{BUSY, FAILED, answer, failed, last};
use crate::link::Link;
use crate::telemetry::{ANSWER_WORDS, QUESTION_WORDS};
use crate::{keeper, lock, peers, telemetry};
use std::sync::Arc;

/// Version of this table of functions; `ffi/symbols.ts` has the same number.
const ABI: i64 = 1;

#[unsafe(no_mangle)]
pub extern "C" fn rtt_panel_abi() -> i64 {
    ABI
}

/// CLOCK_MONOTONIC, nanoseconds.
#[unsafe(no_mangle)]
pub extern "C" fn rtt_monotonic_ns() -> i64 {
    rtt_lane::clock::now().cast_signed()
}

/// Copies the last error's sentence of this thread; answers its length in bytes.
///
/// # Safety
/// `into` points to `capacity` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_last_error(into: *mut u8, capacity: usize) -> i64 {
    let sentence = last();
    // SAFETY: as the caller promises.
    let Some(into) = (unsafe { writable(into, capacity) }) else { return FAILED };
    let length = sentence.len().min(into.len());
    into[..length].copy_from_slice(&sentence.as_bytes()[..length]);
    length as i64
}

/// Takes an exclusive lock that this process keeps until it ends: its descriptor, -2 when somebody else has it.
///
/// # Safety
/// `path` points to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_lock(path: *const u8, length: usize) -> i64 {
    // SAFETY: as the caller promises.
    match unsafe { text(path, length) }.and_then(lock::take) {
        Ok(Some(descriptor)) => descriptor,
        Ok(None) => BUSY,
        Err(error) => failed(error),
    }
}

/// Starts a keeper: `words` are its options and last the file for its output, divided by zero bytes. Answers its pid.
///
/// # Safety
/// Each pointer points to as many readable bytes as its length says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_keeper_spawn(
    program: *const u8,
    program_length: usize,
    drivers: *const u8,
    drivers_length: usize,
    words: *const u8,
    words_length: usize,
) -> i64 {
    // SAFETY: as the caller promises.
    let given =
        unsafe { (readable(program, program_length), readable(drivers, drivers_length), text(words, words_length)) };
    let (Some(program), Some(drivers), Ok(words)) = given else {
        return failed("cannot start the keeper without its bytes");
    };
    let words: Vec<&str> = words.split('\0').collect();
    let Some((log, words)) = words.split_last() else { return failed("cannot start the keeper without a log") };
    answer(keeper::spawn(program, drivers, words, log))
}

/// The wait status of a keeper that this process started, -2 while it runs.
#[unsafe(no_mangle)]
pub extern "C" fn rtt_keeper_reap(pid: i64) -> i64 {
    match keeper::reap(pid) {
        Ok(Some(status)) => status,
        Ok(None) => BUSY,
        Err(error) => failed(error),
    }
}

/// Connects to a keeper's socket. The link is to be closed with `rtt_link_close`; null on failure.
///
/// # Safety
/// `path` points to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_link_open(path: *const u8, length: usize) -> *const Link {
    // SAFETY: as the caller promises.
    match unsafe { text(path, length) }.and_then(Link::open) {
        Ok(link) => Arc::into_raw(link),
        Err(error) => {
            failed(error);
            std::ptr::null()
        }
    }
}

/// Sends one packet.
///
/// # Safety
/// `link` is open, and `bytes` points to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_link_send(link: *const Link, bytes: *const u8, length: usize) -> i64 {
    // SAFETY: as the caller promises.
    let (link, bytes) = unsafe { (open(link), readable(bytes, length)) };
    let (Some(link), Some(bytes)) = (link, bytes) else { return failed("cannot send without a link or bytes") };
    answer(link.send(bytes).map(|()| 0))
}

/// Waits for a packet and answers its length, 0 when the link is closed. Called off the caller's thread: it takes no buffer.
///
/// # Safety
/// `link` is open, and stays so until this returns (`rtt_link_shut` makes it return).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_link_wait(link: *const Link) -> i64 {
    // SAFETY: as the caller promises.
    unsafe { open(link) }.map_or(0, |link| link.pump().wait() as i64)
}

/// Copies the packet that `rtt_link_wait` announced; answers its length.
///
/// # Safety
/// `link` is open, and `into` points to `capacity` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_link_take(link: *const Link, into: *mut u8, capacity: usize) -> i64 {
    // SAFETY: as the caller promises.
    let (link, into) = unsafe { (open(link), writable(into, capacity)) };
    let taken = link.zip(into).and_then(|(link, into)| link.pump().take(into));
    taken.map_or_else(|| failed("cannot take a packet because none that fits is there"), |length| length as i64)
}

/// The reply to `request` brings descriptors of these regions: pairs of number and size.
///
/// # Safety
/// `link` is open, and `pairs` points to `2 * count` readable words.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_link_expect(link: *const Link, request: u64, pairs: *const u64, count: usize) -> i64 {
    // SAFETY: as the caller promises.
    let (link, pairs) = unsafe { (open(link), readable(pairs, 2 * count)) };
    let (Some(link), Some(pairs)) = (link, pairs) else { return failed("cannot expect regions without a link") };
    link.expect(request, pairs.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect());
    0
}

/// Unmaps a region.
///
/// # Safety
/// `link` is open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_link_forget(link: *const Link, region: u64) -> i64 {
    // SAFETY: as the caller promises.
    match unsafe { open(link) } {
        Some(link) => {
            link.forget(region);
            0
        }
        None => failed("cannot forget a region without a link"),
    }
}

/// Reads the figures of `count` lanes: `QUESTION_WORDS` words in, `rtt_figures_words()` words out for each.
///
/// # Safety
/// `link` is open; `questions` and `answers` point to as many words as that makes, the latter writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_figures(link: *const Link, questions: *const u64, count: usize, answers: *mut u64) -> i64 {
    // SAFETY: as the caller promises.
    let given =
        unsafe { (open(link), readable(questions, count * QUESTION_WORDS), writable(answers, count * ANSWER_WORDS)) };
    let (Some(link), Some(questions), Some(answers)) = given else {
        return failed("cannot read figures without a link");
    };
    let now = rtt_lane::clock::now();
    let (questions, _) = questions.as_chunks::<QUESTION_WORDS>();
    for (question, into) in questions.iter().zip(answers.chunks_exact_mut(ANSWER_WORDS)) {
        telemetry::answer(link, question, now, into);
    }
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn rtt_figures_words() -> i64 {
    ANSWER_WORDS as i64
}

/// Shuts the connection: a waiting call returns 0 from now on. The link is still to be closed.
///
/// # Safety
/// `link` is open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_link_shut(link: *const Link) -> i64 {
    // SAFETY: as the caller promises.
    if let Some(link) = unsafe { open(link) } {
        link.close();
    }
    0
}

/// Frees the link. No call with it may be under way.
///
/// # Safety
/// `link` came from `rtt_link_open` and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_link_close(link: *const Link) -> i64 {
    if !link.is_null() {
        // SAFETY: it came from `Arc::into_raw` in `rtt_link_open`, and this is its one owner.
        let link = unsafe { Arc::from_raw(link) };
        link.close();
    }
    0
}

/// How many strangers were connected to the socket bound to this path; they are no longer.
///
/// # Safety
/// `path` points to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_peers_evict(path: *const u8, length: usize) -> i64 {
    // SAFETY: as the caller promises.
    answer(unsafe { text(path, length) }.and_then(peers::evict))
}

/// # Safety
/// `pointer` is null or points to `length` readable values that nobody changes during the call.
unsafe fn readable<'call, T>(pointer: *const T, length: usize) -> Option<&'call [T]> {
    if pointer.is_null() || length == 0 {
        return (length == 0).then_some(&[]);
    }
    // SAFETY: as the caller promises.
    Some(unsafe { std::slice::from_raw_parts(pointer, length) })
}

/// # Safety
/// `pointer` is null or points to `length` writable values that nobody else uses during the call.
unsafe fn writable<'call, T>(pointer: *mut T, length: usize) -> Option<&'call mut [T]> {
    if pointer.is_null() || length == 0 {
        return (length == 0).then_some(&mut []);
    }
    // SAFETY: as the caller promises.
    Some(unsafe { std::slice::from_raw_parts_mut(pointer, length) })
}

/// # Safety
/// As `readable`.
unsafe fn text<'call>(pointer: *const u8, length: usize) -> Result<&'call str, String> {
    // SAFETY: as the caller promises.
    let bytes = unsafe { readable(pointer, length) }.ok_or("cannot read a text that is not there")?;
    std::str::from_utf8(bytes).map_err(|_| "cannot read a text that is not UTF-8".to_owned())
}

/// # Safety
/// `link` is null or came from `rtt_link_open` and is not closed.
unsafe fn open<'call>(link: *const Link) -> Option<&'call Link> {
    // SAFETY: as the caller promises.
    unsafe { link.as_ref() }
}
