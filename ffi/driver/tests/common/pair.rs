//! A source and a sink on one link, whose frames are numbers.
use super::Keeper;
use rtt_driver::{Driver, Input, Output};
use std::time::Duration;

pub const SOON: Duration = Duration::from_secs(5);

pub fn number(id: u64) -> [u8; 8] {
    id.to_le_bytes()
}

pub fn read(input: &mut Input) -> Option<u64> {
    input.receive(SOON).unwrap().map(|frame| u64::from_le_bytes(frame.payload.try_into().unwrap()))
}

pub fn two(keeper: &mut Keeper) -> (Driver, Driver, Output, Input) {
    let source = keeper.start("source.1", &[], &[("out", &[])]);
    let sink = keeper.start("sink.1", &["in"], &[]);
    let (output, input) = (source.output("out").unwrap(), sink.input("in").unwrap());
    (source, sink, output, input)
}
