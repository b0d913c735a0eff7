//! `plant`: the cart and its pole in real time. It moves by measured monotonic time, so that every delay of this host is felt.
use crate::arguments::Arguments;
use crate::outcome::{Outcome, unless_stopping};
use crate::pacing::Beat;
use crate::pole::{Pole, State};
use crate::record::Layout;
use crate::value::Value;
use rtt_driver::{Driver, Input, Output, SendError};
use std::io::Write as _;

const NS_PER_S: f64 = 1e9;
/// How often it says how it is, nanoseconds.
const REPORT_NS: u64 = 50_000_000;

pub fn run(mut arguments: Arguments) -> Outcome {
    let seed = arguments.take("seed", 1_u64)?;
    let rate = arguments.take("rate", 1_000_u64)?;
    arguments.done()?;
    let driver = Driver::connect()?;
    let mut link = Link::new(&driver)?;
    // The pole is let go when both of its lanes are there.
    while !(driver.stopping() || link.state.is_bound() && link.force.is_bound()) {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let mut motion = Motion::new(seed, rate);
    while !driver.stopping() {
        let (now, pole) = motion.tick();
        link.send(now, pole)?;
        if let Some(force) = link.newest_force()? {
            motion.force(force);
        }
    }
    Ok(())
}

struct Link {
    state: Output,
    force: Input,
    state_layout: Layout,
    force_layout: Layout,
    force_at: usize,
    payload: Vec<u8>,
}

impl Link {
    fn new(driver: &Driver) -> Outcome<Self> {
        let layout = |name: &str| -> Outcome<Layout> {
            let found = driver.endpoints().iter().find(|each| each.name == name);
            Layout::new(found.ok_or_else(|| format!("the manifest has no endpoint `{name}`"))?)
        };
        let force_layout = layout("force")?;
        Ok(Self {
            state: driver.output("state")?,
            force: driver.input("force")?,
            state_layout: layout("state")?,
            force_at: force_layout.find("force")?,
            force_layout,
            payload: Vec::new(),
        })
    }

    /// A state that finds its lane full is dropped and counted: the next one is better anyway.
    fn send(&mut self, now: u64, pole: State) -> Outcome {
        let values = [Value::Unsigned(now), pole.x.into(), pole.v.into(), pole.angle.into(), pole.rate.into()];
        self.state_layout.encode(&values, &mut self.payload)?;
        match self.state.try_send(&self.payload) {
            Ok(_) | Err(SendError::NotBound | SendError::Full | SendError::Dropped | SendError::Stopping) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn newest_force(&mut self) -> Outcome<Option<f64>> {
        let Some(frame) = unless_stopping(self.force.latest())? else { return Ok(None) };
        let values = self.force_layout.decode(&frame.payload)?;
        self.force.done();
        Ok(Some(values[self.force_at].as_f64()))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

/// The pole on the beat of the clock, with what it says of itself: shared with the plant over pipes.
pub struct Motion {
    pole: Pole,
    beat: Beat,
    last_ns: u64,
    force: f64,
    forced_ns: u64,
    reported_ns: u64,
    largest: f64,
    longest_gap_ns: u64,
}

impl Motion {
    pub fn new(seed: u64, rate: u64) -> Self {
        let mut beat = Beat::new(1_000_000_000 / rate.max(1));
        let now = beat.wait();
        Self {
            pole: Pole::new(seed),
            beat,
            last_ns: now,
            force: 0.0,
            forced_ns: now,
            reported_ns: now,
            largest: 0.0,
            longest_gap_ns: 0,
        }
    }

    /// Waits for the beat, lets the measured time pass under the last force, and reports when it is time.
    pub fn tick(&mut self) -> (u64, State) {
        let now = self.beat.wait();
        self.pole.advance((now - self.last_ns) as f64 / NS_PER_S, self.force);
        self.last_ns = now;
        self.largest = self.largest.max(self.pole.state().angle.abs());
        self.longest_gap_ns = self.longest_gap_ns.max(now - self.forced_ns);
        if now - self.reported_ns >= REPORT_NS {
            self.report(now);
        }
        (now, self.pole.state())
    }

    pub fn force(&mut self, force: f64) {
        self.force = force;
        self.forced_ns = self.last_ns;
    }

    /// A JSON line: the angle now and the largest since the last line (degrees), the longest time without a new force.
    fn report(&mut self, now: u64) {
        let State { x, angle, .. } = self.pole.state();
        let line = format!(
            "{{\"t_ms\":{},\"angle_deg\":{:.3},\"max_deg\":{:.3},\"x_m\":{:.4},\"force_n\":{:.3},\"gap_ms\":{:.1},\"fallen\":{}}}",
            now / 1_000_000,
            angle.to_degrees(),
            self.largest.to_degrees(),
            x,
            self.force,
            self.longest_gap_ns as f64 / 1e6,
            self.pole.has_fallen(),
        );
        // Nobody may be reading any more, and the pole does not stop for that.
        let _ = writeln!(std::io::stdout(), "{line}");
        (self.reported_ns, self.largest, self.longest_gap_ns) = (now, 0.0, 0);
    }
}
