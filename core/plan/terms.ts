/** Sums over binary variables, and the stages that minimise them. */
export type Term = readonly [variable: number, coefficient: number];

/** Stages in order; the value of each is kept while the next is minimised. */
export interface Stage {
  readonly name: "latency" | "crossNode" | "churn" | "tie";
  readonly terms: readonly Term[];
  /** Terms × factor + constant is the objective's own value. */
  readonly factor: number;
  readonly constant: number;
}

export function ones(variables: readonly number[], coefficient = 1): Term[] {
  return variables.map((each) => [each, coefficient]);
}

export function negated(terms: readonly Term[] = []): Term[] {
  return terms.map(([variable, coefficient]) => [variable, -coefficient]);
}

/** Digits of a number, one variable for each value of a digit; the first digit weighs most. */
export function digitsTerms(digits: readonly (readonly number[])[]): Term[] {
  const terms: Term[] = [];
  let weight = 1;
  for (const digit of [...digits].reverse()) {
    digit.forEach((variable, value) => {
      if (value > 0) terms.push([variable, value * weight]);
    });
    weight *= digit.length;
  }
  return terms;
}

/** Divided by the greatest common divisor: small coefficients are kind to floating point. */
export function scaled(name: Stage["name"], terms: readonly Term[], constant: number): Stage {
  const used = terms.filter(([, coefficient]) => coefficient !== 0);
  const factor = used.reduce((divisor, [, coefficient]) => gcd(divisor, Math.abs(coefficient)), 0) || 1;
  return { name, terms: used.map(([variable, coefficient]) => [variable, coefficient / factor]), factor, constant };
}

function gcd(one: number, other: number): number {
  while (other !== 0) [one, other] = [other, one % other];
  return one;
}
