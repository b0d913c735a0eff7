/**
 * The problem as a program over binary variables: a pair for each route, a group for each driver, and the way between the
 * two groups of a route. There are O(routes × providers × groups) variables; cpus are not in it. Each row carries the
 * requirements that it stands for, so that a contradiction can be said in the words of the config.
 */
import { assert } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { DriverName } from "../model/names.ts";
import type { Program, Row } from "../ports.ts";
import { type Pair, words } from "./candidates.ts";
import { COST, crossNodeNs, weightMilli } from "./cost.ts";
import type { Cycle } from "./cycles.ts";
import { type Decision, driverChurn, type Problem, routeChurn } from "./problem.ts";
import { digitsTerms, negated, ones, scaled, type Stage, type Term } from "./terms.ts";

export type Requirement =
  | { readonly kind: "route"; readonly route: number }
  | { readonly kind: "budget"; readonly route: number }
  | { readonly kind: "from"; readonly from: string }
  | { readonly kind: "capacity"; readonly group: number }
  | { readonly kind: "cycle"; readonly cycle: Cycle };

export interface TaggedRow {
  readonly row: Row;
  /** The row stands only as long as all of these are required. */
  readonly needs: readonly Requirement[];
}

export interface Model {
  readonly variables: readonly string[];
  readonly rows: readonly TaggedRow[];
  readonly stages: readonly Stage[];
  decode(values: readonly number[]): Decision;
  /** Forbids the pairs of a decision that close a cycle. */
  cut(cycle: Cycle, decision: Decision): TaggedRow;
}

export function modelOf(problem: Problem): Model {
  const builder = new Builder(problem);
  builder.addChoices();
  builder.addShared();
  builder.addFroms();
  builder.addCapacities();
  builder.addWays();
  return builder.model();
}

export function programOf(model: Model, rows: readonly Row[], objective: readonly Term[]): Program {
  return { variables: model.variables, objective, rows };
}

type Side = "from" | "to";

class Builder {
  private readonly variables: string[] = [];
  private readonly rows: TaggedRow[] = [];
  private readonly latency: Term[] = [];
  private readonly crossNode: Term[] = [];
  private latencyConstant = 0;
  /** By route and pair; by driver and group. */
  private readonly x: readonly (readonly number[])[];
  private readonly p: readonly (readonly number[])[];
  private readonly driverIndex: ReadonlyMap<DriverName, number>;
  /** `as driver` → its variables, one for each group. */
  private readonly sharedAt = new Map<string, readonly number[]>();

  constructor(private readonly problem: Problem) {
    this.driverIndex = new Map(problem.drivers.map((name, at) => [name, at]));
    this.x = problem.wanted.map(({ route, pairs }) => pairs.map((_, at) => this.variable(`pair ${route.name} ${at}`)));
    this.p = problem.drivers.map((name) => problem.groups.map((_, at) => this.variable(`place ${name} ${at}`)));
  }

  private variable(name: string): number {
    this.variables.push(name);
    return this.variables.length - 1;
  }

  private row(name: string, terms: readonly Term[], sense: Row["sense"], rhs: number, ...needs: Requirement[]): void {
    this.rows.push({ row: { name, terms, sense, rhs }, needs });
  }

  private placeOf(driver: DriverName): readonly number[] {
    return this.p[this.driverIndex.get(driver) ?? -1] ?? [];
  }

  /** Each route has one pair; a driver is placed once when a pair uses it, and not otherwise. */
  addChoices(): void {
    const uses = this.problem.drivers.map((): number[] => []);
    this.problem.wanted.forEach(({ route, pairs }, at) => {
      const x = this.x[at] ?? [];
      this.row(`wire ${route.name}`, ones(x), "=", 1, { kind: "route", route: at });
      const byDriver = new Map<number, number[]>();
      pairs.forEach((pair, index) => {
        for (const driver of [pair.from.driver, pair.to.driver]) {
          const driverAt = this.driverIndex.get(driver) ?? -1;
          byDriver.set(driverAt, [...byDriver.get(driverAt) ?? [], x[index] ?? -1]);
        }
        if (pair.costNs > 0) this.latency.push([x[index] ?? -1, weightMilli(route) * pair.costNs]);
      });
      for (const [driver, chosen] of byDriver) {
        uses[driver]?.push(...chosen);
        this.row(`use ${route.name} ${driver}`, [...ones(chosen), ...ones(this.p[driver] ?? [], -1)], "<=", 0);
      }
    });
    this.problem.drivers.forEach((name, at) => {
      const place = this.p[at] ?? [];
      this.row(`once ${name}`, ones(place), "<=", 1);
      this.row(`idle ${name}`, [...ones(place), ...ones(uses[at] ?? [], -1)], "<=", 0);
    });
  }

  /** All ends of one `as` are met by one driver; where that driver is, is a variable of its own, so that ways stay linear. */
  addShared(): void {
    for (const { as, ends } of this.problem.shared) {
      const drivers = [...new Set(ends.flatMap(({ route, side }) => this.driversAt(route, side)))].sort();
      if (drivers.length < 2) continue;
      for (const driver of drivers) {
        const chosen = this.variable(`meet ${as} ${driver}`);
        const at = this.problem.groups.map((_, group) => this.variable(`meet ${as} ${driver} ${group}`));
        this.sharedAt.set(`${as} ${driver}`, at);
        this.row(`meet ${as} ${driver}`, [...ones(at), [chosen, -1]], "=", 0);
        at.forEach((each, group) =>
          this.row(`at ${as} ${driver} ${group}`, [[each, 1], [this.placeOf(driver)[group] ?? -1, -1]], "<=", 0)
        );
        for (const { route, side } of ends) {
          const pairs = this.problem.wanted[route]?.pairs ?? [];
          const mine = pairs.flatMap((pair, index) =>
            pair[side].driver === driver ? [this.x[route]?.[index] ?? -1] : []
          );
          this.row(`as ${as} ${driver} ${route}`, [...ones(mine), [chosen, -1]], "=", 0, { kind: "route", route });
        }
      }
    }
  }

  private driversAt(route: number, side: Side): readonly DriverName[] {
    return [...new Set((this.problem.wanted[route]?.pairs ?? []).map((pair) => pair[side].driver))];
  }

  /** An `out` has one active `to`, as planned and after each fallback. */
  addFroms(): void {
    const known = new Set<string>();
    for (const active of this.problem.variants) {
      const byFrom = new Map<string, { terms: number[]; routes: Set<number> }>();
      for (const route of active) {
        (this.problem.wanted[route]?.pairs ?? []).forEach((pair, index) => {
          const from = words(pair.from);
          const entry = byFrom.get(from) ?? { terms: [], routes: new Set() };
          entry.terms.push(this.x[route]?.[index] ?? -1);
          entry.routes.add(route);
          byFrom.set(from, entry);
        });
      }
      for (const [from, { terms, routes }] of byFrom) {
        const key = terms.join(" ");
        if (routes.size < 2 || known.has(key)) continue;
        known.add(key);
        this.row(`from ${from}`, ones(terms), "<=", 1, { kind: "from", from });
      }
    }
  }

  addCapacities(): void {
    this.problem.groups.forEach(({ capacityPermille }, group) => {
      const terms = this.problem.loads.flatMap((load, driver): Term[] =>
        load > 0 ? [[this.p[driver]?.[group] ?? -1, load]] : []
      );
      this.row(`capacity ${group}`, terms, "<=", capacityPermille, { kind: "capacity", group });
    });
  }

  /** Costs of the way between the groups of a route's two ends. */
  addWays(): void {
    const { groups } = this.problem;
    const nodes = [...new Set(groups.map((each) => each.node))];
    this.problem.wanted.forEach(({ route }, at) => {
      const weight = weightMilli(route);
      this.latencyConstant += weight * COST.sameCache;
      const [from, to] = [this.locations(at, "from"), this.locations(at, "to")];
      const apart = groups.length > nodes.length ? this.apart(at, from, to) : [];
      const stretch = COST.sameNode - COST.sameCache;
      for (const each of apart) this.latency.push([each, weight * stretch]);
      const across = nodes.length > 1 ? this.across(at, nodes, from, to) : [];
      const near = apart.length > 0 ? COST.sameNode : COST.sameCache;
      for (const { variable, distance } of across) {
        this.latency.push([variable, weight * (crossNodeNs(distance) - near)]);
        this.crossNode.push([variable, 1]);
      }
      this.addBudget(at, apart, across);
    });
  }

  /** By group: terms that add up to 1 when this end's driver is there. */
  private locations(route: number, side: Side): readonly (readonly Term[])[] {
    const drivers = this.driversAt(route, side);
    const end = this.problem.wanted[route]?.route[side];
    return this.problem.groups.map((_, group) =>
      drivers.map((driver): Term => {
        const shared = end?.kind === "any" ? this.sharedAt.get(`${end.as} ${driver}`) : undefined;
        return [(shared ?? this.placeOf(driver))[group] ?? -1, 1];
      })
    );
  }

  /** Variables that add up to 1 when the two ends are in different groups. */
  private apart(
    route: number,
    from: readonly (readonly Term[])[],
    to: readonly (readonly Term[])[],
  ): readonly number[] {
    return this.problem.groups.map((_, group) => {
      const apart = this.variable(`apart ${route} ${group}`);
      this.row(`apart ${route} ${group}`, [[apart, 1], ...negated(from[group]), ...(to[group] ?? [])], ">=", 0);
      return apart;
    });
  }

  /** One variable for each ordered pair of nodes: a small transport problem, so that its relaxation is tight. */
  private across(
    route: number,
    nodes: readonly number[],
    from: readonly (readonly Term[])[],
    to: readonly (readonly Term[])[],
  ): readonly { variable: number; distance: number }[] {
    const variables = nodes.map((one) => nodes.map((other) => this.variable(`across ${route} ${one} ${other}`)));
    const need: Requirement = { kind: "route", route };
    const onNode = (terms: readonly (readonly Term[])[], node: number): Term[] =>
      this.problem.groups.flatMap((group, at) => group.node === node ? negated(terms[at]) : []);
    nodes.forEach((node, at) => {
      const leaving = variables[at] ?? [];
      const arriving = variables.map((row) => row[at] ?? -1);
      this.row(`leave ${route} ${node}`, [...ones(leaving), ...onNode(from, node)], "=", 0, need);
      this.row(`arrive ${route} ${node}`, [...ones(arriving), ...onNode(to, node)], "=", 0, need);
    });
    return nodes.flatMap((one, row) =>
      nodes.flatMap((other, column) =>
        row === column
          ? []
          : [{ variable: variables[row]?.[column] ?? -1, distance: this.problem.distances(one, other) }]
      )
    );
  }

  /** A budget is hard: a way that is too long for a pair may not be chosen with it. */
  private addBudget(
    at: number,
    apart: readonly number[],
    across: readonly { variable: number; distance: number }[],
  ): void {
    const wanted = this.problem.wanted[at];
    const budget = wanted?.route.budgetNs ?? null;
    if (!wanted || budget === null) return;
    const need: Requirement = { kind: "budget", route: at };
    wanted.pairs.forEach((pair, index) => {
      const x = this.x[at]?.[index] ?? -1;
      if (apart.length > 0 && pair.costNs + COST.sameNode > budget) {
        this.row(`near ${at} ${index}`, [[x, 1], ...ones(apart)], "<=", 1, need);
      }
      for (const { variable, distance } of across) {
        if (pair.costNs + crossNodeNs(distance) <= budget) continue;
        this.row(`near ${at} ${index} ${variable}`, [[x, 1], [variable, 1]], "<=", 1, need);
      }
    });
  }

  model(): Model {
    return {
      variables: this.variables,
      rows: this.rows,
      stages: [
        scaled("latency", this.latency, this.latencyConstant),
        scaled("crossNode", this.crossNode, 0),
        this.churnStage(),
        ...this.tieStages(),
      ],
      decode: (values) => this.decode(values),
      cut: (cycle, decision) => this.cut(cycle, decision),
    };
  }

  private churnStage(): Stage {
    const terms: Term[] = [];
    let constant = 0;
    this.problem.drivers.forEach((_, driver) => {
      const idle = driverChurn(this.problem, driver, -1);
      constant += idle;
      (this.p[driver] ?? []).forEach((variable, group) => {
        terms.push([variable, driverChurn(this.problem, driver, group) - idle]);
      });
    });
    this.problem.wanted.forEach(({ pairs }, route) => {
      pairs.forEach((pair: Pair, index) => {
        terms.push([this.x[route]?.[index] ?? -1, routeChurn(this.problem, route, pair)]);
      });
    });
    return scaled("churn", terms, constant);
  }

  /**
   * Of all that is equally good, the first in stable order: pairs by their index, routes by name, then groups by theirs,
   * drivers by name. Each is a digit of a number; the number is cut into pieces that floating point holds with ease.
   */
  private tieStages(): readonly Stage[] {
    const digits = [...this.x, ...(this.problem.groups.length > 1 ? this.p : [])].filter((each) => each.length > 1);
    const stages: Stage[] = [];
    let piece: (readonly number[])[] = [];
    let size = 1;
    const close = () => {
      if (piece.length > 0) stages.push({ name: "tie", terms: digitsTerms(piece), factor: 1, constant: 0 });
      [piece, size] = [[], 1];
    };
    for (const digit of digits) {
      if (size * digit.length > LIMITS.plan.tieWeight) close();
      piece.push(digit);
      size *= digit.length;
    }
    close();
    return stages;
  }

  private decode(values: readonly number[]): Decision {
    const chosen = (each: readonly number[]) => each.findIndex((variable) => values[variable] === 1);
    return { pair: this.x.map(chosen), group: this.p.map(chosen) };
  }

  private cut(cycle: Cycle, decision: Decision): TaggedRow {
    const terms = cycle.routes.map((name): Term => {
      const route = this.problem.wanted.findIndex((each) => each.route.name === name);
      const variable = this.x[route]?.[decision.pair[route] ?? -1];
      assert(variable !== undefined, "a cycle goes over routes of the problem");
      return [variable, 1];
    });
    const row: Row = { name: `cycle ${cycle.routes.join(" ")}`, terms, sense: "<=", rhs: terms.length - 1 };
    return { row, needs: [{ kind: "cycle", cycle }] };
  }
}
