//! The models: each is one execution, which the checker repeats for every interleaving.
use super::broadcast;
use super::flips;
use super::host::Host;
use super::lane::{FRAMES_MAX, PAYLOAD_MAX, RING, RING_BYTES, Receiver, Sender, advance, lane};
use super::memory::{Frames, Memory};
use loom::thread;
use rtt_lane::layout::{HEADER_BYTES, Header, ProducerPage};
use rtt_lane::{Words, checksum};
use rtt_proof::fault::Fault;
use std::mem::offset_of;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

/// What is done wrongly below the ring, if anything.
#[derive(Clone, Copy, Debug)]
pub struct Wrong {
    pub fault: Fault,
    /// Whether a sleeper's barrier reaches the waker.
    pub barriers: bool,
}

pub const HONEST: Wrong = Wrong { fault: Fault::None, barriers: true };

pub struct Scenario {
    pub name: &'static str,
    pub model: fn(Wrong),
    /// How often a thread may be taken off its processor while it could go on.
    pub preemptions: usize,
}

const fn scenario(name: &'static str, preemptions: usize, model: fn(Wrong)) -> Scenario {
    Scenario { name, model, preemptions }
}

/// Those that take longest first.
pub const SCENARIOS: &[Scenario] = &[
    scenario("undo", 3, flips::undo),
    scenario("flip", 3, flips::flip),
    scenario("full", 3, full),
    scenario("blocked", 3, blocked),
    scenario("sleep", 4, sleep),
    scenario("push-pop", 5, push_pop),
    scenario("wrap", 5, wrap),
    scenario("pad", 5, pad),
    scenario("broadcast-overwrite", 3, broadcast::overwrite),
    scenario("broadcast-latest", 3, broadcast::latest),
    scenario("broadcast-sleep", 3, broadcast::sleep),
    scenario("broadcast-two", 3, broadcast::two),
    scenario("broadcast-end", 3, broadcast::end),
    scenario("broadcast-push", 4, broadcast::push),
    scenario("reuse", 5, reuse),
    scenario("blocked-flip", 3, flips::blocked_flip),
    scenario("tap", 3, tap),
];

const SENDER: usize = 0;
const RECEIVER: usize = 1;

fn host(wrong: Wrong) -> Rc<Host> {
    Host::new(2, wrong.barriers)
}

/// Runs the sender as a thread and the receiver as another one.
fn both(
    host: &Rc<Host>,
    (mut sender, mut receiver): (Sender, Receiver),
    send: impl FnOnce(&mut Sender, &Host) + 'static,
    receive: impl FnOnce(&mut Receiver, &Host),
) {
    let sending = {
        let host = Rc::clone(host);
        thread::spawn(move || {
            let _running = host.run(SENDER);
            send(&mut sender, &host);
        })
    };
    let running = host.run(RECEIVER);
    receive(&mut receiver, host);
    drop(running);
    sending.join().expect("the sender ends");
}

/// Frames with payload, a receiver that polls.
fn push_pop(wrong: Wrong) {
    let host = host(wrong);
    let ends = lane(&host, 0, (SENDER, RECEIVER), wrong.fault, Frames::Guarded);
    both(
        &host,
        ends,
        |sender, _| (0..3).for_each(|id| assert!(sender.try_send(id, 32))),
        |receiver, _| (0..3).for_each(|id| receiver.poll(id)),
    );
}

/// The same over the ring's end, where every word has held something else before.
fn wrap(wrong: Wrong) {
    let host = host(wrong);
    let mut ends = lane(&host, 0, (SENDER, RECEIVER), wrong.fault, Frames::Guarded);
    advance(&mut ends.0, &mut ends.1, 0..15, 0);
    both(
        &host,
        ends,
        |sender, _| (15..18).for_each(|id| assert!(sender.try_send(id, 0))),
        |receiver, _| (15..18).for_each(|id| receiver.poll(id)),
    );
}

/// A frame that does not fit before the ring's end.
fn pad(wrong: Wrong) {
    let host = host(wrong);
    let mut ends = lane(&host, 0, (SENDER, RECEIVER), wrong.fault, Frames::Guarded);
    advance(&mut ends.0, &mut ends.1, 0..14, 0);
    both(
        &host,
        ends,
        |sender, _| (14..16).for_each(|id| assert!(sender.try_send(id, if id == 14 { 64 } else { 0 }))),
        |receiver, _| (14..16).for_each(|id| receiver.poll(id)),
    );
}

/// A ring that is full, whose bytes are used again as soon as their credit is back.
fn full(wrong: Wrong) {
    let host = host(wrong);
    let mut ends = lane(&host, 0, (SENDER, RECEIVER), wrong.fault, Frames::Guarded);
    advance(&mut ends.0, &mut ends.1, 0..1, 0);
    (1..=FRAMES_MAX).for_each(|id| assert!(ends.0.try_send(id, 0)));
    assert!(!ends.0.try_send(FRAMES_MAX + 1, 0), "the ring is full");
    both(
        &host,
        ends,
        |sender, _| {
            for id in FRAMES_MAX + 1..FRAMES_MAX + 3 {
                while !sender.try_send(id, 0) {
                    thread::yield_now();
                }
            }
        },
        |receiver, _| (1..FRAMES_MAX + 3).for_each(|id| receiver.poll(id)),
    );
}

/// A ring that is full to the last byte with switches that the receiver has not passed yet: what it gives back is overwritten
/// at once.
fn reuse(wrong: Wrong) {
    let host = host(wrong);
    let mut ends = lane(&host, 0, (SENDER, RECEIVER), wrong.fault, Frames::Guarded);
    (0..FRAMES_MAX).for_each(|id| assert!(ends.0.try_send(id, 0)));
    let mut epoch = 0;
    while ends.0.producer.switch(epoch) {
        epoch += 1;
    }
    both(
        &host,
        ends,
        move |sender, _| {
            for epoch in epoch..epoch + 2 {
                while !sender.producer.switch(epoch) {
                    thread::yield_now();
                }
            }
        },
        |receiver, _| (0..2).for_each(|id| receiver.poll(id)),
    );
}

/// A receiver that sleeps whenever there is nothing.
fn sleep(wrong: Wrong) {
    let host = host(wrong);
    let ends = lane(&host, 0, (SENDER, RECEIVER), wrong.fault, Frames::Guarded);
    both(
        &host,
        ends,
        |sender, _| (0..2).for_each(|id| assert!(sender.try_send(id, 0))),
        |receiver, host| (0..2).for_each(|id| receiver.receive(host, RECEIVER, id)),
    );
}

/// A ring of one frame: each side sleeps whenever the other is slower.
fn blocked(wrong: Wrong) {
    let host = host(wrong);
    let mut ends = lane(&host, 0, (SENDER, RECEIVER), wrong.fault, Frames::Guarded);
    assert!(ends.0.try_send(0, PAYLOAD_MAX) && !ends.0.try_send(1, PAYLOAD_MAX), "one frame fills the ring");
    both(
        &host,
        ends,
        |sender, host| (1..3).for_each(|id| sender.send(host, SENDER, id, PAYLOAD_MAX)),
        |receiver, host| (0..3).for_each(|id| receiver.receive(host, RECEIVER, id)),
    );
}

/// A third party copies the ring's oldest frame while the producer comes round and overwrites it: what it accepts by `claim` is
/// that frame and no mixture.
fn tap(wrong: Wrong) {
    let host = host(wrong);
    let (mut sender, mut receiver) = lane(&host, 0, (SENDER, RECEIVER), wrong.fault, Frames::Tapped);
    let ring = receiver.ring.clone();
    advance(&mut sender, &mut receiver, 0..15, 0);
    let sending = {
        let host = Rc::clone(&host);
        thread::spawn(move || {
            let _running = host.run(SENDER);
            (15..17).for_each(|id| assert!(sender.try_send(id, 0)));
        })
    };
    let running = host.run(RECEIVER);
    if let Some(header) = tapped(&ring) {
        assert!(
            header.frame_id == 0 && checksum::of_frame(&header, &[]) == header.checksum,
            "a tap accepts {header:?}"
        );
    }
    drop(running);
    sending.join().expect("the sender ends");
}

/// The frame at the ring's start in its first round: its length is loaded once, the rest copied, and then `claim` says whether
/// any of it may have been overwritten meanwhile.
fn tapped(ring: &Memory) -> Option<Header> {
    let first = ring.load64(RING, Acquire);
    if first as u32 as usize != HEADER_BYTES {
        return None;
    }
    let [second, third, fourth] = [1, 2, 3].map(|word| ring.load64(RING + word * 8, Relaxed));
    // Pairs with the fence of `Producer::publish`.
    ring.fence(Acquire);
    let claim = ring.load64(offset_of!(ProducerPage, claim), Relaxed);
    (claim <= RING_BYTES).then(|| Header::of_words([first, second, third, fourth]))
}
