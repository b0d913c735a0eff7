/** What `rtt scan` found on a host and planning may depend on: an enumerated, stable subset, sorted. */
export interface Cpu {
  readonly id: number;
  readonly node: number;
  /** Cpus with one last-level cache have one number. */
  readonly cache: number;
  /** Cpus of one physical core (siblings) have one number. */
  readonly core: number;
}

export interface Topology {
  readonly cpus: readonly Cpu[];
  /** Node distances as in /sys/devices/system/node/node*\/distance; [i][j] by index of `nodes`. */
  readonly nodes: readonly number[];
  readonly distance: readonly (readonly number[])[];
}
