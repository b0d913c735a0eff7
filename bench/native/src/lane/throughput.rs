//! Sustained rates of 64-byte frames, checksum on, stamps sampled: for a consumer that is faster than its producer, as fast,
//! and slower; against a ring with nothing but the frames.
use rtt_bench::bare::{BareRing, FRAME_WORDS};
use rtt_bench::flows::{Flow, Flows, Mode, Rates};
use rtt_bench::lanes::{Receiver, SAMPLED_HZ, Sender, lane, try_receive};
use rtt_bench::{Figure, Outcome};
use rtt_lane::clock;

/// With its header a frame of 64 bytes.
const PAYLOAD: usize = 32;
const RING_BYTES: u64 = 1 << 20;
/// As many as take a few milliseconds: on a machine that does other work too most turns are then not interrupted.
const FRAMES: u64 = 100_000;
/// As many as fit.
const FITTING: u64 = 16_000;
const TURNS: u64 = 41;
/// A consumer that returns its credit at each frame makes the producer's line bounce: it is returned in batches.
const CREDIT_EVERY: u64 = 64;
/// Spins of a consumer that found nothing: it then takes several frames from lines that are no longer written.
const BACK_OFF: u32 = 40;
/// Links of the chain of multiplications that makes a side slow: about 25 ns.
const SLOW: u32 = 25;

pub fn measure() -> Outcome {
    let mut flows = Flows::default();
    let sides = [(0, 0), (SLOW, 0), (0, SLOW)];
    for (producer, consumer) in sides {
        flows.enter(Mode::Together, FRAMES, LaneFlow::new(producer, consumer)?);
        flows.enter(Mode::InTurn, FITTING, LaneFlow::new(producer, consumer)?);
        flows.enter(Mode::Together, FRAMES, BareFlow::new(producer, consumer, BACK_OFF)?);
        flows.enter(Mode::Together, FRAMES, BareFlow::new(producer, consumer, 0)?);
    }
    let rates = flows.run(TURNS)?;
    let [equal, faster, slower] = [0, 4, 8].map(|first| &rates[first..first + 4]);
    row("consumer as fast", equal[0], best(equal), "bare ring of 64 B", ">= 0.8x, >= 90 M frames/s");
    row("consumer faster", faster[0], best(faster), "bare ring of 64 B", ">= 0.8x");
    row("consumer faster", faster[0], faster[1].produced, "the producer alone", "");
    row("consumer slower", slower[0], slower[1].consumed, "the consumer alone", ">= 0.9x");
    row("consumer slower", slower[0], best(slower), "bare ring of 64 B", "");
    for (name, rates) in [("as fast", equal), ("faster", faster), ("slower", slower)] {
        figure(
            &format!("bare ring, consumer {name}, right behind"),
            rates[3].consumed,
            rates[2].consumed,
            "backing off",
            "",
        );
    }
    figure("lane, the producer alone", equal[1].produced, equal[1].consumed, "the consumer alone", "");
    Ok(())
}

/// The bare ring in the better of its two ways.
fn best(rates: &[Rates]) -> f64 {
    rates[2].consumed.max(rates[3].consumed)
}

fn row(case: &str, rates: Rates, reference: f64, against: &str, mark: &str) {
    figure(&format!("lane, sustained, 64 B, {case}"), rates.consumed, reference, against, mark);
}

fn figure(name: &str, value: f64, reference: f64, against: &str, mark: &str) {
    Figure { name, value: value / 1e6, unit: "M frames/s", reference: Some(reference / 1e6), against, mark }.print();
}

/// Takes some time, with no access to memory.
#[inline]
fn work(links: u32) {
    let mut value = 3_u64;
    for _ in 0..links {
        value = std::hint::black_box(value).wrapping_mul(5);
    }
    std::hint::black_box(value);
}

struct LaneFlow {
    sender: Sender,
    receiver: Receiver,
    producer_work: u32,
    consumer_work: u32,
    sent: u64,
}

impl LaneFlow {
    fn new(producer_work: u32, consumer_work: u32) -> Outcome<Self> {
        let (sender, receiver) = lane(RING_BYTES, PAYLOAD as u32, SAMPLED_HZ)?;
        Ok(Self { sender, receiver, producer_work, consumer_work, sent: 0 })
    }
}

impl Flow for LaneFlow {
    fn produce(&mut self, frames: u64) {
        let payload = [0x5a_u8; PAYLOAD];
        for _ in 0..frames {
            work(self.producer_work);
            let now = if self.sender.wants_stamp() { clock::now() } else { 0 };
            while self.sender.send(1, self.sent, 0, now, &payload).is_err() {
                std::hint::spin_loop();
            }
            self.sent += 1;
        }
    }

    fn consume(&mut self, frames: u64) {
        let (mut payload, mut received) = ([0; PAYLOAD], 0);
        while received < frames {
            if try_receive(&mut self.receiver, &mut payload) {
                received += 1;
                if u64::is_multiple_of(received, CREDIT_EVERY) {
                    self.receiver.done();
                }
                work(self.consumer_work);
            } else {
                self.receiver.done();
                back_off(BACK_OFF);
            }
        }
        self.receiver.done();
    }
}

fn back_off(spins: u32) {
    for _ in 0..spins.max(1) {
        std::hint::spin_loop();
    }
}

struct BareFlow {
    ring: BareRing,
    known: u64,
    produced: u64,
    consumed: u64,
    producer_work: u32,
    consumer_work: u32,
    back_off: u32,
}

impl BareFlow {
    fn new(producer_work: u32, consumer_work: u32, back_off: u32) -> Outcome<Self> {
        let ring = BareRing::new(RING_BYTES as usize / 64)?;
        Ok(Self { ring, known: 0, produced: 0, consumed: 0, producer_work, consumer_work, back_off })
    }
}

impl Flow for BareFlow {
    fn produce(&mut self, frames: u64) {
        let payload = [0x5a; FRAME_WORDS];
        for _ in 0..frames {
            work(self.producer_work);
            self.produced += 1;
            while !self.ring.has_room(self.produced, &mut self.known) {
                std::hint::spin_loop();
            }
            self.ring.write(self.produced, &payload);
        }
    }

    fn consume(&mut self, frames: u64) {
        let mut payload = [0; FRAME_WORDS];
        for _ in 0..frames {
            self.consumed += 1;
            while !self.ring.read(self.consumed, &mut payload) {
                back_off(self.back_off);
            }
            std::hint::black_box(&payload);
            if self.consumed.is_multiple_of(CREDIT_EVERY) {
                self.ring.give_credit(self.consumed);
            }
            work(self.consumer_work);
        }
        self.ring.give_credit(self.consumed);
    }
}
