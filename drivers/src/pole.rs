//! A cart with a pole on it: 1 kg, 0.1 kg and 5 cm, so short that it falls in a tenth of a second.
//!
//! Equations of motion without friction: Barto, Sutton, Anderson 1983, appendix.
use crate::noise::Noise;

const GRAVITY: f64 = 9.81;
const CART_KG: f64 = 1.0;
const POLE_KG: f64 = 0.1;
/// From the pivot to the centre of mass, metres: half of the 5 cm.
const HALF_LENGTH: f64 = 0.025;
/// Strongest force of the motor, newtons.
pub const FORCE_LIMIT: f64 = 30.0;
/// From here on it has fallen, and stays so: 30°, in radians.
const FALLEN: f64 = std::f64::consts::FRAC_PI_6;
/// Longest step of integration, seconds.
const STEP: f64 = 0.000_5;
/// The disturbance: a kick of half to all of this many radians a second, to either side, so often (seconds).
const KICK: f64 = 0.1;
const KICK_EVERY: f64 = 0.1;

/// Metres, metres a second, radians (0 is upright), radians a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State {
    pub x: f64,
    pub v: f64,
    pub angle: f64,
    pub rate: f64,
}

pub struct Pole {
    state: State,
    fallen: bool,
    noise: Noise,
    until_kick: f64,
}

impl Pole {
    /// Nearly upright; `seed` makes the kicks.
    pub fn new(seed: u64) -> Self {
        let state = State { x: 0.0, v: 0.0, angle: 0.005, rate: 0.0 };
        Self { state, fallen: false, noise: Noise::new(seed), until_kick: KICK_EVERY }
    }

    pub fn state(&self) -> State {
        self.state
    }

    pub fn has_fallen(&self) -> bool {
        self.fallen
    }

    /// Lets `seconds` pass under a constant force in newtons.
    pub fn advance(&mut self, seconds: f64, force: f64) {
        let mut left = seconds;
        while left > 0.0 && !self.fallen {
            let step = left.min(STEP);
            self.step(step, force.clamp(-FORCE_LIMIT, FORCE_LIMIT));
            self.kick(step);
            left -= step;
            self.fallen = self.state.angle.abs() > FALLEN;
        }
        if self.fallen {
            self.state = State { v: 0.0, rate: 0.0, ..self.state };
        }
    }

    fn step(&mut self, step: f64, force: f64) {
        let State { x, v, angle, rate } = self.state;
        let (sine, cosine) = angle.sin_cos();
        let mass = CART_KG + POLE_KG;
        let push = (force + POLE_KG * HALF_LENGTH * rate * rate * sine) / mass;
        let turn = (GRAVITY * sine - cosine * push) / (HALF_LENGTH * (4.0 / 3.0 - POLE_KG * cosine * cosine / mass));
        let pull = push - POLE_KG * HALF_LENGTH * turn * cosine / mass;
        // Semi-implicit: the new speeds move the positions, which keeps the energy bounded.
        let (v, rate) = (v + pull * step, rate + turn * step);
        self.state = State { x: x + v * step, v, angle: angle + rate * step, rate };
    }

    fn kick(&mut self, step: f64) {
        self.until_kick -= step;
        if self.until_kick <= 0.0 {
            self.until_kick += KICK_EVERY;
            let size = self.noise.next_signed();
            self.state.rate += KICK * (size + size.signum()) / 2.0;
        }
    }
}

/// State feedback with poles at −20 ± 6i and −2 ± 1.2i a second (Ackermann's formula on the linearised equations). The awk
/// one-liner of the example computes the same.
pub fn control(state: State) -> f64 {
    let force = 8.26 * state.x + 6.83 * state.v + 31.6 * state.angle + 1.73 * state.rate;
    force.clamp(-FORCE_LIMIT, FORCE_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: f64 = 0.001;

    /// The largest angle of a run at 1 kHz whose force is held during `pause` (seconds), after half a second to settle.
    fn largest_angle(seed: u64, pause: std::ops::Range<f64>) -> f64 {
        let mut pole = Pole::new(seed);
        let (mut force, mut largest) = (0.0, 0.0_f64);
        for tick in 0..5_000 {
            let now = f64::from(tick) * TICK;
            if !pause.contains(&now) {
                force = control(pole.state());
            }
            pole.advance(TICK, force);
            if now > 0.5 {
                largest = largest.max(pole.state().angle.abs());
            }
        }
        largest
    }

    #[test]
    fn it_stays_up_with_control() {
        for seed in 0..50 {
            assert!(largest_angle(seed, 9.0..9.0) < 0.02, "seed {seed}");
        }
    }

    #[test]
    fn it_falls_when_the_force_is_held_for_half_a_second() {
        for seed in 0..50 {
            assert!(largest_angle(seed, 2.0..2.5) > FALLEN, "seed {seed}");
        }
    }

    #[test]
    fn it_survives_a_pause_of_sixty_milliseconds() {
        for seed in 0..50 {
            assert!(largest_angle(seed, 2.0..2.06) < 0.05, "seed {seed}");
        }
    }

    #[test]
    fn what_has_fallen_stays_down() {
        let mut pole = Pole::new(1);
        pole.advance(2.0, 0.0);
        assert!(pole.has_fallen());
        let lying = pole.state();
        pole.advance(1.0, 30.0);
        assert_eq!(pole.state(), lying);
    }
}
