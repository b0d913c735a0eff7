//! The driver's own files: copied from the store and hashed on the way, so that what runs is what was signed, even if the
//! store is written to later.
use crate::error::{CellError, Context, Result};
use crate::limits::CLOSURE_BYTES;
use crate::spec::ClosureFile;
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path};

const CHUNK_BYTES: usize = 64 * 1024;

/// Bytes that all files of the closure need together.
pub fn bytes(closure: &[ClosureFile]) -> Result<u64> {
    let mut sum = 0_u64;
    for file in closure {
        sum = sum.saturating_add(open(file)?.metadata().map(|facts| facts.len()).unwrap_or(0));
    }
    if sum > CLOSURE_BYTES {
        return Err(CellError::new(
            "cell.closure",
            format!("cannot show the driver's files because {sum} bytes are above {CLOSURE_BYTES}"),
        ));
    }
    Ok(sum)
}

/// Copies all files below `folder`.
pub fn copy(closure: &[ClosureFile], folder: &Path) -> Result<()> {
    let mut left = CLOSURE_BYTES;
    for file in closure {
        copy_one(file, folder, &mut left)?;
    }
    Ok(())
}

fn copy_one(file: &ClosureFile, folder: &Path, left: &mut u64) -> Result<()> {
    let path = Path::new(&file.path);
    if file.path.is_empty() || !path.components().all(|each| matches!(each, Component::Normal(_))) {
        return Err(CellError::new("cell.closure", format!("cannot show {:?} because it is no plain path", file.path)));
    }
    let target = folder.join(path);
    let what = || format!("show the driver its {}", file.path);
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).context("cell.closure", what)?;
    }
    let mode = if file.executable { 0o555 } else { 0o444 };
    let mut to =
        OpenOptions::new().write(true).create_new(true).mode(mode).open(&target).context("cell.closure", what)?;
    let mut from = open(file)?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0_u8; CHUNK_BYTES];
    loop {
        let got = from.read(&mut chunk).context("cell.closure", what)?;
        if got == 0 {
            break;
        }
        *left = left.checked_sub(got as u64).ok_or_else(|| {
            CellError::new(
                "cell.closure",
                format!("cannot show the driver's files because they are above {CLOSURE_BYTES} bytes"),
            )
        })?;
        hasher.update(&chunk[..got]);
        to.write_all(&chunk[..got]).context("cell.closure", what)?;
    }
    if hex(&hasher.finalize()) == file.hash {
        return Ok(());
    }
    Err(CellError::new(
        "cell.closureChanged",
        format!("cannot start the driver because the store's {} is not what its name {} says", file.path, file.hash),
    ))
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
