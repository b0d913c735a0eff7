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
        self.map_err(|error| {
            CellError::new(code, format!("cannot {} because the kernel says: {error}{}", what(), remedy(code)))
        })
    }
}

/// What helps, where one can do something about it.
fn remedy(code: &str) -> &'static str {
    match code {
        "cell.file" => "; correct the path in the driver's `files`, or let the panel's user reach it",
        "cell.device" => {
            "; let the panel make device nodes (CAP_MKNOD, and the device in its control group), or leave it out"
        }
        "cell.program" => "; correct the driver's `run`, or install the program",
        "cell.limits" => "; ask for less, or raise the panel's own limits (`ulimit -H -a`)",
        "cell.cpus" => "; give the panel these cores (`taskset -p`), or plan again on the cores that it has",
        "cell.userns" | "cell.identity" | "cell.mount" => {
            "; allow user namespaces and mounts in them (user.max_user_namespaces, \
             kernel.apparmor_restrict_unprivileged_userns, a container's profile), or run as root"
        }
        "cell.landlock" => "; boot with lsm=landlock,… or waive it",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_can_do_is_said() {
        let failed = |code| Err::<(), _>(io::Error::from_raw_os_error(libc::EPERM)).context(code, || "do it".into());
        for code in
            ["cell.file", "cell.device", "cell.program", "cell.limits", "cell.cpus", "cell.mount", "cell.landlock"]
        {
            let message = failed(code).unwrap_err().message;
            assert!(
                message.starts_with("cannot do it because the kernel says: ") && message.contains("; "),
                "{message}"
            );
        }
    }
}
