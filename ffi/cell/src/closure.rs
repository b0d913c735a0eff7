//! What the driver runs: copied from the store and hashed on the way, so that what runs is what was signed, even if the
//! store or the file on disk is written to later. What the cell shows of the host itself is hashed where it is.
use crate::error::{CellError, Context, Result};
use crate::files::Access;
use crate::limits::CLOSURE_BYTES;
use crate::root::SYSTEM;
use crate::spec::{Cell, ClosureFile};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

const CHUNK_BYTES: usize = 64 * 1024;
/// Where the project's files are in the cell.
const DRIVER: &str = "/driver";

/// A closure by how the cell comes to its files.
#[derive(Debug)]
pub struct Closure<'a> {
    copied: Vec<(&'a ClosureFile, PathBuf)>,
    /// With where they are on the host.
    checked: Vec<(&'a ClosureFile, PathBuf)>,
}

impl<'a> Closure<'a> {
    pub fn of(cell: &'a Cell) -> Result<Self> {
        let mut closure = Self { copied: Vec::new(), checked: Vec::new() };
        for file in &cell.closure {
            let target = target(file)?;
            match on_the_host(cell, &target) {
                Some(source) => closure.checked.push((file, source)),
                None => closure.copied.push((file, target)),
            }
        }
        Ok(closure)
    }

    /// Bytes that the copies need together.
    pub fn bytes(&self) -> Result<u64> {
        let mut sum = 0_u64;
        for (file, _) in &self.copied {
            sum = sum.saturating_add(open(file)?.metadata().map(|facts| facts.len()).unwrap_or(0));
        }
        if sum > CLOSURE_BYTES {
            return Err(too_large());
        }
        Ok(sum)
    }

    /// Copies what is copied to its place below `base`, and compares the rest.
    pub fn show(&self, base: &Path) -> Result<()> {
        let mut left = CLOSURE_BYTES;
        for (file, target) in &self.copied {
            copy(file, &crate::root::inside(base, target), &mut left)?;
        }
        self.checked.iter().try_for_each(|(file, source)| check(file, source))
    }

    /// Paths outside of the driver's folder that are in the cell only by this closure.
    pub fn elsewhere(&self) -> impl Iterator<Item = &Path> {
        self.copied.iter().map(|(_, target)| target.as_path()).filter(|target| !target.starts_with(DRIVER))
    }

    pub fn shows(&self, target: &Path) -> bool {
        self.copied.iter().any(|(_, each)| each == target)
    }
}

/// The path in the cell.
fn target(file: &ClosureFile) -> Result<PathBuf> {
    let path = Path::new(&file.path);
    let plain = path.strip_prefix("/").unwrap_or(path);
    if plain.as_os_str().is_empty() || !plain.components().all(|each| matches!(each, Component::Normal(_))) {
        return Err(CellError::new("cell.closure", format!("cannot show {:?} because it is no plain path", file.path)));
    }
    Ok(Path::new(DRIVER).join(path))
}

/// Where the file is on the host that the cell shows at `target`: in a system folder, in a folder that was granted, as a
/// file that the driver may write, or, for a waived driver, anywhere.
fn on_the_host(cell: &Cell, target: &Path) -> Option<PathBuf> {
    let ours = target.starts_with(DRIVER);
    let covers = |bound: &&crate::files::BoundFile| {
        (cell.isolated || ours)
            && target.starts_with(&bound.target)
            && (bound.folder || bound.access == Access::ReadWrite)
    };
    if let Some(bound) = cell.files.iter().rev().find(covers) {
        let below = target.strip_prefix(&bound.target).ok()?;
        return Some(if bound.folder { bound.source.join(below) } else { bound.source.clone() });
    }
    let system = !cell.isolated || SYSTEM.iter().any(|folder| target.starts_with(folder));
    (system && !ours).then(|| target.to_owned())
}

fn copy(file: &ClosureFile, target: &Path, left: &mut u64) -> Result<()> {
    let what = || format!("show the driver its {}", file.path);
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).context("cell.closure", what)?;
    }
    let mode = if file.executable { 0o555 } else { 0o444 };
    let mut to =
        OpenOptions::new().write(true).create_new(true).mode(mode).open(target).context("cell.closure", what)?;
    let hash = hash(open(file)?, file, |chunk| {
        *left = left.checked_sub(chunk.len() as u64).ok_or_else(too_large)?;
        to.write_all(chunk).context("cell.closure", what)
    })?;
    if hash == file.hash {
        return Ok(());
    }
    let why = format!("the store's {} is not what its name {} says", file.path, file.hash);
    Err(changed(&format!("{why}; apply the plan again, which writes it anew")))
}

fn check(file: &ClosureFile, source: &Path) -> Result<()> {
    let opened = File::open(source).context("cell.closureChanged", || format!("read the driver's {}", file.path))?;
    if hash(opened, file, |_| Ok(()))? == file.hash {
        return Ok(());
    }
    let why = format!("{} has changed since the plan was made; put it back, or plan and apply again", source.display());
    Err(changed(&why))
}

fn hash(mut from: File, file: &ClosureFile, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0_u8; CHUNK_BYTES];
    loop {
        let got = from.read(&mut chunk).context("cell.closure", || format!("read the driver's {}", file.path))?;
        if got == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&chunk[..got]);
        each(&chunk[..got])?;
    }
}

fn changed(why: &str) -> CellError {
    CellError::new("cell.closureChanged", format!("cannot start the driver because {why}"))
}

fn too_large() -> CellError {
    CellError::new(
        "cell.closure",
        format!("cannot show the driver's files because they are above {CLOSURE_BYTES} bytes"),
    )
}

fn open(file: &ClosureFile) -> Result<File> {
    file.sources.iter().find_map(|source| File::open(source).ok()).ok_or_else(|| {
        CellError::new(
            "cell.closure",
            format!("cannot show the driver its {} because the store has no object {}", file.path, file.hash),
        )
    })
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
