//! Models of a change of lanes: an output that leaves a lane with its `SWITCH` at the epoch that it sees, and an input that
//! drains to it before it touches the next lane, as `outport` and `reading` of the kit do. Two lanes: odd epochs are on the
//! second, even ones back on the first at the position that it had.
use super::host::Host;
use super::lane::{FRAMES_MAX, Receiver, Sender, lane};
use super::memory::{Frames, Memory, Region, sleep};
use super::scenarios::Wrong;
use loom::thread;
use rtt_lane::wait::Watch;
use rtt_lane::{Next, Words, WordsMut};
use std::rc::Rc;
use std::sync::atomic::Ordering::{Acquire, SeqCst};

const SENDER: usize = 0;
const RECEIVER: usize = 1;
const KEEPER: usize = 2;

/// The keeper's word as one thread sees it.
struct Epoch {
    word: Memory,
    seen: u64,
}

impl Epoch {
    fn now(&self) -> u64 {
        self.word.load64(0, Acquire)
    }

    fn moved(&self) -> bool {
        self.now() != self.seen
    }

    fn watch(&self) -> Watch<'_> {
        Watch { word: self.word.futex(0), seen: self.seen as u32 }
    }

    /// Sleeps until it moves.
    fn wait(&self) {
        if !self.moved() {
            sleep(&[&self.word], &[self.watch()]);
        }
    }

    /// The decision, and the one wake.
    fn flip(&self, to: u64) {
        self.word.store64(0, to, SeqCst);
        self.word.wake(0);
    }
}

struct Output {
    lanes: [Sender; 2],
    epoch: Epoch,
    host: Rc<Host>,
}

impl Output {
    fn lane(&mut self) -> &mut Sender {
        &mut self.lanes[self.epoch.seen as usize % 2]
    }

    /// Performs each epoch up to the one that is seen, in order.
    fn refresh(&mut self) {
        let now = self.epoch.now();
        while self.epoch.seen < now {
            let next = self.epoch.seen + 1;
            assert!(self.lane().producer.switch(next), "a SWITCH always has room");
            self.epoch.seen = next;
        }
    }

    fn send(&mut self, id: u64) {
        loop {
            self.refresh();
            if self.lane().try_send(id, 0) {
                return;
            }
            let lane = &mut self.lanes[self.epoch.seen as usize % 2];
            lane.producer.set_asleep(true);
            self.host.membarrier(SENDER);
            if !lane.producer.fits(0) && !self.epoch.moved() {
                sleep(&[&lane.credit, &self.epoch.word], &[lane.producer.watch(), self.epoch.watch()]);
            }
            lane.producer.set_asleep(false);
        }
    }

    /// An owner who has nothing to send: the kit's thread performs the rest.
    fn perform_until(&mut self, last: u64) {
        loop {
            self.refresh();
            if self.epoch.seen == last {
                return;
            }
            self.epoch.wait();
        }
    }
}

struct Input {
    lanes: [Receiver; 2],
    epoch: Epoch,
    /// Epochs whose `SWITCH` has come.
    performed: u64,
    host: Rc<Host>,
}

impl Input {
    /// All frames of `ids`, in order, and every step up to `last`.
    fn receive(&mut self, ids: std::ops::Range<u64>, last: u64) {
        let mut next = ids.start;
        while next < ids.end || self.performed < last {
            let epoch = self.epoch.now();
            self.epoch.seen = epoch;
            let lane = &mut self.lanes[self.performed as usize % 2];
            match lane.consumer.look() {
                Next::Frame(_) => {
                    assert!(lane.try_receive(next));
                    next += 1;
                }
                Next::Switch(switched) if switched <= epoch => {
                    assert_eq!(switched, self.performed + 1, "a SWITCH is lost or out of order");
                    lane.consumer.pass_switch();
                    self.performed = switched;
                }
                // Of an epoch that this side has not seen yet: the producer saw it first.
                Next::Switch(_) => self.epoch.wait(),
                Next::Empty => {
                    lane.consumer.set_asleep(true);
                    self.host.membarrier(RECEIVER);
                    if lane.consumer.look() == Next::Empty && !self.epoch.moved() {
                        let watches = [lane.consumer.watch(), self.epoch.watch()];
                        sleep(&[&lane.ring, &self.epoch.word], &watches);
                    }
                    lane.consumer.set_asleep(false);
                }
                Next::Broken => panic!("an honest lane broke"),
            }
        }
        assert_eq!((next, self.performed), (ids.end, last), "something came that was not sent");
    }
}

fn ends(wrong: Wrong) -> (Output, Input, Epoch, Rc<Host>) {
    let host = Host::new(3, wrong.barriers);
    let page = Region::new(9, 8, &[0], 0..0, Frames::Guarded);
    let epoch = |who| Epoch { word: Memory::new(&host, &page, who), seen: 0 };
    let lane = |number| lane(&host, number, (SENDER, RECEIVER), wrong.fault, Frames::Guarded);
    let ((s0, r0), (s1, r1)) = (lane(0), lane(1));
    let output = Output { lanes: [s0, s1], epoch: epoch(SENDER), host: Rc::clone(&host) };
    let input = Input { lanes: [r0, r1], epoch: epoch(RECEIVER), performed: 0, host: Rc::clone(&host) };
    let keeper = epoch(KEEPER);
    (output, input, keeper, host)
}

fn run(host: &Rc<Host>, who: usize, thread: impl FnOnce() + 'static) -> thread::JoinHandle<()> {
    let host = Rc::clone(host);
    thread::spawn(move || {
        let _running = host.run(who);
        thread();
    })
}

/// A frame is sent and received while the keeper flips to `last`, one epoch further than the word is at the start.
fn flips(wrong: Wrong, last: u64) {
    let (mut output, mut input, keeper, host) = ends(wrong);
    keeper.flip(last - 1);
    let keeping = run(&host, KEEPER, move || keeper.flip(last));
    let sending = run(&host, SENDER, move || {
        output.send(0);
        output.perform_until(last);
    });
    let running = host.run(RECEIVER);
    input.receive(0..1, last);
    drop(running);
    keeping.join().expect("the keeper ends");
    sending.join().expect("the sender ends");
}

/// A flip while a frame is under way, and both sides sleep whenever they can.
pub fn flip(wrong: Wrong) {
    flips(wrong, 1);
}

/// A flip that is undone: drivers have slept over it, and perform both.
pub fn undo(wrong: Wrong) {
    flips(wrong, 2);
}

/// A sender blocked on a full ring whose receiver is stopped: the flip alone wakes it, and it goes on in the new lane.
pub fn blocked_flip(wrong: Wrong) {
    let (mut output, mut input, keeper, host) = ends(wrong);
    (0..FRAMES_MAX).for_each(|id| assert!(output.lane().try_send(id, 0)));
    let sending = run(&host, SENDER, move || {
        output.send(FRAMES_MAX);
        output.perform_until(1);
    });
    let running = host.run(KEEPER);
    keeper.flip(1);
    drop(running);
    sending.join().expect("the sender ends");
    input.receive(0..FRAMES_MAX + 1, 1);
}
