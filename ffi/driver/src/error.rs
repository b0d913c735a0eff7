//! What can go wrong in a driver: one type for the calls that manage, one for `send`.
use rtt_control::ControlError;
use rtt_lane::LaneError;
use std::fmt;

/// Every variant has a stable `code`; its text is a sentence "cannot X because Y is Z".
#[derive(Debug)]
pub enum Error {
    /// The program was not started by a keeper.
    NotADriver {
        why: String,
    },
    /// The other side speaks another protocol, or breaks it.
    Protocol {
        why: String,
    },
    /// The panel does not let this instance open one of its endpoints.
    Refused {
        endpoint: String,
        reason: String,
    },
    NoSuchEndpoint {
        name: String,
        direction: &'static str,
    },
    /// An endpoint has one owner at a time.
    Taken {
        name: String,
    },
    /// The frame stays where it is.
    BufferTooSmall {
        needed: usize,
    },
    /// The keeper asked the driver to end.
    Stopping,
    /// The keeper is gone, or the driver was closed.
    Closed,
    Control(ControlError),
    Lane(LaneError),
    File {
        path: String,
        error: std::io::Error,
    },
}

impl Error {
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotADriver { .. } => "driver.notStarted",
            Self::Protocol { .. } => "driver.protocol",
            Self::Refused { .. } => "driver.refused",
            Self::NoSuchEndpoint { .. } => "driver.noSuchEndpoint",
            Self::Taken { .. } => "driver.taken",
            Self::BufferTooSmall { .. } => "driver.bufferTooSmall",
            Self::Stopping => "driver.stopping",
            Self::Closed => "driver.closed",
            Self::Control(error) => error.code,
            Self::Lane(error) => error.code,
            Self::File { .. } => "driver.file",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADriver { why } => write!(
                f,
                "cannot connect because {why}; this program is a driver: declare it in panel.cue, then `rtt plan` and `rtt apply` start it"
            ),
            Self::Protocol { why } => write!(f, "cannot go on because the keeper {why}"),
            Self::Refused { endpoint, reason } => {
                write!(f, "cannot open {endpoint} because the panel refuses: {reason}")
            }
            Self::NoSuchEndpoint { name, direction } => {
                write!(f, "cannot use {name} because the manifest names no {direction} of that name")
            }
            Self::Taken { name } => write!(f, "cannot use {name} because it has an owner already"),
            Self::BufferTooSmall { needed } => write!(f, "cannot receive because the frame is {needed} bytes long"),
            Self::Stopping => write!(f, "cannot go on because the driver is asked to stop"),
            Self::Closed => write!(f, "cannot go on because the connection to the keeper is closed"),
            Self::Control(error) => error.fmt(f),
            Self::Lane(error) => error.fmt(f),
            Self::File { path, error } => write!(f, "cannot open {path} because {error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<ControlError> for Error {
    fn from(error: ControlError) -> Self {
        if error.is_closed() { Self::Closed } else { Self::Control(error) }
    }
}

impl From<LaneError> for Error {
    fn from(error: LaneError) -> Self {
        Self::Lane(error)
    }
}

/// Why a frame was not sent. What the route's policy drops is counted on the lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The output has no lane: not wired yet, or cut. `Output::wait_bound` waits for one.
    NotBound,
    /// The ring (or the declared rate) leaves no room: at once under `fail` and for `try_send`, after `block` under `block`.
    Full,
    /// The same under `dropNewest`: the frame is dropped and counted.
    Dropped,
    TooLarge {
        most: usize,
    },
    /// The driver is asked to stop, and there is no room.
    Stopping,
    Closed,
}

impl SendError {
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotBound => "send.notBound",
            Self::Full => "send.full",
            Self::Dropped => "send.dropped",
            Self::TooLarge { .. } => "send.tooLarge",
            Self::Stopping => "send.stopping",
            Self::Closed => "send.closed",
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self {
            Self::NotBound => "the output has no lane",
            Self::Full => "the lane is full",
            Self::Dropped => "the lane is full and its policy drops the newest",
            Self::TooLarge { most } => return write!(f, "cannot send because the frame is larger than {most} bytes"),
            Self::Stopping => "the driver is asked to stop",
            Self::Closed => "the connection to the keeper is closed",
        };
        write!(f, "cannot send because {why}")
    }
}

impl std::error::Error for SendError {}
