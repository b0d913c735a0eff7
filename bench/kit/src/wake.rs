//! From sending to having the frame, at three rates and for each way to wait; the system calls that a frame costs both sides;
//! and what waiting for nothing costs. All ways in turns.
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rtt_bench::bare::wait_for;
use rtt_bench::shared::shared;
use rtt_bench::trips::PAYLOAD;
use rtt_bench::{ASKER, Figure, Outcome, median, peer, pin, quantile};
use rtt_driver::Driver;
use rtt_lane::clock;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use crate::rig::Sockets;
use crate::syscalls::{Counter, Tracepoint};
use crate::ways::{LABELS, LANES, PATIENCE, Receiving, SOCKET, Sending};

/// Frames a second, and their name.
const RATES: [(u64, &str); 3] = [(1_000, "1 kHz"), (100_000, "100 kHz"), (1_000_000, "1 MHz")];
const WAYS: usize = LANES.len() + 1;
const TURNS: usize = 6;
/// Frames of one turn: as many as are due in this time.
const TURN: Duration = Duration::from_millis(300);
const MOST: usize = 300_000;
/// How long a receiver waits for nothing.
const IDLE: Duration = Duration::from_millis(300);
/// After this a receiver has gone to sleep.
const SETTLED: Duration = Duration::from_millis(5);
const SHARES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

pub fn measure() -> Outcome {
    let board = Board::new()?;
    let sockets = Sockets::new();
    let (near, far) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    let tracepoint = match Tracepoint::find() {
        Ok(tracepoint) => Some(tracepoint),
        Err(error) => {
            eprintln!("kit_bench: system calls are not counted because {error}; remedy: run it as root");
            None
        }
    };
    let peer = peer::beside(|| receive_all(&board, &sockets.echo()?, far.try_clone()?, tracepoint))?;
    pin(ASKER)?;
    let (keeper, driver) = sockets.asker(&LANES, &[])?;
    let result = send_all(&board, &driver, near, tracepoint)?;
    peer.join()?;
    drop((driver, keeper));
    result.print(tracepoint.is_some());
    Ok(())
}

/// Where both processes meet, and what the receiving one has measured.
struct Board {
    words: &'static [AtomicU64],
    latencies: &'static [AtomicU64],
}

/// Words on one line would bounce for each other's sake.
const APART: usize = 16;

impl Board {
    fn new() -> Outcome<Self> {
        Ok(Self { words: shared(4 * APART)?, latencies: shared(MOST)? })
    }

    fn ready(&self) -> &AtomicU64 {
        &self.words[0]
    }

    fn done(&self) -> &AtomicU64 {
        &self.words[APART]
    }

    fn calls(&self) -> &AtomicU64 {
        &self.words[2 * APART]
    }

    fn cpu_ns(&self) -> &AtomicU64 {
        &self.words[3 * APART]
    }
}

/// Each turn of each rate of each way, in order; in the last turn calls are counted, and nothing is timed, for a counted call
/// takes longer.
fn stretches() -> impl Iterator<Item = Stretch> {
    let all =
        (0..=TURNS).flat_map(|turn| (0..RATES.len()).flat_map(move |rate| (0..WAYS).map(move |way| (turn, rate, way))));
    all.zip(1..).map(|((turn, rate, way), number)| Stretch { turn, rate, way, number })
}

#[derive(Clone, Copy)]
struct Stretch {
    turn: usize,
    rate: usize,
    way: usize,
    number: u64,
}

impl Stretch {
    fn frames(self) -> usize {
        (RATES[self.rate].0 as f64 * TURN.as_secs_f64()) as usize
    }

    fn counter(self, tracepoint: Option<Tracepoint>) -> Outcome<Option<Counter>> {
        tracepoint.filter(|_| self.turn == TURNS).map(Tracepoint::count).transpose()
    }
}

fn receive_all(board: &Board, driver: &Driver, socket: OwnedFd, tracepoint: Option<Tracepoint>) -> Outcome {
    let mut ways = Receiving::all(driver, socket)?;
    let mut payload = [0; PAYLOAD];
    for stretch in stretches() {
        let way = &mut ways[stretch.way];
        if stretch.rate == 0 {
            board.cpu_ns().store(idle_cpu_ns(way)?, Ordering::Relaxed);
        }
        let counter = stretch.counter(tracepoint)?;
        let before = counter.as_ref().map_or(0, Counter::calls);
        board.ready().store(stretch.number, Ordering::Release);
        for latency in &board.latencies[..stretch.frames()] {
            if !way.receive(&mut payload, PATIENCE)? {
                return Err("cannot measure because a frame was lost".into());
            }
            let sent = u64::from_le_bytes(*payload.first_chunk().expect("a payload has a word"));
            latency.store(clock::now().saturating_sub(sent), Ordering::Relaxed);
        }
        board.calls().store(counter.as_ref().map_or(0, |counter| counter.calls() - before), Ordering::Relaxed);
        board.done().store(stretch.number, Ordering::Release);
    }
    Ok(())
}

/// What this process uses while the way waits for nothing.
fn idle_cpu_ns(way: &mut Receiving) -> Outcome<u64> {
    way.bound(IDLE)?;
    let before = cpu_ns();
    assert!(!way.receive(&mut [0; PAYLOAD], IDLE)?, "bug: a frame came that nobody sent");
    way.bound(PATIENCE)?;
    Ok(cpu_ns() - before)
}

/// Of all threads of this process, the kit's own among them.
fn cpu_ns() -> u64 {
    let ns = |time: libc::timeval| time.tv_sec as u64 * 1_000_000_000 + time.tv_usec as u64 * 1_000;
    // SAFETY: a place for the kernel's answer, which is all numbers.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    ns(usage.ru_utime) + ns(usage.ru_stime)
}

/// Of one way at one rate.
#[derive(Clone, Default)]
struct Cell {
    latencies_us: Vec<f64>,
    hz: Vec<f64>,
    calls: f64,
}

#[derive(Default)]
struct Result {
    cells: Vec<Vec<Cell>>,
    idle: Vec<Vec<f64>>,
}

fn send_all(board: &Board, driver: &Driver, socket: OwnedFd, tracepoint: Option<Tracepoint>) -> Outcome<Result> {
    let mut ways = Sending::all(driver, socket)?;
    let mut result = Result { cells: vec![vec![Cell::default(); WAYS]; RATES.len()], idle: vec![Vec::new(); WAYS] };
    for stretch in stretches() {
        let cell = &mut result.cells[stretch.rate][stretch.way];
        // It would stretch the receiver's idle time if it polled meanwhile.
        while board.ready().load(Ordering::Acquire) != stretch.number {
            std::thread::sleep(SETTLED);
        }
        std::thread::sleep(SETTLED);
        let counter = stretch.counter(tracepoint)?;
        let before = counter.as_ref().map_or(0, Counter::calls);
        let hz = paced(&mut ways[stretch.way], stretch.frames(), RATES[stretch.rate].0);
        let calls = counter.as_ref().map_or(0, |counter| counter.calls() - before);
        wait_for(board.done(), stretch.number);
        if stretch.turn == TURNS {
            // Of each side one call is the look at the counter itself.
            let all = calls + board.calls().load(Ordering::Relaxed);
            cell.calls = all.saturating_sub(2) as f64 / stretch.frames() as f64;
            continue;
        }
        cell.hz.push(hz);
        let latencies = &board.latencies[..stretch.frames()];
        cell.latencies_us.extend(latencies.iter().map(|ns| ns.load(Ordering::Relaxed) as f64 / 1e3));
        if stretch.rate == 0 {
            let share = board.cpu_ns().load(Ordering::Relaxed) as f64 / IDLE.as_nanos() as f64;
            result.idle[stretch.way].push(share * 100.0);
        }
    }
    Ok(result)
}

/// Sends so many frames, each when it is due or as soon after as the way lets it; frames a second.
fn paced(way: &mut Sending, frames: usize, hz: u64) -> f64 {
    let mut payload = [7; PAYLOAD];
    let started = clock::now();
    for frame in 0..frames as u64 {
        let due = started + frame * 1_000_000_000 / hz;
        let mut now = clock::now();
        while now < due {
            std::hint::spin_loop();
            now = clock::now();
        }
        payload[..8].copy_from_slice(&now.to_le_bytes());
        way.send(&payload);
    }
    frames as f64 * 1e9 / (clock::now() - started) as f64
}

impl Result {
    fn print(mut self, counted: bool) {
        for ((hz, rate), cells) in RATES.into_iter().zip(&mut self.cells) {
            for cell in cells.iter_mut() {
                cell.latencies_us.sort_by(f64::total_cmp);
            }
            let Some((socket, lanes)) = cells.split_last() else { continue };
            for (label, cell) in LABELS.iter().zip(lanes) {
                let name = format!("wait, {label}, {rate}");
                for (share_name, share) in SHARES {
                    let (value, reference) =
                        (quantile(&cell.latencies_us, share), quantile(&socket.latencies_us, share));
                    row(&format!("{name}, {share_name}"), value, "us", reference, SOCKET);
                }
                if counted {
                    row(&format!("{name}, system calls a frame"), cell.calls, "calls", socket.calls, SOCKET);
                }
                row(&format!("{name}, rate reached"), median(cell.hz.clone()), "Hz", hz as f64, "the rate asked for");
            }
            row(
                &format!("{SOCKET}, {rate}, rate reached"),
                median(socket.hz.clone()),
                "Hz",
                hz as f64,
                "the rate asked for",
            );
        }
        let idle: Vec<f64> = self.idle.into_iter().map(median).collect();
        for (label, share) in LABELS.iter().zip(&idle) {
            row(&format!("wait, {label}, CPU while idle"), *share, "% of a core", idle[LANES.len()], SOCKET);
        }
    }
}

fn row(name: &str, value: f64, unit: &str, reference: f64, against: &str) {
    // A ratio to nothing says nothing.
    let reference = Some(reference).filter(|figure| *figure > 0.0);
    let against = if reference.is_some() { against } else { "" };
    Figure { name, value, unit, reference, against, ..Figure::default() }.print();
}
