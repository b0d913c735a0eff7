//! What the keeper answers when it does not do what it was asked.
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: String,
    /// "cannot X because Y is Z", with the remedy.
    pub message: String,
}

pub type Result<T> = std::result::Result<T, Refusal>;

impl Refusal {
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }

    pub fn system(what: &str, error: impl fmt::Display) -> Self {
        Self::new("keeper.system", format!("cannot {what} because the kernel says: {error}"))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.message, self.code)
    }
}

impl From<rtt_cell::CellError> for Refusal {
    fn from(error: rtt_cell::CellError) -> Self {
        Self { code: error.code, message: error.message }
    }
}

impl From<rtt_control::ControlError> for Refusal {
    fn from(error: rtt_control::ControlError) -> Self {
        Self { code: error.code.to_owned(), message: error.message }
    }
}
