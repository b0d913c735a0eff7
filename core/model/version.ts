/** Semantic versions and ranges (`1.2.0`, `^1.0`, `~1.2`, `>=1.1 <3`), and the meet of two ranges. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** Half-open: `from` ≤ v < `below`. One interval is closed under meet, so that meet is associative and commutative. */
export interface Range {
  readonly from: Version;
  readonly below: Version;
}
