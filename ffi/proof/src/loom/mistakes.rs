//! What the models must find. Each mistake is made in a process of its own, because a model that fails ends its process.
use super::scenarios::{HONEST, Wrong};
use rtt_proof::fault::Fault;
use std::process::Command;

pub struct Mistake {
    pub name: &'static str,
    pub wrong: Wrong,
    pub model: &'static str,
    /// What the report of it says.
    finding: &'static str,
}

const fn mistake(name: &'static str, fault: Fault, model: &'static str, finding: &'static str) -> Mistake {
    Mistake { name, wrong: Wrong { fault, barriers: true }, model, finding }
}

const UNORDERED: &str = "Causality violation";
const ASLEEP: &str = "deadlock";
const MIXED: &str = "a mixture of frames";
const WRONG_FRAME: &str = "a frame is lost, doubled or out of order";

pub const MISTAKES: &[Mistake] = &[
    mistake("publish-relaxed", Fault::PublishRelaxed, "push-pop", UNORDERED),
    mistake("look-relaxed", Fault::LookRelaxed, "push-pop", UNORDERED),
    mistake("credit-relaxed", Fault::CreditRelaxed, "reuse", UNORDERED),
    mistake("credit-look-relaxed", Fault::CreditLookRelaxed, "reuse", UNORDERED),
    mistake("claim-unfenced", Fault::ReleaseFenceMissing, "tap", "a tap accepts"),
    mistake("broadcast-writer-unfenced", Fault::ReleaseFenceMissing, "broadcast-overwrite", MIXED),
    mistake("broadcast-reader-unfenced", Fault::AcquireFenceMissing, "broadcast-overwrite", MIXED),
    mistake("broadcast-publish-relaxed", Fault::PublishRelaxed, "broadcast-push", MIXED),
    mistake("broadcast-look-relaxed", Fault::LookRelaxed, "broadcast-push", MIXED),
    mistake("broadcast-wake-lost", Fault::WakeLost, "broadcast-sleep", ASLEEP),
    mistake("clear-late", Fault::ClearLate, "wrap", WRONG_FRAME),
    mistake("clear-missing", Fault::ClearMissing, "wrap", UNORDERED),
    mistake("switch-lost", Fault::SwitchLost, "flip", ASLEEP),
    mistake("wake-lost", Fault::WakeLost, "sleep", ASLEEP),
    mistake("wake-lost-by-the-blocked", Fault::WakeLost, "blocked", ASLEEP),
    Mistake { name: "no-membarrier", wrong: Wrong { barriers: false, ..HONEST }, model: "sleep", finding: ASLEEP },
    Mistake {
        name: "no-membarrier-of-the-blocked",
        wrong: Wrong { barriers: false, ..HONEST },
        model: "blocked",
        finding: ASLEEP,
    },
    Mistake {
        name: "no-membarrier-of-the-broadcast",
        wrong: Wrong { barriers: false, ..HONEST },
        model: "broadcast-sleep",
        finding: ASLEEP,
    },
];

impl Mistake {
    /// Makes it, and says what came of it.
    pub fn is_found(&self) -> bool {
        let this = std::env::current_exe().expect("a program knows its path");
        let output = Command::new(this)
            .args(["mistake", self.name])
            .env("RUST_BACKTRACE", "0")
            .output()
            .expect("this program starts itself");
        let said = String::from_utf8_lossy(&output.stderr);
        let report = said.lines().find(|line| line.contains(self.finding));
        match report {
            Some(report) if !output.status.success() => {
                println!("{}: found by {}: {report}", self.name, self.model);
                true
            }
            _ => {
                println!("{}: NOT FOUND: {}{said}", self.name, String::from_utf8_lossy(&output.stdout));
                false
            }
        }
    }
}
