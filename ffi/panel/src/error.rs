//! The last error of each thread, as a sentence for people.
use std::cell::RefCell;
use std::fmt::Display;

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What every failing function answers.
pub const FAILED: i64 = -1;
/// Somebody else has it.
pub const BUSY: i64 = -2;

/// Keeps the sentence and answers `FAILED`.
pub fn failed(why: impl Display) -> i64 {
    LAST.with_borrow_mut(|last| *last = why.to_string());
    FAILED
}

/// The number, or the error kept.
pub fn answer(result: Result<i64, String>) -> i64 {
    result.unwrap_or_else(failed)
}

pub fn last() -> String {
    LAST.with_borrow(Clone::clone)
}
