//! A broadcast lane delivers to each reader what was sent from where it joined, in order and unchanged; what a slow reader
//! loses is counted on it alone.
use super::lane::{Broadcast, Heard, broadcast, knobs};
use proptest::prelude::*;
use rtt_lane::broadcast::Keep;
use rtt_lane::broadcast::figures::figures;
use rtt_lane::broadcast::layout::payload_max;
use rtt_lane::layout::Drop;
use rtt_lane::{Next, Refused, clock};

const OVERWRITTEN: usize = Drop::Overwritten as usize;
const OUTDATED: usize = Drop::Outdated as usize;

fn payload(id: u64) -> Vec<u8> {
    (0..id * 7 % 89).map(|at| (at ^ id) as u8).collect()
}

fn send(lane: &mut Broadcast, id: u64) {
    lane.writer.send(7, id, 0, clock::now(), &payload(id)).unwrap();
}

/// The next frame's id, its payload checked.
fn take(heard: &mut Heard) -> Option<u64> {
    match heard.reader.look() {
        Next::Frame(bytes) => {
            let mut into = vec![0; bytes];
            let got = heard.reader.take(&mut into).unwrap();
            heard.reader.done();
            assert_eq!((got.header.route_id, &into), (7, &payload(got.header.frame_id)));
            Some(got.header.frame_id)
        }
        Next::Empty => None,
        other => panic!("an honest lane shows {other:?}"),
    }
}

fn all(heard: &mut Heard) -> Vec<u64> {
    std::iter::from_fn(|| take(heard)).collect()
}

#[test]
fn every_reader_gets_every_frame() {
    let mut lane = broadcast(1 << 14, knobs(88));
    let mut readers: Vec<Heard> = (1..=3).map(|number| lane.joined(number, Keep::Oldest, number)).collect();
    for id in 0..100 {
        send(&mut lane, id);
    }
    for heard in &mut readers {
        while let Next::Switch(_) = heard.reader.look() {
            heard.reader.pass_switch();
        }
        assert_eq!(all(heard), (0..100).collect::<Vec<_>>());
        assert_eq!(heard.reader.drops(), [0; 8]);
    }
}

#[test]
fn a_slow_reader_reads_on_from_the_oldest_and_knows_what_it_lost() {
    let mut lane = broadcast(4096, knobs(88));
    let count = lane.slots.count;
    let mut slow = lane.joined(1, Keep::Oldest, 1);
    let mut quick = lane.reader(2, Keep::Oldest);
    quick.reader.join(1);
    for id in 0..10 * count {
        send(&mut lane, id);
        assert_eq!(take(&mut quick), Some(id));
    }
    assert_eq!(all(&mut slow), (9 * count..10 * count).collect::<Vec<_>>());
    assert_eq!(slow.reader.drops()[OVERWRITTEN], 9 * count);
    assert_eq!(quick.reader.drops(), [0; 8]);
}

#[test]
fn who_keeps_the_latest_sees_the_newest_only() {
    let mut lane = broadcast(4096, knobs(88));
    let mut cyclic = lane.joined(1, Keep::Latest, 1);
    assert_eq!(take(&mut cyclic), None);
    for id in 0..5 {
        send(&mut lane, id);
    }
    assert_eq!((take(&mut cyclic), take(&mut cyclic)), (Some(4), None));
    for id in 5..5 + 7 * lane.slots.count {
        send(&mut lane, id);
    }
    assert_eq!((take(&mut cyclic), take(&mut cyclic)), (Some(4 + 7 * lane.slots.count), None));
    let drops = cyclic.reader.drops();
    assert_eq!((drops[OUTDATED], drops[OVERWRITTEN]), (4 + 7 * lane.slots.count - 1, 0));
}

#[test]
fn who_leaves_reads_to_the_end_and_who_joins_starts_there() {
    let mut lane = broadcast(4096, knobs(88));
    let mut old = lane.joined(1, Keep::Oldest, 1);
    let mut stays = lane.reader(2, Keep::Oldest);
    stays.reader.join(1);
    let mut new = lane.reader(3, Keep::Oldest);
    new.reader.join(2);
    (0..4).for_each(|id| send(&mut lane, id));
    assert_eq!(new.reader.look(), Next::Empty);
    lane.writer.end(2);
    (4..8).for_each(|id| send(&mut lane, id));
    for id in 0..4 {
        assert_eq!((take(&mut old), take(&mut stays)), (Some(id), Some(id)));
    }
    assert_eq!((old.reader.look(), stays.reader.look()), (Next::Switch(2), Next::Switch(2)));
    old.reader.leave();
    stays.reader.pass_switch();
    assert_eq!(old.reader.look(), Next::Empty);
    assert_eq!((all(&mut new), all(&mut stays)), ((4..8).collect::<Vec<_>>(), (4..8).collect::<Vec<_>>()));
    // The flip back: who comes again starts at its end, not where it left.
    old.reader.join(3);
    lane.writer.end(3);
    send(&mut lane, 8);
    assert_eq!(all(&mut old), [8]);
    assert_eq!(new.reader.look(), Next::Switch(3));
    assert_eq!(old.reader.drops(), [0; 8]);
}

#[test]
fn a_loss_does_not_carry_a_leaving_reader_past_its_end() {
    let mut lane = broadcast(4096, knobs(88));
    let count = lane.slots.count;
    let mut slow = lane.joined(1, Keep::Oldest, 1);
    let mut cyclic = lane.reader(2, Keep::Latest);
    cyclic.reader.join(1);
    (0..3).for_each(|id| send(&mut lane, id));
    lane.writer.end(2);
    (3..3 + 5 * count).for_each(|id| send(&mut lane, id));
    assert_eq!(slow.reader.look(), Next::Switch(2));
    assert_eq!(slow.reader.drops()[OVERWRITTEN], 3);
    assert_eq!(cyclic.reader.look(), Next::Switch(2));
    let drops = cyclic.reader.drops();
    assert_eq!(drops[OUTDATED] + drops[OVERWRITTEN], 3);
}

#[test]
fn an_abandoned_rest_is_superseded_and_ends_that_are_forgotten_do_not_stop_a_reader() {
    let mut lane = broadcast(4096, knobs(88));
    let mut left = lane.joined(1, Keep::Oldest, 1);
    (0..5).for_each(|id| send(&mut lane, id));
    assert_eq!(take(&mut left), Some(0));
    left.reader.abandon();
    assert_eq!(left.reader.drops()[Drop::Superseded as usize], 4);
    let mut sleeper = lane.joined(2, Keep::Oldest, 2);
    for epoch in 3..60 {
        lane.writer.end(epoch);
    }
    send(&mut lane, 5);
    let mut passed = 0;
    while let Next::Switch(_) = sleeper.reader.look() {
        sleeper.reader.pass_switch();
        passed += 1;
    }
    assert_eq!((passed, take(&mut sleeper)), (15, Some(5)));
}

#[test]
fn a_payload_above_the_limit_is_refused_with_the_limit() {
    let mut lane = broadcast(4096, knobs(100));
    assert_eq!(lane.writer.send(1, 0, 0, 1, &[0; 101]), Err(Refused::TooLarge { most: 100 }));
    assert_eq!(lane.writer.send(1, 0, 0, 1, &[0; 100]), Ok(()));
    assert_eq!(payload_max(4096), 4096 / 4 - 40);
}

#[derive(Clone, Debug)]
enum Step {
    Send(u8),
    Receive(bool, u8),
    End,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1_u8..20).prop_map(Step::Send),
        4 => (any::<bool>(), 1_u8..20).prop_map(|(latest, most)| Step::Receive(latest, most)),
        1 => Just(Step::End),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    /// Against a model: a queue with a bound whose head falls off, and a place that holds the newest.
    #[test]
    fn a_lane_is_a_window(steps in steps()) {
        let mut lane = broadcast(4096, knobs(88));
        let count = lane.slots.count;
        let mut queue = lane.joined(1, Keep::Oldest, 1);
        let mut place = lane.reader(2, Keep::Latest);
        place.reader.join(1);
        prop_assert_eq!((take(&mut queue), take(&mut place)), (None, None));
        let (mut sent, mut epoch) = (0_u64, 1_u64);
        let (mut next, mut shown) = (0_u64, 0_u64);
        let (mut lost, mut passed_over) = (0_u64, 0_u64);
        for step in steps {
            match step {
                Step::Send(frames) => (0..frames).for_each(|_| {
                    send(&mut lane, sent);
                    sent += 1;
                }),
                Step::End => {
                    epoch += 1;
                    lane.writer.end(epoch);
                    // Both stay, and have nothing left before it.
                    prop_assert_eq!(all_switches(&mut queue, &mut next, &mut lost, sent, count), sent);
                    while place.reader.look() != Next::Switch(epoch) {
                        let newest = take(&mut place).unwrap();
                        passed_over += newest - shown;
                        shown = newest + 1;
                        prop_assert_eq!(shown, sent);
                    }
                    place.reader.pass_switch();
                }
                Step::Receive(false, most) => for _ in 0..most {
                    if sent - next > count {
                        lost += sent - count - next;
                        next = sent - count;
                    }
                    let expected = (next < sent).then_some(next);
                    prop_assert_eq!(take(&mut queue), expected);
                    next += u64::from(expected.is_some());
                },
                Step::Receive(true, _) => {
                    let expected = (shown < sent).then(|| sent - 1);
                    prop_assert_eq!(take(&mut place), expected);
                    passed_over += expected.map_or(0, |newest| newest - shown);
                    shown = sent;
                }
            }
            let now = clock::now();
            let of_queue = figures(&lane.ring, &queue.page, &lane.slots, now);
            prop_assert_eq!(of_queue.drops[OVERWRITTEN], lost);
            prop_assert_eq!((of_queue.sent, of_queue.received), (sent, next - lost));
            prop_assert_eq!(of_queue.depth, (sent - next).min(count));
            prop_assert_eq!(of_queue.oldest_ns > 0, of_queue.depth > 0);
            let of_place = figures(&lane.ring, &place.page, &lane.slots, now);
            prop_assert_eq!(of_place.drops[OUTDATED], passed_over);
            prop_assert_eq!((of_place.sent, of_place.received), (sent, shown - passed_over));
            prop_assert_eq!(of_place.samples, of_place.received);
        }
    }
}

/// Reads up to an end and passes it; where that was.
fn all_switches(queue: &mut Heard, next: &mut u64, lost: &mut u64, sent: u64, count: u64) -> u64 {
    while let Next::Frame(_) = queue.reader.look() {
        if sent - *next > count {
            *lost += sent - count - *next;
            *next = sent - count;
        }
        assert_eq!(take(queue), Some(*next));
        *next += 1;
    }
    queue.reader.pass_switch();
    *next
}

/// Three readers of different speed in threads of their own: what each takes is whole and in order, and adds up.
#[test]
fn readers_in_other_threads_get_whole_frames_and_count_the_rest() {
    const FRAMES: u64 = 300_000;
    let mut lane = broadcast(1 << 14, knobs(88));
    let readers: Vec<Heard> = [Keep::Oldest, Keep::Oldest, Keep::Latest]
        .into_iter()
        .zip(1..)
        .map(|(keep, number)| {
            let mut heard = lane.reader(number, keep);
            heard.reader.join(1);
            heard
        })
        .collect();
    lane.writer.end(1);
    let threads: Vec<_> = readers
        .into_iter()
        .zip([0_u64, 50, 0])
        .map(|(mut heard, pause)| {
            std::thread::spawn(move || {
                let (mut last, mut taken) = (None, 0_u64);
                while last != Some(FRAMES - 1) {
                    let Next::Frame(bytes) = heard.reader.look() else {
                        std::thread::yield_now();
                        continue;
                    };
                    let mut into = vec![0; bytes];
                    let Ok(got) = heard.reader.take(&mut into) else { continue };
                    let id = got.header.frame_id;
                    assert!(last.is_none_or(|last| last < id) && into == payload(id), "frame {id} after {last:?}");
                    (last, taken) = (Some(id), taken + 1);
                    (0..pause).for_each(|_| std::hint::spin_loop());
                }
                let drops = heard.reader.drops();
                assert_eq!(drops[Drop::Corrupt as usize], 0);
                assert_eq!(taken + drops.iter().sum::<u64>(), FRAMES);
                taken
            })
        })
        .collect();
    for id in 0..FRAMES {
        send(&mut lane, id);
        if id % 1024 == 0 {
            std::thread::yield_now();
        }
    }
    for thread in threads {
        assert!(thread.join().unwrap() > 0);
    }
}

#[test]
fn sleepers_are_woken_by_a_frame_and_by_an_end() {
    use rtt_lane::wait::{sleep, sleeper_fence};
    const FRAMES: u64 = 2_000;
    let mut lane = broadcast(1 << 16, knobs(88));
    let readers: Vec<Heard> = (1..=2).map(|number| lane.reader(number, Keep::Oldest)).collect();
    let threads: Vec<_> = readers
        .into_iter()
        .map(|mut heard| {
            std::thread::spawn(move || {
                heard.reader.join(1);
                let (mut expected, mut slept) = (0, 0);
                loop {
                    match heard.reader.look() {
                        Next::Switch(2) => return (expected, slept),
                        Next::Frame(_) => {
                            assert_eq!(take(&mut heard), Some(expected));
                            expected += 1;
                        }
                        _ => {
                            heard.reader.set_asleep(true);
                            let fenced = sleeper_fence();
                            if heard.reader.look() == Next::Empty {
                                slept += 1;
                                sleep(&heard.reader.watches(), u64::MAX, fenced);
                            }
                            heard.reader.set_asleep(false);
                        }
                    }
                }
            })
        })
        .collect();
    let started = std::time::Instant::now();
    lane.writer.end(1);
    for id in 0..FRAMES {
        send(&mut lane, id);
        if id % 97 == 0 {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
    std::thread::sleep(std::time::Duration::from_millis(20));
    lane.writer.end(2);
    for thread in threads {
        let (received, slept) = thread.join().unwrap();
        assert_eq!(received, FRAMES);
        assert!(slept > 0, "a reader never slept: the test showed nothing");
    }
    // A lost wake costs a quarter of a second each time.
    assert!(started.elapsed() < std::time::Duration::from_secs(5), "wakes are lost: {:?}", started.elapsed());
}
