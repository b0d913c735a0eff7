//! A log-linear histogram of nanoseconds: 8 buckets an octave (12.5 % wide), cumulative and monotonic counts.

/// Up to 2³⁴ ns (17 s); the last bucket takes all above.
pub const BUCKETS: usize = 256;
const SUB_BITS: u32 = 3;
const SUB: u64 = 1 << SUB_BITS;

/// The bucket of a value.
pub const fn bucket(ns: u64) -> usize {
    if ns < SUB {
        return ns as usize;
    }
    let exponent = 63 - ns.leading_zeros();
    let index =
        (exponent - SUB_BITS + 1) as usize * SUB as usize + ((ns >> (exponent - SUB_BITS)) & (SUB - 1)) as usize;
    if index < BUCKETS { index } else { BUCKETS - 1 }
}

/// The least value of a bucket.
pub const fn lower_edge(bucket: usize) -> u64 {
    if bucket < SUB as usize {
        return bucket as u64;
    }
    (SUB + bucket as u64 % SUB) << (bucket / SUB as usize - 1)
}

/// The quantile `permille`/1000 of counts (differences of two snapshots, or a snapshot): the upper edge of the bucket that
/// holds it, which never flatters. 0 when there are none.
pub fn quantile(counts: &[u64], permille: u64) -> u64 {
    let total: u128 = counts.iter().map(|count| u128::from(*count)).sum();
    if total == 0 {
        return 0;
    }
    let rank = (total * u128::from(permille.min(1000))).div_ceil(1000).max(1);
    let mut seen = 0_u128;
    for (index, count) in counts.iter().enumerate() {
        seen += u128::from(*count);
        if seen >= rank {
            return if index + 1 < BUCKETS { lower_edge(index + 1) } else { lower_edge(index) };
        }
    }
    lower_edge(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn edges_and_buckets_agree() {
        for index in 0..BUCKETS {
            assert_eq!(bucket(lower_edge(index)), index);
            if index > 0 {
                assert_eq!(bucket(lower_edge(index) - 1), index - 1);
            }
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    proptest! {
        #[test]
        fn a_bucket_is_at_most_an_eighth_wide(ns in 8_u64..1 << 33) {
            let index = bucket(ns);
            prop_assert!(lower_edge(index) <= ns && ns < lower_edge(index + 1));
            prop_assert!((lower_edge(index + 1) - lower_edge(index)) * 8 <= lower_edge(index));
        }

        #[test]
        fn a_quantile_never_flatters(mut values in prop::collection::vec(1_u64..1 << 33, 1..200), permille in 1_u64..=1000) {
            let mut counts = [0_u64; BUCKETS];
            for value in &values {
                counts[bucket(*value)] += 1;
            }
            values.sort_unstable();
            let rank = (values.len() as u64 * permille).div_ceil(1000).max(1) as usize;
            let exact = values[rank - 1];
            let shown = quantile(&counts, permille);
            prop_assert!(exact <= shown && shown <= exact + exact / 8 + 1, "{} {}", exact, shown);
        }
    }
}
