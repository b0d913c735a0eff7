/** Small checks of the shape of parsed JSON, composed where a document is read. A shape either returns the value or a path. */

/** Undefined when the value has the shape, else where it first has not: `links[2].route`. */
export type Shape = (value: unknown) => string | undefined;

const fits = undefined;

export const text: Shape = (value) => typeof value === "string" ? fits : "";
export const flag: Shape = (value) => typeof value === "boolean" ? fits : "";
export const anything: Shape = () => fits;
/** A whole number from 0 to 2^53 − 1. */
export const count: Shape = (value) =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? fits : "";
export const number: Shape = (value) => typeof value === "number" && Number.isFinite(value) ? fits : "";

export function matching(pattern: RegExp): Shape {
  return (value) => typeof value === "string" && pattern.test(value) ? fits : "";
}

export function oneOf(...values: readonly (string | number | null)[]): Shape {
  return (value) => values.some((each) => each === value) ? fits : "";
}

export function nullable(shape: Shape): Shape {
  return (value) => value === null ? fits : shape(value);
}

/** For a member that may be left out; JSON has no other way to be undefined. */
export function optional(shape: Shape): Shape {
  return (value) => value === undefined ? fits : shape(value);
}

export function list(of: Shape, most: number): Shape {
  return (value) => {
    if (!Array.isArray(value) || value.length > most) return "";
    for (const [at, each] of value.entries()) {
      const wrong = of(each);
      if (wrong !== undefined) return join(`[${at}]`, wrong);
    }
    return fits;
  };
}

/** Values of one shape under keys of another: by default, of any name. */
export function record(of: Shape, most: number, key: Shape = text): Shape {
  return (value) => {
    if (!isObject(value) || Object.keys(value).length > most) return "";
    for (const [name, each] of Object.entries(value)) {
      const wrong = key(name) ?? of(each);
      if (wrong !== undefined) return join(`.${name}`, wrong);
    }
    return fits;
  };
}

/** Exactly these keys, no more and no fewer. */
export function object(members: Readonly<Record<string, Shape>>): Shape {
  const names = Object.keys(members);
  return (value) => {
    if (!isObject(value)) return "";
    for (const key of Object.keys(value)) if (!names.includes(key)) return `.${key}`;
    for (const name of names) {
      const wrong = members[name]?.(value[name]);
      if (wrong !== undefined) return join(`.${name}`, wrong);
    }
    return fits;
  };
}

/** One of several object shapes, told apart by the value of `kind`. */
export function tagged(kinds: Readonly<Record<string, Readonly<Record<string, Shape>>>>): Shape {
  return (value) => {
    const kind = isObject(value) ? value["kind"] : undefined;
    const members = typeof kind === "string" && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
    return members ? object({ kind: text, ...members })(value) : ".kind";
  };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function join(head: string, tail: string): string {
  return head + tail;
}
