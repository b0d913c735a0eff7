//! Admission: a token bucket sized from the declared rate and budget, kept by the producer's own library and audited from its
//! counters.

/// Above the declared rate by this share, so that two clocks that disagree slightly lose nothing.
const TOLERANCE: f64 = 1.05;
/// What may be sent at once after a pause, in seconds of the declared rate; a larger budget gives more.
const BURST_SECONDS: f64 = 0.1;
const BURST_MIN: f64 = 16.0;

#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    per_ns: f64,
    most: f64,
    tokens: f64,
    at: u64,
}

impl TokenBucket {
    /// None where no rate is declared.
    pub fn of(rate_hz: f64, budget_ns: u64) -> Option<Self> {
        if rate_hz.is_nan() || rate_hz <= 0.0 {
            return None;
        }
        let seconds = BURST_SECONDS.max(budget_ns as f64 / 1e9);
        let most = (rate_hz * seconds).max(BURST_MIN);
        Some(Self { per_ns: rate_hz * TOLERANCE / 1e9, most, tokens: most, at: 0 })
    }

    /// Takes a token, or says in how many nanoseconds there will be one.
    pub fn take(&mut self, now: u64) -> Result<(), u64> {
        if now > self.at {
            self.tokens = (self.tokens + (now - self.at) as f64 * self.per_ns).min(self.most);
            self.at = now;
        }
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err((((1.0 - self.tokens) / self.per_ns).ceil() as u64).max(1))
    }

    pub fn give_back(&mut self) {
        self.tokens = (self.tokens + 1.0).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_rate_no_bucket() {
        assert!(TokenBucket::of(0.0, 5).is_none());
        assert!(TokenBucket::of(f64::NAN, 5).is_none());
    }

    proptest! {
        #[test]
        fn never_more_than_rate_and_burst(rate in 1.0_f64..1e6, waits in prop::collection::vec(0_u64..3_000_000, 1..400)) {
            let mut bucket = TokenBucket::of(rate, 0).unwrap();
            let (mut now, mut admitted) = (1, 0_u64);
            let start = now;
            for wait in waits {
                now += wait;
                admitted += u64::from(bucket.take(now).is_ok());
                let most = (rate * BURST_SECONDS).max(BURST_MIN) + rate * TOLERANCE * (now - start) as f64 / 1e9 + 1.0;
                prop_assert!(admitted as f64 <= most);
            }
        }

        #[test]
        fn the_wait_it_names_is_enough(rate in 1.0_f64..1e6) {
            let mut bucket = TokenBucket::of(rate, 0).unwrap();
            let mut now = 1;
            while bucket.take(now).is_ok() {}
            let Err(wait) = bucket.take(now) else { panic!("an empty bucket gave a token") };
            now += wait + 1;
            prop_assert!(bucket.take(now).is_ok());
        }
    }
}
