//! iceoryx2 between processes: publish and subscribe with the settings of its own benchmark (no history, a buffer of one
//! sample, safe overflow, the next sample lent while nobody waits for it, receiving polled).
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicU64, Ordering};

use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use iceoryx2::sample_mut_uninit::SampleMutUninit;
use rtt_bench::Outcome;
use rtt_bench::shared::shared;
use rtt_bench::trips::{PAYLOAD, Side, Trip};

type Payload = [u64; PAYLOAD / 8];
type Lent = SampleMutUninit<ipc::Service, std::mem::MaybeUninit<Payload>, ()>;

/// Where shared memory has its names.
const NAMES: &str = "/dev/shm";

/// With files of its own: those of other users of iceoryx2 on this host are left alone, and none are left behind.
pub struct Publish {
    config: Config,
    opened: &'static AtomicU64,
    ports: Option<Ports>,
}

struct Ports {
    publisher: Publisher<ipc::Service, Payload, ()>,
    subscriber: Subscriber<ipc::Service, Payload, ()>,
    /// The sample that is sent next.
    lent: Option<Lent>,
    _node: Node<ipc::Service>,
}

impl Publish {
    pub fn new() -> Outcome<Self> {
        set_log_level(LogLevel::Error);
        let name = format!("rtt-bench-{}-", std::process::id());
        let mut config = Config::default();
        config.global.prefix = FileName::new(name.as_bytes())?;
        let folder = std::env::temp_dir().join(&name);
        config.global.set_root_path(&Path::new(folder.as_os_str().as_bytes())?);
        Ok(Self { config, opened: &shared(1)?[0], ports: None })
    }
}

/// iceoryx2 keeps a folder and a file of its own when its last node is gone.
impl Drop for Publish {
    fn drop(&mut self) {
        self.ports = None;
        // Both are gone already where nothing was opened.
        let _ = std::fs::remove_dir_all(self.config.global.root_path().to_string());
        let prefix = self.config.global.prefix.to_string();
        for file in std::fs::read_dir(NAMES).into_iter().flatten().flatten() {
            if file.file_name().to_string_lossy().starts_with(&prefix) {
                let _ = std::fs::remove_file(file.path());
            }
        }
    }
}

impl Ports {
    fn open(config: &Config, side: Side) -> Outcome<Self> {
        let node = NodeBuilder::new().config(config).create::<ipc::Service>()?;
        let service = |way: &str| {
            node.service_builder(&ServiceName::new(way)?)
                .publish_subscribe::<Payload>()
                .max_publishers(1)
                .max_subscribers(1)
                .history_size(0)
                .subscriber_max_buffer_size(1)
                .enable_safe_overflow(true)
                .open_or_create()
                .map_err(Box::<dyn std::error::Error>::from)
        };
        let (to, from) = match side {
            Side::Asker => ("there", "back"),
            Side::Echo => ("back", "there"),
        };
        let publisher = service(to)?.publisher_builder().create()?;
        let subscriber = service(from)?.subscriber_builder().create()?;
        let lent = Some(publisher.loan_uninit()?);
        Ok(Self { publisher, subscriber, lent, _node: node })
    }

    #[inline]
    fn send(&mut self, payload: Payload) {
        let lent = self.lent.take().expect("bug: no sample was lent");
        lent.write_payload(payload).send().expect("a connected publisher sends");
        self.lent = Some(self.publisher.loan_uninit().expect("one sample at a time is lent"));
    }

    #[inline]
    fn receive(&self) -> Payload {
        loop {
            if let Some(sample) = self.subscriber.receive().expect("a connected subscriber receives") {
                return *sample.payload();
            }
        }
    }
}

impl Trip for Publish {
    fn open(&mut self, side: Side) -> Outcome {
        self.ports = Some(Ports::open(&self.config, side)?);
        // A sample that is published before its subscriber is there is lost.
        self.opened.fetch_add(1, Ordering::AcqRel);
        while self.opened.load(Ordering::Acquire) < 2 {
            std::thread::yield_now();
        }
        Ok(())
    }

    #[inline]
    fn ask(&mut self, number: u64) {
        let ports = self.ports.as_mut().expect("bug: not opened");
        ports.send([number; _]);
        assert!(ports.receive()[0] == number, "bug: another message came back");
    }

    #[inline]
    fn echo(&mut self, _number: u64) {
        let ports = self.ports.as_mut().expect("bug: not opened");
        let payload = ports.receive();
        ports.send(payload);
    }

    fn close(&mut self) {
        self.ports = None;
    }
}
