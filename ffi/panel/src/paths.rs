//! Sockets below long paths: an address holds 107 bytes, so that a longer path goes through its folder's descriptor.
use rustix::fs::{Mode, OFlags, open};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;

const ADDRESS_BYTES: usize = 107;

/// A path that fits an address, and what must stay open while it is used.
pub struct Short {
    pub path: String,
    _folder: Option<OwnedFd>,
}

pub fn short(path: &str) -> Result<Short, String> {
    if path.len() <= ADDRESS_BYTES {
        return Ok(Short { path: path.to_owned(), _folder: None });
    }
    let full = Path::new(path);
    let (Some(folder), Some(name)) = (full.parent(), full.file_name().and_then(|name| name.to_str())) else {
        return Err(format!("cannot use the socket {path} because it has no folder"));
    };
    let descriptor = open(folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| format!("cannot open {} because {error}", folder.display()))?;
    let path = format!("/proc/self/fd/{}/{name}", descriptor.as_raw_fd());
    Ok(Short { path, _folder: Some(descriptor) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_at_the_limit_is_itself_and_one_past_it_goes_through_its_folder() {
        let at_limit = format!("/tmp/{}", "a".repeat(ADDRESS_BYTES - 5));
        assert_eq!(short(&at_limit).unwrap().path, at_limit);
        let past = format!("/tmp/{}", "a".repeat(ADDRESS_BYTES - 4));
        assert!(short(&past).unwrap().path.starts_with("/proc/self/fd/"));
    }
}
