//! What can go wrong between the order to start a driver and its first instruction.
use std::fmt;
use std::io;

/// A refusal with a stable code and a sentence "cannot X because Y is Z".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellError {
    pub code: String,
    pub message: String,
}

pub type Result<T> = std::result::Result<T, CellError>;

impl CellError {
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

impl fmt::Display for CellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.message, self.code)
    }
}

impl std::error::Error for CellError {}

/// Says what was tried when the kernel said no.
pub trait Context<T> {
    fn context(self, code: &str, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, code: &str, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| CellError::new(code, format!("cannot {} because the kernel says: {error}", what())))
    }
}
