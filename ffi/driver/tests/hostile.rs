//! What a driver may rely on when the peer on a lane does its worst: its calls keep their time, its memory stays as it was, and
//! it follows the plan. A ring is filled once here; read in place, it then has no end.
mod common;

use common::{Keeper, Knobs, Link, PATIENCE};
use rtt_control::driver::DriverToKeeper;
use rtt_driver::{Driver, Input, Output};
use rtt_lane::layout::{Drop, FRAME_ALIGNMENT, HEADER_BYTES, Header, flag, padded};
use rtt_lane::{WordsMut, checksum};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_millis(100);
/// How late a call may be on a busy machine; without a bound it is never there.
const LATE: Duration = Duration::from_secs(3);
const RING: u64 = 1 << 20;
/// The number of the tests' only route.
const ROUTE: u32 = 1;

/// A header that lies in the ring as often as it fits.
#[derive(Clone, Copy)]
struct Forged {
    route_id: u32,
    epoch: u64,
    flags: u32,
    payload: usize,
    is_sound: bool,
}

const PLAIN: Forged = Forged { route_id: ROUTE, epoch: 0, flags: 0, payload: 8, is_sound: true };

fn fill(keeper: &Keeper, link: &Link, forged: Forged) {
    let (ring, start, bytes) = keeper.ring(link);
    let size = padded((HEADER_BYTES + forged.payload) as u64) as usize;
    assert!(FRAME_ALIGNMENT.is_power_of_two() && forged.payload.is_multiple_of(8));
    // A whole number of frames: behind the last comes the first again.
    let last = (bytes - forged.payload - HEADER_BYTES) / size * size;
    for at in (0..=last).step_by(size) {
        // The last one is as long as what is left, so that the ring closes.
        let payload = if at == last { bytes - last - HEADER_BYTES } else { forged.payload };
        let header = Header {
            len: (HEADER_BYTES + payload) as u32,
            route_id: if forged.route_id == ROUTE { ROUTE } else { forged.route_id + at as u32 },
            frame_id: forged.epoch,
            flags: forged.flags,
            ..Header::default()
        };
        let zeroes = vec![0; payload];
        let sum = checksum::of_words(header.words(), &zeroes) ^ u32::from(!forged.is_sound);
        let [first, id, stamp, flags] = header.words();
        ring.copy_in(start + at + HEADER_BYTES, &zeroes);
        for (word, value) in [first, id, stamp, flags | u64::from(sum)].into_iter().enumerate() {
            ring.store64(start + at + word * 8, value, Ordering::Release);
        }
    }
}

fn resident_kib() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn within<T>(what: &str, limit: Duration, call: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = call();
    assert!(began.elapsed() < limit, "{what} took {:?}", began.elapsed());
    result
}

/// One test at a time: the memory that is looked at is the whole process's.
static ALONE: Mutex<()> = Mutex::new(());

struct Scene {
    _alone: MutexGuard<'static, ()>,
    keeper: Keeper,
    link: Link,
    input: Input,
    /// Whoever takes the hostile source's place.
    honest: Output,
    _drivers: Vec<Driver>,
}

/// A sink on a lane of a source that is about to go wrong, and another source that is not wired yet.
fn scene() -> Scene {
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut keeper = Keeper::new();
    let source = keeper.start("source.1", &[], &[("out", &[])]);
    let sink = keeper.start("sink.1", &["in"], &[]);
    let other = keeper.start("other.1", &[], &[("out", &[])]);
    let (honest, input) = (other.output("out").unwrap(), sink.input("in").unwrap());
    let knobs = Knobs { ring_bytes: RING, drain_ns: 20_000_000, ..Knobs::default() };
    let link = keeper.link(("source.1", "out"), ("sink.1", "in"), knobs);
    keeper.apply(vec![link.clone()]);
    // From now on it takes no part: it is shown nothing and answers nothing.
    keeper.given_up.insert("source.1".into());
    Scene { _alone: alone, keeper, link, input, honest, _drivers: vec![source, sink, other] }
}

impl Scene {
    /// What may come is passed or delivered in bounded time, and nothing is kept of it.
    fn calls_keep_their_time(&mut self) {
        let before = resident_kib();
        let mut buffer = [0; 256];
        for _ in 0..3 {
            within("receive", TIMEOUT + LATE, || self.input.receive(TIMEOUT).unwrap());
            within("receive_into", TIMEOUT + LATE, || self.input.receive_into(&mut buffer, TIMEOUT).unwrap());
        }
        within("latest", LATE, || self.input.latest().unwrap());
        let grown = resident_kib() - before;
        assert!(grown < 4_096, "{grown} KiB more");
    }

    /// The plan that puts an honest source in its place is followed, and its frames arrive.
    fn replace(mut self) {
        let next = self.keeper.link(("other.1", "out"), ("sink.1", "in"), Knobs::default());
        let staged = self.keeper.stage(vec![next]);
        self.keeper.flip(staged.forward);
        let mut input = self.input;
        // Its owner is inside most of the time, and so it is the owner who performs the flip.
        let receiving = std::thread::spawn(move || {
            let until = Instant::now() + PATIENCE;
            while Instant::now() < until {
                if input.receive(TIMEOUT).unwrap().is_some_and(|frame| frame.payload == [7; 24]) {
                    return true;
                }
            }
            false
        });
        self.keeper.await_acknowledged(&staged, staged.forward);
        self.honest.send(&[7; 24]).unwrap();
        assert!(receiving.join().unwrap(), "the honest source is not heard");
    }

    fn drops(&self, reason: Drop) -> u64 {
        self.keeper.figures(&self.link).drops[reason as usize]
    }
}

#[test]
fn frames_sent_again_without_end_hold_nobody() {
    let mut scene = scene();
    fill(&scene.keeper, &scene.link, Forged { flags: flag::RESENT, ..PLAIN });
    scene.calls_keep_their_time();
    assert!(scene.drops(Drop::Duplicate) > 0);
    scene.replace();
}

#[test]
fn corrupt_frames_without_end_hold_nobody() {
    let mut scene = scene();
    fill(&scene.keeper, &scene.link, Forged { is_sound: false, ..PLAIN });
    scene.calls_keep_their_time();
    assert!(scene.drops(Drop::Corrupt) > 0);
    scene.replace();
}

#[test]
fn frames_of_routes_that_are_not_this_lanes_are_corrupt_and_not_remembered() {
    let mut scene = scene();
    fill(&scene.keeper, &scene.link, Forged { route_id: 1_000, ..PLAIN });
    scene.calls_keep_their_time();
    assert!(scene.drops(Drop::Corrupt) > 0);
    assert_eq!(scene.keeper.figures(&scene.link).received, 0);
    scene.replace();
}

#[test]
fn frames_above_the_routes_own_maximum_are_passed() {
    let mut scene = scene();
    fill(&scene.keeper, &scene.link, Forged { payload: 264, ..PLAIN });
    scene.calls_keep_their_time();
    assert!(scene.drops(Drop::TooLarge) > 0);
    assert_eq!(scene.keeper.figures(&scene.link).received, 0);
    scene.replace();
}

#[test]
fn switches_of_epochs_gone_by_hold_nobody() {
    let mut scene = scene();
    fill(&scene.keeper, &scene.link, Forged { route_id: 0, payload: 0, flags: flag::SWITCH, epoch: 1, is_sound: true });
    scene.calls_keep_their_time();
    scene.replace();
}

#[test]
fn sound_frames_without_end_hold_neither_latest_nor_a_flip() {
    let mut scene = scene();
    fill(&scene.keeper, &scene.link, PLAIN);
    scene.calls_keep_their_time();
    scene.replace();
}

/// The control thread drains for an owner who never comes.
#[test]
fn a_flip_past_an_endless_lane_is_acknowledged_for_an_owner_who_is_outside() {
    for forged in [PLAIN, Forged { flags: flag::RESENT, ..PLAIN }, Forged { is_sound: false, ..PLAIN }] {
        let Scene { _alone, mut keeper, link, input, mut honest, _drivers } = scene();
        fill(&keeper, &link, forged);
        let next = keeper.link(("other.1", "out"), ("sink.1", "in"), Knobs::default());
        within("the flip", LATE, || keeper.apply(vec![next]));
        honest.send(&[7; 24]).unwrap();
        drop(input);
    }
}

/// The way back leads onto a lane that was left before its `SWITCH`: all that is on it is superseded, and it never ends.
#[test]
fn a_lane_that_was_left_early_and_never_ends_holds_nobody() {
    let mut scene = scene();
    let next = scene.keeper.link(("other.1", "out"), ("sink.1", "in"), Knobs::default());
    let staged = scene.keeper.stage(vec![next]);
    scene.keeper.flip(staged.forward);
    scene.keeper.await_acknowledged(&staged, staged.forward);
    fill(&scene.keeper, &scene.link, PLAIN);
    scene.keeper.flip(staged.inverse);
    scene.keeper.await_acknowledged(&staged, staged.inverse);
    scene.keeper.settle(&staged, staged.inverse);
    scene.calls_keep_their_time();
    assert!(scene.drops(Drop::Superseded) > 0);
    assert_eq!(scene.keeper.figures(&scene.link).received, 0);
    scene.replace();
}

#[test]
fn a_broken_lane_is_told_of_once_and_counted_once() {
    let mut scene = scene();
    let (ring, start, _) = scene.keeper.ring(&scene.link);
    // No frame is that long, and the producer's head leads nowhere.
    ring.store32(start, 7, Ordering::Release);
    scene.calls_keep_their_time();
    match scene.keeper.hear("sink.1") {
        DriverToKeeper::Failed { code, message } => {
            assert_eq!(code, "lane.broken");
            assert!(message.contains("source.1") && message.contains("route"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    assert!(scene.keeper.hear_within("sink.1", Duration::from_millis(50)).is_none(), "it was told twice");
    assert_eq!(scene.drops(Drop::Corrupt), 1);
    // Whatever is written there now, the lane stays broken until it is replaced.
    fill(&scene.keeper, &scene.link, PLAIN);
    assert_eq!(scene.input.receive(TIMEOUT).unwrap(), None);
    scene.replace();
}

#[test]
fn an_input_reads_as_many_lanes_as_its_limit_and_not_one_more() {
    use rtt_driver::limits::LANES_OF_AN_INPUT;
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (lanes, is_taken) in [(LANES_OF_AN_INPUT, true), (LANES_OF_AN_INPUT + 1, false)] {
        let mut keeper = Keeper::new();
        let names: Vec<String> = (0..lanes).map(|index| format!("out{index}")).collect();
        let outs: Vec<(&str, &[&str])> = names.iter().map(|name| (name.as_str(), [].as_slice())).collect();
        let source = keeper.start("source.1", &[], &outs);
        let _sink = keeper.start("sink.1", &["in"], &[]);
        let links = names.iter().map(|name| keeper.link(("source.1", name), ("sink.1", "in"), Knobs::default()));
        let links: Vec<Link> = links.collect();
        if is_taken {
            keeper.apply(links);
            assert!(source.output("out0").unwrap().send(&[1; 8]).is_ok());
            continue;
        }
        let staged = keeper.show(links);
        keeper.expect("source.1", &DriverToKeeper::Mapped(staged.id));
        match keeper.hear("sink.1") {
            DriverToKeeper::Failed { code, message } => {
                assert_eq!(code, "driver.binding");
                assert!(message.contains(&format!("more than {LANES_OF_AN_INPUT} lanes")), "{message}");
            }
            other => panic!("{other:?}"),
        }
    }
}
