//! `controller`: state feedback in Rust, one force for each state.
use crate::arguments::Arguments;
use crate::outcome::{Outcome, unless_stopping};
use crate::pole::{State, control};
use crate::record::Layout;
use crate::value::Value;
use rtt_driver::{Driver, SendError};
use std::time::Duration;

const LOOK_UP: Duration = Duration::from_millis(200);

pub fn run(arguments: Arguments) -> Outcome {
    arguments.done()?;
    let driver = Driver::connect()?;
    let layout = |name: &str| -> Outcome<Layout> {
        let found = driver.endpoints().iter().find(|each| each.name == name);
        Layout::new(found.ok_or_else(|| format!("the manifest has no endpoint `{name}`"))?)
    };
    let (state_layout, force_layout) = (layout("state")?, layout("force")?);
    let columns = Columns::of(&state_layout)?;
    let (mut states, mut forces) = (driver.input("state")?, driver.output("force")?);
    let mut payload = Vec::new();
    while !driver.stopping() {
        let Some(mut frame) = unless_stopping(states.receive(LOOK_UP))? else { continue };
        // After a pause only the newest state is worth an answer; the others count as received.
        if let Some(newer) = unless_stopping(states.latest())? {
            frame = newer;
        }
        let state = columns.read(&state_layout.decode(&frame.payload)?);
        force_layout.encode(&[Value::Float(control(state))], &mut payload)?;
        match forces.send(&payload) {
            Ok(_) | Err(SendError::NotBound | SendError::Full | SendError::Dropped | SendError::Stopping) => {}
            Err(error) => return Err(error.into()),
        }
        states.done();
    }
    Ok(())
}

/// Where the contract has what the controller needs.
struct Columns {
    x: usize,
    v: usize,
    angle: usize,
    rate: usize,
}

impl Columns {
    fn of(layout: &Layout) -> Outcome<Self> {
        Ok(Self {
            x: layout.find("x")?,
            v: layout.find("v")?,
            angle: layout.find("angle")?,
            rate: layout.find("rate")?,
        })
    }

    fn read(&self, values: &[Value]) -> State {
        let at = |column: usize| values[column].as_f64();
        State { x: at(self.x), v: at(self.v), angle: at(self.angle), rate: at(self.rate) }
    }
}
