//! A driver with one input and one output: sends on what it receives.

use rtt_driver::{Driver, Error};
use std::time::Duration;

fn main() -> Result<(), Error> {
    let driver = Driver::connect()?;
    let (mut input, mut output) = (driver.input("in")?, driver.output("out")?);
    loop {
        match input.receive(Duration::from_secs(1)) {
            Ok(None) => {}
            Ok(Some(frame)) => {
                if let Err(error) = output.send(&frame.payload) {
                    eprintln!("frame {} is not sent on: {error}", frame.info.frame_id);
                }
            }
            Err(Error::Stopping | Error::Closed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
