/** `core` reads dates as strings; `default` and `extended` do not. */
export type SchemaType = "failsafe" | "json" | "core" | "default" | "extended";

export interface ParseOptions {
  allowDuplicateKeys?: boolean;
  schema?: SchemaType;
  onWarning?: (error: Error) => void;
}

export interface StringifyOptions {
  indent?: number;
  arrayIndent?: boolean;
  skipInvalid?: boolean;
  flowLevel?: number;
  schema?: SchemaType;
  sortKeys?: boolean | ((a: string, b: string) => number);
  lineWidth?: number;
  useAnchors?: boolean;
  compatMode?: boolean;
  condenseFlow?: boolean;
  quoteStyle?: "'" | '"';
}

/** Parses one YAML document; throws a `SyntaxError` with its position. */
export function parse(content: string, options?: ParseOptions): unknown;

/** Parses every document of a stream. */
export function parseAll(content: string, options?: ParseOptions): unknown[];

/** One YAML document; throws a `TypeError` for what YAML cannot say. */
export function stringify(data: unknown, options?: StringifyOptions): string;
