//! Models of a broadcast ring: four slots, one writer, readers that copy and look again.
//!
//! What a reader delivers must be a frame as it was sent, found out by the sequence word alone: in these models a checksum that
//! does not fit is a mistake too.
use super::host::Host;
use super::memory::{Frames, Memory, Region, sleep as sleep_on};
use super::scenarios::Wrong;
use loom::thread;
use rtt_lane::broadcast::layout::WriterPage;
use rtt_lane::broadcast::{Keep, Reader, Writer};
use rtt_lane::layout::{CONSUMER_PAGE, ConsumerPage, Drop};
use rtt_lane::{Geometry, Knobs, Next};
use rtt_proof::fault::{Fault, Faulty};
use std::mem::offset_of;
use std::rc::Rc;

const WRITER: usize = 0;
const FIRST: usize = 1;
const SECOND: usize = 2;

const SLOTS: u64 = 4;
const RING: usize = 704;
const RING_BYTES: usize = 256;
const GEOMETRY: Geometry = Geometry { producer_page: 0, ring: RING, ring_bytes: RING_BYTES as u64, consumer_page: 0 };
const PAYLOAD: usize = 8;
const KNOBS: Knobs = Knobs { max_frame_bytes: PAYLOAD as u32, budget_ns: 0, rate_hz: 1e6 };

type View = Faulty<Memory>;

struct Lane {
    host: Rc<Host>,
    ring: Rc<Region>,
    fault: Fault,
    writer: Writer<View, View>,
    sent: u64,
}

struct Heard {
    host: Rc<Host>,
    reader: Reader<View, View>,
    ring: Memory,
    who: usize,
    /// Where it goes on: every frame before is delivered or counted as lost.
    next: u64,
}

fn payload(id: u64) -> [u8; PAYLOAD] {
    (id + 1).wrapping_mul(0x0101_0101_0101_0101).to_le_bytes()
}

impl Lane {
    fn new(wrong: Wrong, readers: usize) -> Self {
        let host = Host::new(1 + readers, wrong.barriers);
        let ends = offset_of!(WriterPage, ends);
        let polled =
            [offset_of!(WriterPage, head), offset_of!(WriterPage, ends_written), ends, ends + 8, ends + 16, ends + 24];
        let ring = Region::new(0, RING + RING_BYTES, &polled, RING..RING + RING_BYTES, Frames::Tapped);
        let own = Faulty::new(Memory::new(&host, &ring, WRITER), wrong.fault, RING..RING + RING_BYTES);
        let writer = Writer::new(own, &GEOMETRY, KNOBS).expect("four slots are enough");
        Self { host, ring, fault: wrong.fault, writer, sent: 0 }
    }

    /// A reader that joins at an epoch of its own.
    fn reader(&mut self, who: usize, keep: Keep) -> Heard {
        let page = Region::new(who, CONSUMER_PAGE as usize, &[offset_of!(ConsumerPage, asleep)], 0..0, Frames::Tapped);
        let view = |region: &Rc<Region>, ring, who| Faulty::new(Memory::new(&self.host, region, who), self.fault, ring);
        self.writer.admit_reader(who as u64, view(&page, 0..0, WRITER), 0);
        let peer = view(&self.ring, RING..RING + RING_BYTES, who);
        let mut reader =
            Reader::new(view(&page, 0..0, who), peer, &GEOMETRY, KNOBS, keep).expect("four slots are enough");
        reader.join(who as u64);
        self.writer.end(who as u64);
        assert!(self.sent == 0, "readers join first");
        let ring = Memory::new(&self.host, &self.ring, who);
        let mut heard = Heard { host: Rc::clone(&self.host), reader, ring, who, next: 0 };
        assert_eq!(heard.reader.look(), Next::Empty);
        heard
    }

    fn send(&mut self, frames: u64) {
        for id in self.sent..self.sent + frames {
            assert!(self.writer.send(1, id, 0, 1, &payload(id)).is_ok());
        }
        self.sent += frames;
    }

    /// The writer sends as a thread while the readers read.
    fn run(mut self, frames: u64, end: Option<u64>) -> thread::JoinHandle<()> {
        let host = Rc::clone(&self.host);
        thread::spawn(move || {
            let _running = host.run(WRITER);
            self.send(frames);
            if let Some(epoch) = end {
                self.writer.end(epoch);
            }
        })
    }
}

impl Heard {
    /// Takes what is there; true while there may be more at once.
    fn take(&mut self) -> bool {
        let more = match self.reader.look() {
            Next::Empty => false,
            Next::Frame(bytes) => {
                let mut into = vec![0; bytes];
                if let Ok(received) = self.reader.take(&mut into) {
                    let id = received.header.frame_id;
                    assert!(id >= self.next, "frame {id} comes when {} is next", self.next);
                    assert!(into == payload(id), "a mixture of frames is delivered");
                    self.next = id + 1;
                }
                true
            }
            other => panic!("{other:?}"),
        };
        assert!(self.reader.drops()[Drop::Corrupt as usize] == 0, "a mixture of frames is only found by its checksum");
        more
    }

    fn lost(&self) -> u64 {
        let drops = self.reader.drops();
        drops[Drop::Overwritten as usize] + drops[Drop::Outdated as usize]
    }

    /// Reads until all of so many frames are delivered or counted.
    fn read_all(&mut self, frames: u64, idle: impl Fn(&mut Self)) {
        while self.reader.received() + self.lost() < frames {
            if !self.take() {
                idle(self);
            }
        }
        assert_eq!(self.next, frames, "the newest frame is always there");
    }

    fn sleep(&mut self) {
        self.reader.set_asleep(true);
        self.host.membarrier(self.who);
        if self.reader.look() == Next::Empty {
            sleep_on(&[&self.ring], &self.reader.watches());
        }
        self.reader.set_asleep(false);
    }
}

fn yields(_: &mut Heard) {
    thread::yield_now();
}

/// A reader, its writer beside it.
fn beside(lane: Lane, mut heard: Heard, before: u64, frames: u64, idle: fn(&mut Heard)) {
    let host = Rc::clone(&lane.host);
    let writing = lane.run(frames, None);
    let running = host.run(heard.who);
    heard.read_all(before + frames, idle);
    drop(running);
    writing.join().expect("the writer ends");
}

/// Frames into an empty ring.
pub fn push(wrong: Wrong) {
    let mut lane = Lane::new(wrong, 1);
    let heard = lane.reader(FIRST, Keep::Oldest);
    beside(lane, heard, 0, 2, yields);
}

/// A reader that is a whole ring behind, while its next frame is overwritten.
pub fn overwrite(wrong: Wrong) {
    let mut lane = Lane::new(wrong, 1);
    let heard = lane.reader(FIRST, Keep::Oldest);
    lane.send(SLOTS);
    beside(lane, heard, SLOTS, 1, yields);
}

/// A reader of the newest only.
pub fn latest(wrong: Wrong) {
    let mut lane = Lane::new(wrong, 1);
    let heard = lane.reader(FIRST, Keep::Latest);
    lane.send(SLOTS - 1);
    beside(lane, heard, SLOTS - 1, 2, yields);
}

/// A reader that sleeps whenever there is nothing.
pub fn sleep(wrong: Wrong) {
    let mut lane = Lane::new(wrong, 1);
    let heard = lane.reader(FIRST, Keep::Oldest);
    beside(lane, heard, 0, 2, Heard::sleep);
}

/// Two readers that sleep on the same words: one wake is for both.
pub fn two(wrong: Wrong) {
    let mut lane = Lane::new(wrong, 2);
    let mut first = lane.reader(FIRST, Keep::Oldest);
    let mut second = lane.reader(SECOND, Keep::Oldest);
    assert_eq!(first.reader.look(), Next::Switch(SECOND as u64));
    first.reader.pass_switch();
    let host = Rc::clone(&lane.host);
    let reading = thread::spawn(move || {
        let _running = host.run(SECOND);
        second.read_all(1, Heard::sleep);
    });
    beside(lane, first, 0, 1, Heard::sleep);
    reading.join().expect("the second reader ends");
}

/// The writer notes an end behind its last frame: a reader that sleeps meets it there.
pub fn end(wrong: Wrong) {
    let mut lane = Lane::new(wrong, 1);
    let mut heard = lane.reader(FIRST, Keep::Oldest);
    let host = Rc::clone(&lane.host);
    let writing = lane.run(1, Some(7));
    let running = host.run(FIRST);
    loop {
        match heard.reader.look() {
            Next::Switch(7) => break,
            Next::Empty => heard.sleep(),
            _ => assert!(heard.take()),
        }
    }
    assert_eq!((heard.next, heard.lost()), (1, 0), "the end is behind the last frame");
    drop(running);
    writing.join().expect("the writer ends");
}
