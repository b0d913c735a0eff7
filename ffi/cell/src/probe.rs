//! What this host lets us enforce. Root is not euid 0: capabilities and the uid map decide.
use crate::landlock;
use crate::limits::{BLOCKS, CELLS, RANGE_FIRST};
use std::fs;

/// How drivers get their uid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// An outside uid for each cell, from a range that nobody else uses.
    Range,
    /// The keeper's own uid, alone in a user namespace.
    Single,
}

/// Facts that do not change while the keeper lives.
#[derive(Clone, Debug)]
pub struct Host {
    pub mode: Mode,
    /// ABI of Landlock; 0: there is none, and no isolated driver starts.
    pub landlock: u32,
}

const CAP_CHOWN: u32 = 0;
const CAP_SETGID: u32 = 6;
const CAP_SETUID: u32 = 7;
const CAP_SYS_ADMIN: u32 = 21;

pub fn host() -> Host {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let gids = fs::read_to_string("/proc/self/gid_map").unwrap_or_default();
    Host { mode: mode(&status, &map, &gids), landlock: landlock::abi() }
}

/// Range mode needs the capabilities to become other users and to map mounts, and a map that holds the whole range.
fn mode(status: &str, uid_map: &str, gid_map: &str) -> Mode {
    let effective = capabilities(status);
    let able = [CAP_CHOWN, CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN].iter().all(|cap| effective & (1 << cap) != 0);
    if able && holds_range(uid_map) && holds_range(gid_map) { Mode::Range } else { Mode::Single }
}

fn capabilities(status: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(0)
}

fn holds_range(map: &str) -> bool {
    map.lines().any(|line| {
        let mut words = line.split_whitespace().map(str::parse::<u64>);
        let (Some(Ok(inside)), Some(Ok(_)), Some(Ok(count))) = (words.next(), words.next(), words.next()) else {
            return false;
        };
        let end = u64::from(RANGE_FIRST) + u64::from(CELLS) * u64::from(BLOCKS);
        inside <= u64::from(RANGE_FIRST) && end <= inside.saturating_add(count)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WHOLE: &str = "         0          0 4294967295\n";

    #[test]
    fn root_of_the_host_has_the_range() {
        assert_eq!(mode("CapEff:\t000001ffffffffff\n", WHOLE, WHOLE), Mode::Range);
    }

    proptest! {
        #[test]
        fn any_text_gives_a_mode(status in ".*", map in "([0-9 ]{0,24}\n?){0,4}|.*") {
            prop_assert_eq!(mode(&status, &map, ""), Mode::Single);
            mode("CapEff:\t000001ffffffffff\n", &map, &map);
        }
    }

    #[test]
    fn root_of_a_container_without_capabilities_or_uids_has_not() {
        assert_eq!(mode("CapEff:\t00000000a80425fb\n", WHOLE, WHOLE), Mode::Single);
        assert_eq!(mode("CapEff:\t000001ffffffffff\n", "0 100000 65536\n", WHOLE), Mode::Single);
        assert_eq!(mode("CapEff:\t000001ffffffffff\n", WHOLE, "0 100000 65536\n"), Mode::Single);
        assert_eq!(mode("", "", ""), Mode::Single);
        assert_eq!(mode("CapEff: x\n", "one two\n", "\n"), Mode::Single);
    }
}
