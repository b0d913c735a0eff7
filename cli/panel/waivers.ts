/** Drivers that a signed policy lets run without isolation, today: asked anew for each start and each look. */
import { issue, ok, refuse } from "../../core/errors.ts";
import type { Hash } from "../../core/model/names.ts";
import type { Clock, Store } from "../../core/ports.ts";
import { waiverHolds } from "../../core/model/waiver.ts";
import { parsePolicy, type Waived } from "../project/policy.ts";
import { Remembered } from "./remembered.ts";

/** The policies of the plan that is committed, of the one before it, and of one that is being applied. */
const POLICIES = 3;

export class Waivers {
  readonly #known = new Remembered<readonly Waived[]>(POLICIES);

  constructor(readonly store: Pick<Store, "get">, readonly clock: Pick<Clock, "wallMs">) {}

  /**
   * By the policy with this hash: the one that an admitted plan is gated on, whose signatures were checked when it was pinned.
   * A waiver that has ended is none: its driver is isolated, whatever that breaks.
   */
  isolates(driver: string, policy: Hash | undefined): boolean {
    return !this.#holding(policy).has(driver);
  }

  count(policy: Hash | undefined): number {
    return this.#holding(policy).size;
  }

  #holding(policy: Hash | undefined): ReadonlySet<string> {
    const holding = this.#waivers(policy).filter(({ until }) => waiverHolds(until, this.clock.wallMs()));
    return new Set(holding.map((each) => each.driver));
  }

  /** One that is not in the store waives nothing. */
  #waivers(policy: Hash | undefined): readonly Waived[] {
    if (policy === undefined) return [];
    const known = this.#known.ask(policy, () => {
      const bytes = this.store.get(policy);
      const document = bytes && parsePolicy(JSON.parse(new TextDecoder().decode(bytes)));
      return document
        ? ok(document.waive)
        : refuse(issue("store.missing", "cannot read the policy", "apply the plan again"));
    });
    return known.ok ? known.value : [];
  }
}
