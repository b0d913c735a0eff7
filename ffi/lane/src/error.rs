//! What can be wrong with a lane before it is used; what happens on it are values of `producer` and `consumer`.
use std::fmt;

/// A refusal with a stable code and a sentence "cannot X because Y is Z".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneError {
    pub code: &'static str,
    pub message: String,
}

impl LaneError {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl fmt::Display for LaneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.message, self.code)
    }
}

impl std::error::Error for LaneError {}
