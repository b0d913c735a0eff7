/** What became of the frames of lanes that are gone: lost means sent − received − counted drops. */
import type { LaneFigures } from "../../core/keeper.ts";

export interface Account {
  readonly route: string;
  readonly lanes: number;
  readonly sent: number;
  readonly received: number;
  readonly dropped: number;
  readonly lost: number;
}

export class Ledger {
  readonly #accounts = new Map<string, Account>();
  readonly #closed = new Set<number>();

  /** The last figures of a lane; a second time they change nothing. */
  add(figures: LaneFigures): void {
    if (this.#closed.has(figures.lane)) return;
    this.#closed.add(figures.lane);
    const { route, sent, received } = figures;
    // A producer's refusals (`full`) were never sent, so that they are no part of what was.
    const { full, tooLarge, expired, ...onLane } = figures.drops;
    const counted = Object.values(onLane).reduce((sum, each) => sum + each, 0);
    const before = this.#accounts.get(route) ?? { route, lanes: 0, sent: 0, received: 0, dropped: 0, lost: 0 };
    this.#accounts.set(route, {
      route,
      lanes: before.lanes + 1,
      sent: before.sent + sent,
      received: before.received + received,
      dropped: before.dropped + counted + full + tooLarge + expired,
      lost: before.lost + Math.max(0, sent - received - counted),
    });
  }

  accounts(): readonly Account[] {
    return [...this.#accounts.values()].sort((one, other) => one.route < other.route ? -1 : 1);
  }
}
