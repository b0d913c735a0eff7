//! ZeroMQ over its ipc transport: a pair of sockets each way would share one input and output thread, so one pair serves both
//! ways, as its users have it.
use rtt_bench::trips::{PAYLOAD, Side, Trip};
use rtt_bench::{ASKER, ECHO, Outcome, pin};
use rustix::thread::{CpuSet, sched_setaffinity};
use zmq::{Context, PAIR, Socket};

/// Between processes of one host, without a file.
pub struct Pair {
    address: String,
    socket: Option<Socket>,
    payload: [u8; PAYLOAD],
}

impl Pair {
    pub fn new() -> Outcome<Self> {
        let address = format!("ipc://@rtt-bench-{}", std::process::id());
        Ok(Self { address, socket: None, payload: [7; PAYLOAD] })
    }
}

impl Trip for Pair {
    fn open(&mut self, side: Side) -> Outcome {
        // Its own thread takes over the affinity of the one that makes it: it may run on both cores.
        let mut both = CpuSet::new();
        both.set(ASKER);
        both.set(ECHO);
        sched_setaffinity(None, &both)?;
        let socket = Context::new().socket(PAIR)?;
        socket.set_linger(0)?;
        match side {
            Side::Asker => socket.bind(&self.address)?,
            Side::Echo => socket.connect(&self.address)?,
        }
        self.socket = Some(socket);
        pin(if side == Side::Asker { ASKER } else { ECHO })
    }

    #[inline]
    fn ask(&mut self, _number: u64) {
        let socket = self.socket.as_ref().expect("bug: not opened");
        socket.send(&self.payload[..], 0).expect("a connected pair sends");
        socket.recv_into(&mut self.payload, 0).expect("a connected pair receives");
    }

    #[inline]
    fn echo(&mut self, _number: u64) {
        let socket = self.socket.as_ref().expect("bug: not opened");
        socket.recv_into(&mut self.payload, 0).expect("a connected pair receives");
        socket.send(&self.payload[..], 0).expect("a connected pair sends");
    }

    fn close(&mut self) {
        self.socket = None;
    }
}
