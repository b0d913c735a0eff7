//! Two drivers in two processes, and the keeper of the kit's own tests between them: sealed regions, real sockets, a flip.
use std::os::fd::OwnedFd;

use rtt_bench::Outcome;
use rtt_control::lane::Wait;
use rtt_driver::{Driver, Input, Output};

use crate::keeper::{Keeper, Knobs};

/// A lane by the name of its endpoints, from the asker to the echo or back.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    pub name: &'static str,
    pub wait: Wait,
    pub spin_ns: u64,
}

const ASKER: &str = "asker.1";
const ECHO: &str = "echo.1";
const RING_BYTES: u64 = 64 * 1024;

/// The sockets that the echo's driver is reached by; made before the processes part.
pub struct Sockets {
    keeper: OwnedFd,
    driver: OwnedFd,
}

impl Sockets {
    pub fn new() -> Self {
        let (keeper, driver) = Keeper::pair();
        Self { keeper, driver }
    }

    /// In the process that the keeper is not in.
    pub fn echo(&self) -> Outcome<Driver> {
        Ok(Driver::from_socket(self.driver.try_clone()?)?)
    }

    /// In the other: the keeper, its own driver, and all lanes in force.
    pub fn asker(&self, there: &[Lane], back: &[Lane]) -> Outcome<(Keeper, Driver)> {
        let mut keeper = Keeper::new();
        let names = |lanes: &[Lane]| lanes.iter().map(|lane| lane.name).collect::<Vec<_>>();
        let (there_names, back_names) = (names(there), names(back));
        let outs = |names: &[&'static str]| names.iter().map(|name| (*name, &[][..])).collect::<Vec<(&str, &[&str])>>();
        keeper.welcome(ECHO, self.keeper.try_clone()?, &there_names, &outs(&back_names));
        let driver = keeper.start(ASKER, &back_names, &outs(&there_names));
        let mut links = Vec::new();
        for (from, to, lanes) in [(ASKER, ECHO, there), (ECHO, ASKER, back)] {
            for Lane { name, wait, spin_ns } in lanes.iter().copied() {
                let knobs = Knobs { ring_bytes: RING_BYTES, wait, spin_ns, ..Knobs::default() };
                links.push(keeper.link((from, name), (to, name), knobs));
            }
        }
        keeper.apply(links);
        Ok((keeper, driver))
    }
}

pub fn output(of: &Driver, name: &str) -> Outcome<Output> {
    let mut output = of.output(name)?;
    if !output.wait_bound(crate::keeper::PATIENCE)? {
        return Err(format!("cannot measure because the output {name} got no lane").into());
    }
    Ok(output)
}

pub fn input(of: &Driver, name: &str) -> Outcome<Input> {
    let mut input = of.input(name)?;
    if !input.wait_bound(crate::keeper::PATIENCE)? {
        return Err(format!("cannot measure because the input {name} got no lane").into());
    }
    Ok(input)
}
