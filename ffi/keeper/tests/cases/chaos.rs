//! Noise and deaths at moments that nobody chose. A seed is printed with each failure; `RTT_SEED=N` plays it again, and
//! `RTT_KEEPERS=N` kills more keepers than the gate does.
use crate::support::{House, TestPanel, cell, control_groups, one_lane, until};
use rtt_control::panel::{Inventory, Request, What};
use std::time::{Duration, Instant};

const KEEPERS: u64 = 10;
const NOISY: u64 = 20;

fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn seed() -> u64 {
    given("RTT_SEED").unwrap_or_else(|| std::process::id().into())
}

/// Mutated and random packets in any state: the noisy driver fails, the keeper and its neighbour do not.
pub fn noise() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    panel.start("good.1", "good");
    let pid = panel.inventory().instances[0].pid;
    for round in 0..NOISY {
        let name = format!("noisy.{}", round + 1);
        let mut spec = cell(&name, "noisy");
        spec.run.push((seed() + round).to_string());
        panel.done(Request::Spawn { cell: Box::new(spec) });
        // It may claim failures of its own before the keeper gives it up.
        while matches!(
            panel.event(&name, |what| matches!(what, What::Failed { .. } | What::Exited { .. })).what,
            What::Failed { .. }
        ) {
            panel.done(Request::Stop { instance: name.clone(), within_ns: 50_000_000 });
        }
        panel.done(Request::Stop { instance: name, within_ns: 0 });
    }
    let told = panel.inventory();
    assert_eq!(told.instances.len(), 1, "seed {}", seed());
    assert_eq!(told.instances[0].pid, pid, "seed {}", seed());
}

/// Whatever it was doing: everything ends with it, and the next one starts at once.
pub fn keepers_killed() {
    let mut house = House::new();
    let mut number = 0;
    for round in 0..given("RTT_KEEPERS").unwrap_or(KEEPERS) {
        let mut panel = TestPanel::attach(&house);
        number += 2;
        let names = [format!("a.{number}"), format!("b.{}", number + 1)];
        let moment = Duration::from_micros((seed() + round).wrapping_mul(2_654_435_761) % 60_000);
        let begun = Instant::now();
        for name in &names {
            panel.send(Request::Spawn { cell: Box::new(cell(name, "good")) });
        }
        let transition = one_lane(10, 0, &names[0], &names[1]);
        panel.send(Request::Stage { transition, last: true });
        std::thread::sleep(moment.saturating_sub(begun.elapsed()));
        let cells = cells_of(house.keeper.id());
        house.kill();
        until(&format!("all ended, seed {}", seed()), || cells.iter().all(|pid| !alive(*pid)));
        house.restart();
    }
    let mut panel = TestPanel::attach(&house);
    assert!(panel.inventory().instances.is_empty());
    panel.start("a.1", "good");
    assert!(control_groups(&house.run()) > 0 || !groups_here(&panel.inventory()));
    panel.done(Request::Shutdown {});
    assert!(house.keeper.wait().expect("its end").success());
    // Those that killed keepers have left were swept by the next one.
    assert_eq!(control_groups(&house.run()), 0, "control groups are left");
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("our mounts");
    assert!(!mounts.contains("rtt-keeper-"), "mounts are left: {mounts}");
}

/// First processes of cells, and what runs in them.
fn cells_of(keeper: u32) -> Vec<u32> {
    let children = |pid: u32| -> Vec<u32> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
    };
    let first = children(keeper);
    first.iter().flat_map(|pid| children(*pid)).chain(first.clone()).collect()
}

fn alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|text| !text.contains(") Z "))
}

/// Whether cells say that they are in groups of their own.
fn groups_here(inventory: &Inventory) -> bool {
    let says = |each: &String| each.starts_with("cgroup=") && !each.starts_with("cgroup=none");
    inventory.instances.iter().flat_map(|fact| &fact.sandbox).any(says)
}
