//! rtrb: a ring for two threads, without header, checksum or clock; here in memory of two processes. Both of its ways to
//! carry 32 bytes are measured.
use rtrb::{Consumer, Producer, RingBuffer};
use rtt_bench::Outcome;
use rtt_bench::lanes::LaneTrip;
use rtt_bench::trips::{PAYLOAD, Trip};

use crate::HEAP;

/// As much memory as the lane has.
const BYTES: usize = LaneTrip::RING_BYTES as usize;

type Element = [u64; PAYLOAD / 8];

/// One element a message: `push` and `pop`.
pub struct Elements {
    there: (Producer<Element>, Consumer<Element>),
    back: (Producer<Element>, Consumer<Element>),
}

impl Elements {
    pub fn new() -> Outcome<Self> {
        HEAP.sharing(|| Self { there: RingBuffer::new(BYTES / PAYLOAD), back: RingBuffer::new(BYTES / PAYLOAD) })
    }
}

fn pop(from: &mut Consumer<Element>) -> Element {
    loop {
        if let Ok(element) = from.pop() {
            return element;
        }
        std::hint::spin_loop();
    }
}

impl Trip for Elements {
    #[inline]
    fn ask(&mut self, number: u64) {
        self.there.0.push([number; _]).expect("one message at a time fits");
        assert!(pop(&mut self.back.1)[0] == number, "bug: another message came back");
    }

    #[inline]
    fn echo(&mut self, _number: u64) {
        let element = pop(&mut self.there.1);
        self.back.0.push(element).expect("one message at a time fits");
    }
}

/// A chunk of bytes a message.
pub struct Chunks {
    there: (Producer<u8>, Consumer<u8>),
    back: (Producer<u8>, Consumer<u8>),
    payload: [u8; PAYLOAD],
}

impl Chunks {
    pub fn new() -> Outcome<Self> {
        HEAP.sharing(|| Self { there: RingBuffer::new(BYTES), back: RingBuffer::new(BYTES), payload: [7; PAYLOAD] })
    }
}

fn pop_chunk(from: &mut Consumer<u8>, into: &mut [u8]) {
    while from.pop_entire_slice(into).is_err() {
        std::hint::spin_loop();
    }
}

impl Trip for Chunks {
    #[inline]
    fn ask(&mut self, _number: u64) {
        self.there.0.push_entire_slice(&self.payload).expect("one message at a time fits");
        pop_chunk(&mut self.back.1, &mut self.payload);
    }

    #[inline]
    fn echo(&mut self, _number: u64) {
        pop_chunk(&mut self.there.1, &mut self.payload);
        self.back.0.push_entire_slice(&self.payload).expect("one message at a time fits");
    }
}
