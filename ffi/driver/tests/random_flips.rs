//! Random sequences of applies, rollbacks, aborts, idle and busy owners lose, double and reorder nothing.
mod common;

use common::{Keeper, Knobs, Link, Staged};
use proptest::prelude::*;
use rtt_control::lane::Wait;
use rtt_driver::{Driver, Error, Input, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Flip, acknowledge, settle.
    Commit,
    /// Flip, acknowledge, flip back, acknowledge, settle.
    Rollback,
    /// Flip and flip back at once: drivers may never see the first.
    Twitch,
    /// Stage and discard.
    Abort,
    /// The same lanes again, seen from elsewhere: the word moves without concerning anybody here.
    Elsewhere,
    Pause(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Commit),
        2 => Just(Step::Rollback),
        2 => Just(Step::Twitch),
        1 => Just(Step::Abort),
        1 => Just(Step::Elsewhere),
        2 => (0_u64..3_000).prop_map(Step::Pause),
    ];
    prop::collection::vec(step, 1..14)
}

struct Traffic {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    sender: JoinHandle<Output>,
    receiver: JoinHandle<Result<u64, String>>,
}

/// Numbers are sent at some pace and must arrive each once and in order; a slow side is outside its calls most of the time.
fn traffic(mut output: Output, mut input: Input, send_pause: u64, receive_pause: u64) -> Traffic {
    let stop = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicU64::new(0));
    let (stopped, count) = (stop.clone(), sent.clone());
    let sender = std::thread::spawn(move || {
        let mut next = 0_u64;
        while !stopped.load(Ordering::Relaxed) {
            match output.send(&next.to_le_bytes()) {
                Ok(_) => {
                    next += 1;
                    count.store(next, Ordering::Release);
                }
                Err(error) => panic!("frame {next}: {error}"),
            }
            if send_pause > 0 {
                std::thread::sleep(Duration::from_micros(send_pause));
            }
        }
        output
    });
    let receiver = std::thread::spawn(move || {
        let mut expected = 0_u64;
        let mut buffer = [0_u8; 8];
        loop {
            match input.receive_into(&mut buffer, Duration::from_secs(20)) {
                Ok(Some(info)) => {
                    let got = u64::from_le_bytes(buffer);
                    if got == u64::MAX {
                        return Ok(expected);
                    }
                    if got != expected || info.frame_id != expected {
                        return Err(format!("frame {got} with id {} came instead of {expected}", info.frame_id));
                    }
                    expected += 1;
                }
                Ok(None) => return Err(format!("frame {expected} never came")),
                Err(Error::Stopping | Error::Closed) => return Ok(expected),
                Err(error) => return Err(error.to_string()),
            }
            if receive_pause > 0 {
                std::thread::sleep(Duration::from_micros(receive_pause));
            }
        }
    });
    Traffic { stop, sent, sender, receiver }
}

impl Traffic {
    /// The sender's last words; what was sent must have been received.
    fn end(self) -> Result<(), String> {
        self.stop.store(true, Ordering::Relaxed);
        let mut output = self.sender.join().map_err(|_| "the sender panicked".to_owned())?;
        output.send(&u64::MAX.to_le_bytes()).map_err(|error| error.to_string())?;
        let received = self.receiver.join().map_err(|_| "the receiver panicked".to_owned())??;
        let sent = self.sent.load(Ordering::Acquire);
        if received == sent { Ok(()) } else { Err(format!("{sent} sent and {received} received")) }
    }
}

fn perform(keeper: &mut Keeper, step: Step, fresh: impl Fn(&mut Keeper) -> Vec<Link>) {
    let stage = |keeper: &mut Keeper| -> Staged {
        let links = fresh(keeper);
        keeper.stage(links)
    };
    match step {
        Step::Pause(us) => std::thread::sleep(Duration::from_micros(us)),
        Step::Elsewhere => keeper.elsewhere(),
        Step::Abort => {
            let staged = stage(keeper);
            keeper.discard(&staged);
        }
        Step::Commit => {
            let staged = stage(keeper);
            keeper.flip(staged.forward);
            keeper.await_acknowledged(&staged, staged.forward);
            keeper.settle(&staged, staged.forward);
        }
        Step::Rollback => {
            let staged = stage(keeper);
            keeper.flip(staged.forward);
            keeper.await_acknowledged(&staged, staged.forward);
            keeper.flip(staged.inverse);
            keeper.await_acknowledged(&staged, staged.inverse);
            keeper.settle(&staged, staged.inverse);
        }
        Step::Twitch => {
            let staged = stage(keeper);
            keeper.flip(staged.forward);
            keeper.flip(staged.inverse);
            keeper.await_acknowledged(&staged, staged.inverse);
            keeper.settle(&staged, staged.inverse);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Two drivers, lanes in both directions, owners at any pace, who sleep at once or spin before.
    #[test]
    fn flips_lose_double_and_reorder_nothing(
        steps in steps(),
        paces in (0_u64..200, 0_u64..200, 0_u64..200, 0_u64..200),
        ring in 12_u32..16,
        spin_us in prop_oneof![Just(0_u64), 1_u64..300],
    ) {
        let mut keeper = Keeper::new();
        let left: Driver = keeper.start("left.1", &["in"], &[("out", &[])]);
        let right: Driver = keeper.start("right.1", &["in"], &[("out", &[])]);
        let wait = if spin_us == 0 { Wait::Sleep } else { Wait::SpinThenSleep };
        let knobs = Knobs { ring_bytes: 1 << ring, wait, spin_ns: spin_us * 1_000, ..Knobs::default() };
        let fresh = |keeper: &mut Keeper| {
            vec![
                keeper.link(("left.1", "out"), ("right.1", "in"), knobs.clone()),
                keeper.link(("right.1", "out"), ("left.1", "in"), knobs.clone()),
            ]
        };
        let links = fresh(&mut keeper);
        keeper.apply(links);
        let there = traffic(left.output("out").unwrap(), right.input("in").unwrap(), paces.0, paces.1);
        let back = traffic(right.output("out").unwrap(), left.input("in").unwrap(), paces.2, paces.3);
        for step in &steps {
            perform(&mut keeper, *step, fresh);
        }
        prop_assert_eq!(there.end(), Ok(()));
        prop_assert_eq!(back.end(), Ok(()));
    }

    /// A relay whose output depends on its input sits between the two: what it answers comes out in order too.
    #[test]
    fn a_dependent_relay_keeps_the_order(steps in steps(), paces in (0_u64..200, 0_u64..200), quiet in 0_u64..2) {
        let mut keeper = Keeper::new();
        let source = keeper.start("source.1", &[], &[("out", &[])]);
        let relay = keeper.start("relay.1", &["in"], &[("out", &["in"])]);
        let sink = keeper.start("sink.1", &["in"], &[]);
        let fresh = |keeper: &mut Keeper| {
            vec![
                keeper.link(("source.1", "out"), ("relay.1", "in"), Knobs::default()),
                keeper.link(("relay.1", "out"), ("sink.1", "in"), Knobs::default()),
            ]
        };
        let links = fresh(&mut keeper);
        keeper.apply(links);
        let (mut relay_in, mut relay_out) = (relay.input("in").unwrap(), relay.output("out").unwrap());
        relay_out.switch_after_quiet(Duration::from_millis(quiet));
        let relaying = std::thread::spawn(move || {
            while let Ok(frame) = relay_in.receive(Duration::from_secs(20)) {
                let Some(frame) = frame else { return };
                if relay_out.send(&frame.payload).is_err() {
                    return;
                }
            }
        });
        let traffic = traffic(source.output("out").unwrap(), sink.input("in").unwrap(), paces.0, paces.1);
        for step in &steps {
            perform(&mut keeper, *step, fresh);
        }
        prop_assert_eq!(traffic.end(), Ok(()));
        relay.close();
        relaying.join().unwrap();
    }
}
