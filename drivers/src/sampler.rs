//! `sampler`: this host's processor, memory, disk and network, by the four files of /proc that its manifest grants.
use crate::arguments::Arguments;
use crate::outcome::Outcome;
use crate::pacing::Beat;
use crate::procfs::Counters;
use crate::record::Layout;
use crate::value::Value;
use rtt_driver::{Driver, SendError};
use std::fs::File;
use std::os::unix::fs::FileExt as _;

const NS_PER_MS: u64 = 1_000_000;
/// Most bytes that are read of one file.
const FILE_BYTES: usize = 256 * 1024;
const SECTOR_KIB: f64 = 0.5;

pub fn run(mut arguments: Arguments) -> Outcome {
    let every_ms = arguments.take("every-ms", 100_u64)?.max(1);
    arguments.done()?;
    let driver = Driver::connect()?;
    let endpoint = driver.endpoints().first().ok_or("the manifest has no endpoint")?.clone();
    let layout = Layout::new(&endpoint)?;
    let columns: Vec<String> = layout.names().map(str::to_owned).collect();
    let files = Files::open(&driver)?;
    let mut output = driver.output(&endpoint.name)?;
    let mut beat = Beat::new(every_ms * NS_PER_MS);
    let mut before = (beat.wait(), files.read()?);
    let mut payload = Vec::new();
    while !driver.stopping() {
        let now = (beat.wait(), files.read()?);
        let sample = Sample::between(before, now);
        let values = columns.iter().map(|name| sample.value(name)).collect::<Outcome<Vec<Value>>>()?;
        layout.encode(&values, &mut payload)?;
        match output.try_send(&payload) {
            Ok(_) | Err(SendError::NotBound | SendError::Full | SendError::Dropped | SendError::Stopping) => {}
            Err(error) => return Err(error.into()),
        }
        before = now;
    }
    Ok(())
}

struct Files([File; 4]);

impl Files {
    fn open(driver: &Driver) -> Outcome<Self> {
        let open = |path: &str| {
            driver
                .open_file(path)
                .map_err(|error| format!("cannot open {path} because {error}; is it in the manifest's files?"))
        };
        Ok(Self([open("/proc/stat")?, open("/proc/meminfo")?, open("/proc/diskstats")?, open("/proc/net/dev")?]))
    }

    fn read(&self) -> Outcome<Counters> {
        let [stat, meminfo, diskstats, net_dev] = &self.0;
        Ok(Counters::parse(&text(stat)?, &text(meminfo)?, &text(diskstats)?, &text(net_dev)?))
    }
}

/// The whole file from its start; reading makes the kernel write it anew.
fn text(file: &File) -> Outcome<String> {
    let mut bytes = vec![0; 16 * 1024];
    let mut length = 0;
    loop {
        let read = file.read_at(&mut bytes[length..], length as u64)?;
        length += read;
        if read == 0 || length == FILE_BYTES {
            bytes.truncate(length);
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
        if length == bytes.len() {
            bytes.resize(FILE_BYTES.min(2 * length), 0);
        }
    }
}

/// What happened between two looks.
struct Sample {
    at_ns: u64,
    seconds: f64,
    before: Counters,
    now: Counters,
}

impl Sample {
    fn between(before: (u64, Counters), now: (u64, Counters)) -> Self {
        Self { at_ns: now.0, seconds: (now.0 - before.0) as f64 / 1e9, before: before.1, now: now.1 }
    }

    /// A field of the contract, by its name.
    fn value(&self, name: &str) -> Outcome<Value> {
        let rate = |of: fn(&Counters) -> u64| of(&self.now).saturating_sub(of(&self.before)) as f64 / self.seconds;
        Ok(Value::Float(match name {
            "t" => return Ok(Value::Unsigned(self.at_ns)),
            "cpu" => {
                let all = self.now.cpu_all.saturating_sub(self.before.cpu_all).max(1);
                self.now.cpu_busy.saturating_sub(self.before.cpu_busy) as f64 / all as f64
            }
            "memoryMiB" => self.now.memory_available as f64 / 1024.0,
            "diskReadKiBs" => rate(|counters| counters.disk_read) * SECTOR_KIB,
            "diskWriteKiBs" => rate(|counters| counters.disk_written) * SECTOR_KIB,
            "netInKiBs" => rate(|counters| counters.net_in) / 1024.0,
            "netOutKiBs" => rate(|counters| counters.net_out) / 1024.0,
            _ => {
                return Err(
                    format!("cannot fill the contract's field `{name}` because sampler has no such figure").into()
                );
            }
        }))
    }
}
