//! A small lane in the memory of a model, and its two ends as the driver kit uses them.
use super::host::Host;
use super::memory::{Frames, Memory, Region, sleep};
use rtt_lane::layout::{CONSUMER_PAGE, ConsumerPage, ProducerPage};
use rtt_lane::{Consumer, Geometry, Knobs, Next, Producer, Refused};
use rtt_proof::fault::{Fault, Faulty};
use std::mem::offset_of;
use std::rc::Rc;

/// The smallest ring that takes a frame beside the room kept for switches.
pub const RING_BYTES: u64 = 512;
/// Empty frames that fill it.
pub const FRAMES_MAX: u64 = 7;
/// The largest payload: a quarter of the ring with its header.
pub const PAYLOAD_MAX: usize = 96;

pub const RING: usize = 512;
const GEOMETRY: Geometry = Geometry { producer_page: 0, ring: RING, ring_bytes: RING_BYTES, consumer_page: 0 };
/// No frame but the first is stamped: time is not part of the model.
const KNOBS: Knobs = Knobs { max_frame_bytes: PAYLOAD_MAX as u32, budget_ns: 0, rate_hz: 1e6 };

type View = Faulty<Memory>;

/// The sending end, with the view that its owner sleeps on.
#[derive(Debug)]
pub struct Sender {
    pub producer: Producer<View, View>,
    pub credit: Memory,
}

#[derive(Debug)]
pub struct Receiver {
    pub consumer: Consumer<View, View>,
    pub ring: Memory,
}

/// A lane whose number is `number`, from thread `from` to thread `to`.
pub fn lane(
    host: &Rc<Host>,
    number: usize,
    (from, to): (usize, usize),
    fault: Fault,
    frames: Frames,
) -> (Sender, Receiver) {
    let ring_end = RING + RING_BYTES as usize;
    let claim = offset_of!(ProducerPage, claim);
    let asleep = offset_of!(ProducerPage, asleep);
    let polled: &[usize] = if frames == Frames::Tapped { &[claim, asleep] } else { &[asleep] };
    let ring = Region::new(number * 2, ring_end, polled, RING..ring_end, frames);
    let polled = [offset_of!(ConsumerPage, credit), offset_of!(ConsumerPage, asleep)];
    let credit = Region::new(number * 2 + 1, CONSUMER_PAGE as usize, &polled, 0..0, frames);
    let view = |region: &Rc<Region>, who: usize| Memory::new(host, region, who);
    let in_ring = |who: usize| Faulty::new(view(&ring, who), fault, RING..ring_end);
    let in_credit = |who: usize| Faulty::new(view(&credit, who), fault, 0..0);
    let sender = Sender {
        producer: Producer::new(in_ring(from), in_credit(from), GEOMETRY, KNOBS),
        credit: view(&credit, from),
    };
    let receiver =
        Receiver { consumer: Consumer::new(in_credit(to), in_ring(to), GEOMETRY, KNOBS), ring: view(&ring, to) };
    (sender, receiver)
}

/// The payload that frame `id` carries: told by its number, so that a mixture of two is seen.
pub fn payload(id: u64, bytes: usize) -> Vec<u8> {
    (0..bytes as u64).map(|at| (id * 31 + at + 1) as u8).collect()
}

impl Sender {
    pub fn try_send(&mut self, id: u64, bytes: usize) -> bool {
        match self.producer.send(1, id, 0, 1, &payload(id, bytes)) {
            Ok(()) => true,
            Err(Refused::Full) => false,
            Err(refused) => panic!("frame {id}: {refused:?}"),
        }
    }

    /// Sleeps until there may be room, as `Output` of the kit does.
    pub fn sleep_while_full(&mut self, host: &Host, who: usize, bytes: usize) {
        self.producer.set_asleep(true);
        host.membarrier(who);
        if !self.producer.fits(bytes) {
            sleep(&[&self.credit], &[self.producer.watch()]);
        }
        self.producer.set_asleep(false);
    }

    pub fn send(&mut self, host: &Host, who: usize, id: u64, bytes: usize) {
        while !self.try_send(id, bytes) {
            self.sleep_while_full(host, who, bytes);
        }
    }
}

impl Receiver {
    /// Takes the next frame, if there is one, which must be `id`; its credit goes back.
    pub fn try_receive(&mut self, id: u64) -> bool {
        match self.consumer.look() {
            Next::Empty => false,
            Next::Frame(bytes) => {
                let mut into = vec![0; bytes];
                let received = self.consumer.take(&mut into).expect("a frame is whole");
                assert_eq!(received.header.frame_id, id, "a frame is lost, doubled or out of order");
                assert_eq!(into, payload(id, bytes), "a frame is changed");
                self.consumer.done();
                true
            }
            other => panic!("frame {id}: {other:?}"),
        }
    }

    /// Sleeps until there may be a frame, as `Input` of the kit does.
    pub fn sleep_while_empty(&mut self, host: &Host, who: usize) {
        self.consumer.set_asleep(true);
        host.membarrier(who);
        if self.consumer.look() == Next::Empty {
            sleep(&[&self.ring], &[self.consumer.watch()]);
        }
        self.consumer.set_asleep(false);
    }

    pub fn receive(&mut self, host: &Host, who: usize, id: u64) {
        while !self.try_receive(id) {
            self.sleep_while_empty(host, who);
        }
    }

    /// Polls for it.
    pub fn poll(&mut self, id: u64) {
        while !self.try_receive(id) {
            loom::thread::yield_now();
        }
    }
}

/// Moves both ends on by frames that are sent and received before anybody else runs.
pub fn advance(sender: &mut Sender, receiver: &mut Receiver, frames: std::ops::Range<u64>, bytes: usize) {
    for id in frames {
        assert!(sender.try_send(id, bytes) && receiver.try_receive(id), "the model is set up wrongly");
    }
}
