/** Drivers that a signed policy lets run without isolation, today. */
import type { Hash } from "../../core/model/names.ts";
import type { Clock, Store } from "../../core/ports.ts";
import { waiverHolds } from "../../core/model/waiver.ts";
import { parsePolicy } from "../project/policy.ts";

export class Waivers {
  #drivers: ReadonlySet<string> = new Set();

  constructor(readonly store: Store, readonly clock: Clock) {}

  has(driver: string): boolean {
    return this.#drivers.has(driver);
  }

  get count(): number {
    return this.#drivers.size;
  }

  /**
   * Those of the policy with this hash: the one that an admitted plan is gated on, whose signatures were checked when it was
   * pinned. A waiver that has ended is none: its driver is isolated, whatever that breaks.
   */
  use(policy: Hash | undefined): void {
    const bytes = policy && this.store.get(policy);
    const document = bytes && parsePolicy(JSON.parse(new TextDecoder().decode(bytes)));
    const holding = (document?.waive ?? []).filter(({ until }) => waiverHolds(until, this.clock.wallMs()));
    this.#drivers = new Set(holding.map((each) => each.driver));
  }
}
