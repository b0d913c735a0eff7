//! Figures as `bench/lane.ts` reads them: one JSON object a line.

#[derive(Clone, Copy, Debug, Default)]
pub struct Figure<'a> {
    pub name: &'a str,
    pub value: f64,
    pub unit: &'a str,
    pub reference: Option<f64>,
    /// What the reference is.
    pub against: &'a str,
    /// What the ratio, or the value where there is no reference, must reach.
    pub mark: &'a str,
}

impl Figure<'_> {
    /// Prints it, unless it was asked for a figure that could not be taken.
    pub fn print(&self) {
        let Self { name, value, unit, reference, against, mark } = self;
        let reference = reference.map_or("null".to_owned(), |figure| figure.to_string());
        println!(
            r#"{{"name":"{name}","value":{value},"unit":"{unit}","reference":{reference},"against":"{against}","mark":"{mark}"}}"#
        );
    }
}

/// The median; of an even number of samples the upper of the middle two.
pub fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The smallest of `sorted` that at least this share of them does not exceed.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples() {
        let sorted: Vec<f64> = (1..=1000).map(f64::from).collect();
        assert_eq!(quantile(&sorted, 0.5), 500.0);
        assert_eq!(quantile(&sorted, 0.999), 999.0);
        assert_eq!(quantile(&sorted, 1.0), 1000.0);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
