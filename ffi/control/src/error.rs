//! What can be wrong with a message or a packet.
use std::fmt;

/// A refusal with a stable code and a sentence "cannot X because Y is Z".
#[derive(Debug)]
pub struct ControlError {
    pub code: &'static str,
    pub message: String,
}

pub type Result<T> = std::result::Result<T, ControlError>;

impl ControlError {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The bytes are no message of this protocol, or one of its values is out of its range.
    pub fn malformed(what: &str, why: impl fmt::Display) -> Self {
        Self::new("control.malformed", format!("cannot read the message because {what} is {why}"))
    }

    /// The peer has gone: there will be no further packet.
    pub fn is_closed(&self) -> bool {
        self.code == "control.closed"
    }

    /// A non-blocking call found nothing to do.
    pub fn would_block(&self) -> bool {
        self.code == "control.wouldBlock"
    }
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.message, self.code)
    }
}

impl std::error::Error for ControlError {}

impl From<capnp::Error> for ControlError {
    fn from(error: capnp::Error) -> Self {
        Self::malformed("its encoding", format_args!("broken: {error}"))
    }
}

impl From<capnp::NotInSchema> for ControlError {
    fn from(error: capnp::NotInSchema) -> Self {
        Self::malformed("a value", format_args!("of a newer protocol: {error}"))
    }
}
