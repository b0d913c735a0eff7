//! What can go wrong, and how JavaScript hears of it: a call answers -1, and the words are asked for afterwards.
use rtt_control::ControlError;
use rtt_lane::LaneError;
use rustix::io::Errno;
use std::cell::RefCell;
use std::fmt;

/// A refusal with a stable code and a sentence "cannot X because Y is Z".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanelError {
    pub code: &'static str,
    pub message: String,
}

pub type Result<T> = std::result::Result<T, PanelError>;

impl PanelError {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The system refused.
    pub fn system(what: &str, error: impl fmt::Display) -> Self {
        Self::new("native.system", format!("cannot {what} because the system says: {error}"))
    }

    /// JavaScript and this library disagree: only a bug does that.
    pub fn bug(why: &str) -> Self {
        Self::new("native.bug", format!("cannot do it because {why}"))
    }

    pub fn disk(what: &str, error: Errno) -> Self {
        let code = match error {
            Errno::NOSPC | Errno::DQUOT => "native.noSpace",
            _ => "native.disk",
        };
        Self::new(code, format!("cannot {what} because the system says: {error}"))
    }
}

impl fmt::Display for PanelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.message, self.code)
    }
}

impl std::error::Error for PanelError {}

impl From<ControlError> for PanelError {
    fn from(error: ControlError) -> Self {
        Self { code: error.code, message: error.message }
    }
}

impl From<LaneError> for PanelError {
    fn from(error: LaneError) -> Self {
        Self { code: error.code, message: error.message }
    }
}

thread_local! {
    static LAST: RefCell<Option<PanelError>> = const { RefCell::new(None) };
}

/// Keeps the error of this thread's last failed call for `rtt_last_error`.
pub fn keep(error: PanelError) {
    LAST.with(|last| *last.borrow_mut() = Some(error));
}

/// Code and message on two lines.
pub fn last() -> String {
    LAST.with(|last| {
        last.borrow().as_ref().map_or_else(String::new, |error| format!("{}\n{}", error.code, error.message))
    })
}
