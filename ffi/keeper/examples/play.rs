//! The drivers of this crate's tests as a program, so that a panel can be shown what they do: `play seals-early`.
#[path = "../tests/play/mod.rs"]
mod play;

fn main() {
    match std::env::args().nth(1) {
        Some(name) => play::run(&name),
        None => eprintln!("usage: play NAME"),
    }
}
