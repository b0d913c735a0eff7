//! Every interleaving of small rings: `rtt-loom` runs all models, then all deliberate mistakes, each of which must be found;
//! `rtt-loom model NAME [PREEMPTIONS]` runs one model, `rtt-loom mistake NAME` one mistake.
//!
//! The rings are the real ones (those of `rtt_lane`); below them is the checker's memory.

mod broadcast;
mod flips;
mod host;
mod lane;
mod memory;
mod mistakes;
mod scenarios;

use loom::model::Builder;
use mistakes::{MISTAKES, Mistake};
use scenarios::{HONEST, SCENARIOS, Scenario, Wrong};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

/// Models that are tried at the same time.
const WORKERS: usize = 2;
/// Accesses in one execution. One that needs more is caught in a loop.
const BRANCHES: usize = 20_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [] => all(),
        ["model", name] => found(
            SCENARIOS,
            |each| each.name == name,
            |each| {
                run(each, each.preemptions);
            },
        ),
        ["model", name, preemptions] => {
            let Ok(preemptions) = preemptions.parse() else { return usage() };
            found(
                SCENARIOS,
                |each| each.name == name,
                |each| {
                    run(each, preemptions);
                },
            )
        }
        ["mistake", name] => found(MISTAKES, |each| each.name == name, make),
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: rtt-loom [model NAME [PREEMPTIONS] | mistake NAME]");
    ExitCode::from(2)
}

fn found<T>(all: &[T], named: impl Fn(&T) -> bool, run: impl FnOnce(&T)) -> ExitCode {
    let Some(one) = all.iter().find(|each| named(each)) else { return usage() };
    run(one);
    ExitCode::SUCCESS
}

fn all() -> ExitCode {
    // Each processor takes the next model that nobody has taken; a model that fails ends the program.
    let (next, executions) = (AtomicUsize::new(0), AtomicU64::new(0));
    let worker = || {
        while let Some(scenario) = SCENARIOS.get(next.fetch_add(1, Ordering::Relaxed)) {
            executions.fetch_add(run(scenario, scenario.preemptions), Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| (0..WORKERS).for_each(|_| drop(scope.spawn(worker))));
    let missed = MISTAKES.iter().filter(|mistake| !mistake.is_found()).count();
    if missed > 0 {
        eprintln!("{missed} deliberate mistakes were not found: the models prove nothing");
        return ExitCode::FAILURE;
    }
    println!("executions: {} of {} models", executions.into_inner(), SCENARIOS.len());
    println!("cases: {}", SCENARIOS.len() + MISTAKES.len());
    ExitCode::SUCCESS
}

fn run(scenario: &Scenario, preemptions: usize) -> u64 {
    let started = Instant::now();
    let executions = check(scenario, preemptions, HONEST);
    let seconds = started.elapsed().as_secs_f64();
    println!("{}: {executions} executions, at most {preemptions} preemptions, {seconds:.1} s", scenario.name);
    executions
}

fn make(mistake: &Mistake) {
    let scenario = SCENARIOS.iter().find(|each| each.name == mistake.model).expect("a mistake names a model");
    let executions = check(scenario, scenario.preemptions, mistake.wrong);
    println!("not found in {executions} runs of {}", scenario.name);
}

/// Runs a model until nothing is left to try; how often that was.
fn check(scenario: &Scenario, preemptions: usize, wrong: Wrong) -> u64 {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = BRANCHES;
    let executions = Arc::new(AtomicU64::new(0));
    let (count, model) = (Arc::clone(&executions), scenario.model);
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        model(wrong);
    });
    executions.load(Ordering::Relaxed)
}
