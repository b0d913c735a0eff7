/** Where a project keeps what: one place that knows the names of files below its folder. */
export function layout(dir: string) {
  const state = `${dir}/.rtt`;
  return {
    dir,
    state,
    /** Mirrors of the CUE, written by `rtt render`. */
    panelMirror: `${state}/panel.yaml`,
    routesMirror: `${state}/routes.json`,
    policy: `${dir}/policy.json`,
    manifests: `${dir}/manifests`,
    plans: `${dir}/plans`,
    plan: (id: string) => `${dir}/plans/${id}.json`,
    /** Secret keys, mode 0600, and the public keys that this panel believes. */
    keys: `${state}/keys`,
    trust: `${state}/trust.json`,
    store: `${state}/store`,
    wal: `${state}/wal/log`,
    logs: `${state}/logs`,
    /** Sockets and locks of a panel and its keeper. */
    run: `${state}/run`,
    panelSocket: `${state}/run/panel.sock`,
    panelLock: `${state}/run/panel.lock`,
    keeperSocket: `${state}/run/keeper.sock`,
  } as const;
}

export type Layout = ReturnType<typeof layout>;
