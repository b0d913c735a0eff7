/**
 * Latency histograms as the lanes keep them (`ffi/lane/src/histogram.rs`): 256 buckets of nanoseconds, exact below 8, then
 * eight to each power of two. Counts are cumulative; a window is the difference of two.
 */
export const BUCKETS = 256;
const EXACT = 8;

/** The smallest value that falls into a bucket. */
export function lowerEdge(bucket: number): number {
  if (bucket < EXACT) return bucket;
  return (EXACT + bucket % EXACT) * 2 ** (Math.floor(bucket / EXACT) - 1);
}

/** The smallest value above all that fall into it; the last bucket has no end. */
export function upperEdge(bucket: number): number {
  return bucket >= BUCKETS - 1 ? Infinity : lowerEdge(bucket + 1);
}

/** The bucket of a value in nanoseconds. */
export function bucketOf(ns: number): number {
  if (ns < EXACT) return Math.max(0, Math.floor(ns));
  const exponent = Math.floor(Math.log2(ns));
  return Math.min(BUCKETS - 1, (exponent - 2) * EXACT + Math.floor(ns / 2 ** (exponent - 3)) % EXACT);
}

/** What came after `before`: counts that went backwards (a page that a driver wrote) count as none. */
export function since(after: readonly number[], before: readonly number[]): readonly number[] {
  return after.map((count, bucket) => Math.max(0, count - (before[bucket] ?? 0)));
}

/**
 * A value that at least this share (in thousandths) of the samples do not exceed: the upper edge of the bucket in which the
 * share is reached, so that it is never too small. Null without samples.
 */
export function quantile(counts: readonly number[], permille: number): number | null {
  const total = counts.reduce((sum, each) => sum + each, 0);
  if (total === 0) return null;
  const wanted = Math.max(1, Math.ceil(total * permille / 1_000));
  let seen = 0;
  for (const [bucket, count] of counts.entries()) {
    seen += count;
    if (seen >= wanted) return bucket < EXACT ? bucket : Math.min(upperEdge(bucket), LAST_EDGE);
  }
  return LAST_EDGE;
}

/** Shown for what is beyond the last bucket's beginning. */
const LAST_EDGE = lowerEdge(BUCKETS - 1);
