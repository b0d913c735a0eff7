//! This host's counters, from the text of four files of /proc. Every parser takes any text and never panics.

/// Counters since boot; rates are differences of two of these.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counters {
    /// Clock ticks of all cpus: busy, and in all.
    pub cpu_busy: u64,
    pub cpu_all: u64,
    /// Kilobytes that programs could have.
    pub memory_available: u64,
    /// Sectors of 512 bytes, of whole disks.
    pub disk_read: u64,
    pub disk_written: u64,
    /// Bytes of all interfaces but `lo`.
    pub net_in: u64,
    pub net_out: u64,
}

impl Counters {
    pub fn parse(stat: &str, meminfo: &str, diskstats: &str, net_dev: &str) -> Self {
        let mut counters = Self::default();
        counters.read_stat(stat);
        counters.read_meminfo(meminfo);
        counters.read_diskstats(diskstats);
        counters.read_net_dev(net_dev);
        counters
    }

    /// proc_stat(5): user nice system idle iowait irq softirq steal (guest time is within user).
    fn read_stat(&mut self, text: &str) {
        let Some(line) = text.lines().find_map(|line| line.strip_prefix("cpu ")) else { return };
        let ticks: Vec<u64> = numbers(line).take(8).collect();
        self.cpu_all = sum(&ticks);
        let idle = sum(ticks.get(3..5).unwrap_or_default());
        self.cpu_busy = self.cpu_all.saturating_sub(idle);
    }

    fn read_meminfo(&mut self, text: &str) {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
        self.memory_available = line.and_then(|line| numbers(line).next()).unwrap_or(0);
    }

    /// Partitions (`sda1`, `vda1`, `nvme0n1p1`) are within their disk, which is counted.
    fn read_diskstats(&mut self, text: &str) {
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let Some(name) = words.nth(2) else { continue };
            if !is_disk(name) {
                continue;
            }
            let counts: Vec<u64> = words.map(|word| word.parse().unwrap_or(0)).collect();
            self.disk_read = self.disk_read.saturating_add(counts.get(2).copied().unwrap_or(0));
            self.disk_written = self.disk_written.saturating_add(counts.get(6).copied().unwrap_or(0));
        }
    }

    fn read_net_dev(&mut self, text: &str) {
        for (name, counts) in text.lines().filter_map(|line| line.split_once(':')) {
            if name.trim() == "lo" {
                continue;
            }
            let counts: Vec<u64> = numbers(counts).collect();
            self.net_in = self.net_in.saturating_add(counts.first().copied().unwrap_or(0));
            self.net_out = self.net_out.saturating_add(counts.get(8).copied().unwrap_or(0));
        }
    }
}

fn is_disk(name: &str) -> bool {
    let digits_end = name.ends_with(|last: char| last.is_ascii_digit());
    match name {
        _ if name.starts_with("loop") || name.starts_with("ram") || name.starts_with("dm-") => false,
        _ if name.starts_with("nvme") || name.starts_with("mmcblk") => !name.contains('p'),
        _ => !digits_end,
    }
}

fn numbers(text: &str) -> impl Iterator<Item = u64> {
    text.split_ascii_whitespace().map_while(|word| word.parse().ok())
}

fn sum(values: &[u64]) -> u64 {
    values.iter().fold(0, |all, each| all.saturating_add(*each))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counters_are_where_the_manual_says() {
        let counters = Counters::parse(
            "cpu  10 1 5 80 4 0 0 0 0 0\ncpu0 10 1 5 80 4 0 0 0 0 0\nintr 7\n",
            "MemTotal:       24000 kB\nMemFree:         1000 kB\nMemAvailable:   20000 kB\n",
            " 254 0 vda 9 0 100 0 8 0 200 0 0 0 0\n 254 1 vda1 9 0 90 0 8 0 190 0 0 0 0\n 7 0 loop0 1 0 5 0 0 0 0 0\n",
            "Inter-|   Receive\n face |bytes\n    lo: 5 0 0 0 0 0 0 0 5 0 0 0 0 0 0 0\n  eth0: 70 0 0 0 0 0 0 0 30 0 0 0 0 0 0 0\n",
        );
        assert_eq!((counters.cpu_busy, counters.cpu_all, counters.memory_available), (16, 100, 20_000));
        assert_eq!((counters.disk_read, counters.disk_written), (100, 200));
        assert_eq!((counters.net_in, counters.net_out), (70, 30));
    }

    #[test]
    fn disks_are_told_from_their_partitions() {
        let names = ["sda", "sda1", "vda", "nvme0n1", "nvme0n1p2", "mmcblk0", "mmcblk0p1", "loop3", "dm-0"];
        assert_eq!(names.map(is_disk), [true, false, true, true, false, true, false, false, false]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(cpu |MemAvailable:|eth0:|[a-z0-9: \\n]|18446744073709551615 ){0,60}") {
            let _ = Counters::parse(&text, &text, &text, &text);
        }
    }
}
