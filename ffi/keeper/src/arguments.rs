//! The keeper's command line.
use crate::error::{Refusal, Result};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

/// `rtt-keeper --run DIR [--store DIR] [--logs DIR] [--project DIR] --drivers-fd N [--ready-fd N]`
#[derive(Debug)]
pub struct Arguments {
    /// Lock, socket and the folder that roots are built on.
    pub run: PathBuf,
    /// Objects by their SHA-256.
    pub store: PathBuf,
    pub logs: PathBuf,
    /// What relative paths of manifests are relative to.
    pub project: PathBuf,
    /// The program of the built-in drivers, read-only.
    pub drivers: OwnedFd,
    /// Closed once the socket is there.
    pub ready: Option<OwnedFd>,
}

pub fn parse(words: impl Iterator<Item = String>) -> Result<Arguments> {
    let (mut run, mut store, mut logs, mut project) = (None, None, None, None);
    let (mut drivers, mut ready) = (None, None);
    let mut words = words;
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| usage(&format!("{word} has no value")))?;
        match word.as_str() {
            "--run" => run = Some(PathBuf::from(value)),
            "--store" => store = Some(PathBuf::from(value)),
            "--logs" => logs = Some(PathBuf::from(value)),
            "--project" => project = Some(PathBuf::from(value)),
            "--drivers-fd" => drivers = Some(descriptor(&value)?),
            "--ready-fd" => ready = Some(descriptor(&value)?),
            _ => return Err(usage(&format!("{word} is no option"))),
        }
    }
    let run = run.ok_or_else(|| usage("--run is not there"))?;
    std::fs::create_dir_all(&run).map_err(|error| Refusal::system("make the run folder", error))?;
    // The keeper changes its folder: relative paths would mean something else afterwards.
    let run = run.canonicalize().map_err(|error| Refusal::system("find the run folder", error))?;
    let state = run.parent().unwrap_or(Path::new("/"));
    let absolute = |path: Option<PathBuf>, default: PathBuf| {
        std::path::absolute(path.unwrap_or(default)).map_err(|error| Refusal::system("find a folder", error))
    };
    Ok(Arguments {
        store: absolute(store, state.join("store"))?,
        logs: absolute(logs, state.join("logs"))?,
        project: absolute(project, state.parent().unwrap_or(Path::new("/")).to_owned())?,
        drivers: drivers.ok_or_else(|| usage("--drivers-fd is not there"))?,
        ready,
        run,
    })
}

/// Takes a descriptor over that the parent has left open for us.
fn descriptor(text: &str) -> Result<OwnedFd> {
    let number: RawFd = text.parse().map_err(|_| usage(&format!("{text} is no descriptor")))?;
    // SAFETY: asks only for flags.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    if number < 3 || flags < 0 {
        return Err(usage(&format!("descriptor {number} is not open")));
    }
    // SAFETY: asks to close it at exec; it is open, as was just seen.
    unsafe { libc::fcntl(number, libc::F_SETFD, flags | libc::FD_CLOEXEC) };
    // SAFETY: it was opened for us by the parent, and nothing else here knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

fn usage(why: &str) -> Refusal {
    Refusal::new(
        "keeper.usage",
        format!(
            "cannot start the keeper because {why}; \
             rtt-keeper --run DIR [--store DIR] [--logs DIR] [--project DIR] --drivers-fd N [--ready-fd N]"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(words: &[&str]) -> String {
        parse(words.iter().map(|word| (*word).to_owned())).unwrap_err().code
    }

    #[test]
    fn what_is_missing_or_unknown_is_said() {
        for words in [&[][..], &["--run"], &["--run", "/tmp"], &["--odd", "1"], &["--run", "/tmp", "--drivers-fd", "x"]]
        {
            assert_eq!(code(words), "keeper.usage", "{words:?}");
        }
        assert_eq!(code(&["--run", "/tmp", "--drivers-fd", "987654"]), "keeper.usage");
        assert_eq!(code(&["--run", "/tmp", "--drivers-fd", "0"]), "keeper.usage");
    }

    proptest! {
        /// Numbers are those of descriptors that are not open: an open one belongs to another test, and would be taken over.
        #[test]
        fn odd_words_are_refused(
            words in prop::collection::vec("--(store|logs|project|drivers-fd|x)|[a-z]{0,6}|[012]|9[0-9]{5,11}|-[0-9]", 0..6)
        ) {
            prop_assert!(parse(words.into_iter()).is_err());
        }
    }
}
