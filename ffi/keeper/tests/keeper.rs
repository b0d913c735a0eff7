//! A panel, a real keeper and real drivers in their cells: what each may rely on, and what comes of those who do wrong.
//!
//! The drivers are this program too (`play`). As root, everything is done twice, the second time as an ordinary user.
mod cases;
mod play;
mod support;

use cases::{chaos, deaths, files, life, wrongs};
use std::time::Instant;

fn main() {
    let mut arguments = std::env::args();
    match (arguments.next().as_deref(), arguments.next().as_deref()) {
        (Some("rtt-drivers"), Some(name)) => play::run(name),
        (_, Some("--list")) => println!("keeper: test"),
        _ => as_each_user(),
    }
}

type Case = (&'static str, fn());

const CASES: &[Case] = &[
    ("from spawn to settle", life::life),
    ("a flip back", life::flip_back),
    ("what is discarded is gone, and its epochs stay used", life::discard),
    ("a killed panel: the next one hears what nobody acknowledged", deaths::panel_dies),
    ("a killed keeper leaves no process and frees its lock", deaths::keeper_dies),
    ("shutdown ends drivers in order", deaths::shutdown),
    ("no panel for too long ends everything", deaths::alone),
    ("drivers that talk nonsense fail alone", wrongs::nonsense),
    ("a driver that touches its region's seals or blocks is refused", wrongs::touched),
    ("a driver that exits in prepare, or never answers", wrongs::prepare_fails),
    ("tokens open what they name, and only with a panel", wrongs::tokens),
    ("a stubborn driver is killed in time", deaths::stubborn),
    ("output is kept below its bound", life::output),
    ("a dead producer's lane is attested", life::dead_producer),
    ("requests that make no sense are refused with a code", wrongs::refusals),
    ("files are bound, passed or written as the manifest says", files::granted),
    ("a waived driver has its files too", files::waived),
    ("built-in drivers run from the bytes that a plan pins", files::pinned_drivers),
    ("a transition of many parts", life::many_lanes),
    ("noise from a driver", chaos::noise),
    ("keepers killed at any moment", chaos::keepers_killed),
    ("old panels, strangers and other protocols", deaths::fencing),
];

/// As we are, and if that is root, once more as an ordinary user in a process of its own.
fn as_each_user() {
    const NOBODY: u32 = 65_534;
    // SAFETY: takes nothing.
    let root = unsafe { libc::geteuid() } == 0;
    let ran = all();
    if root {
        // SAFETY: this process has one thread.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            // SAFETY: no pointer but that of an empty list is passed.
            let became = unsafe {
                libc::setgroups(0, std::ptr::null()) == 0
                    && libc::setresgid(NOBODY, NOBODY, NOBODY) == 0
                    && libc::setresuid(NOBODY, NOBODY, NOBODY) == 0
                    && libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0) == 0
            };
            assert!(became, "cannot become an ordinary user");
            println!("as an ordinary user:");
            all();
            std::process::exit(0);
        }
        let mut status = 0;
        // SAFETY: the status outlives the call.
        unsafe { libc::waitpid(pid, &raw mut status, 0) };
        assert_eq!(status, 0, "failed as an ordinary user");
    }
    println!("test result: ok. {} passed; 0 failed", ran * if root { 2 } else { 1 });
}

/// Answers how many it ran.
fn all() -> usize {
    let only = std::env::args().nth(1);
    let mut ran = 0;
    for (name, case) in CASES {
        if only.as_ref().is_some_and(|part| !part.starts_with('-') && !name.contains(part.as_str())) {
            continue;
        }
        let begun = Instant::now();
        case();
        println!("test {name} ... ok ({} ms)", begun.elapsed().as_millis());
        ran += 1;
    }
    ran
}
