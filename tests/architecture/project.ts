/** What the architecture test looks at: files, imports and dependencies of a project in a folder. */

export interface Source {
  /** Relative to the project, with "/". */
  readonly path: string;
  readonly text: string;
}

/** Folders that hold nothing that people wrote here. */
const LEFT_OUT = new Set([".git", ".rtt", "dist", "target", "node_modules", "generated", "testdata"]);

export function readProject(root: URL, endings: readonly string[]): Source[] {
  const found: Source[] = [];
  const visit = (folder: URL, at: string): void => {
    for (const entry of Deno.readDirSync(folder)) {
      const path = `${at}${entry.name}`;
      if (entry.isDirectory && !LEFT_OUT.has(entry.name)) visit(new URL(`${entry.name}/`, folder), `${path}/`);
      else if (entry.isFile && endings.some((end) => end.startsWith(".") ? path.endsWith(end) : path === end)) {
        found.push({ path, text: Deno.readTextFileSync(new URL(entry.name, folder)) });
      }
    }
  };
  visit(root, "");
  return found.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** Formatted code ends an import with ";" or its attributes; CUE within a template string does not. */
const IMPORTS = [
  /^\s*(?:import|export)\s[^"';]*?\bfrom\s*["']([^"']+)["'](?:;|\s+with\b)/gm,
  /^\s*import\s*["']([^"']+)["'](?:;|\s+with\b)/gm,
  /\bimport\(\s*["'`]([^"'`]+)["'`]/g,
];

/** Specifiers that a TypeScript file imports, statically or dynamically. */
export function importsOf(source: Source): string[] {
  return IMPORTS.flatMap((pattern) => [...source.text.matchAll(pattern)].map((match) => match[1] ?? ""));
}

/** A relative specifier as a path of the project; a package's specifier is undefined. */
export function resolve(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

export interface Dependency {
  readonly name: string;
  readonly where: string;
}

/** Names below `[dependencies]`-like headings of a Cargo.toml; crates of this project are not dependencies. */
export function cargoDependencies(source: Source): Dependency[] {
  const found: Dependency[] = [];
  let inside = false;
  for (const line of source.text.split("\n")) {
    const table = /^\[(.*)\]/.exec(line)?.[1];
    if (table !== undefined) {
      const whole = /(^|\.)(dev-|build-)?dependencies(?:\.([\w-]+))?$/.exec(table);
      inside = whole !== null && whole[3] === undefined;
      if (whole?.[3] !== undefined) found.push({ name: whole[3], where: source.path });
      continue;
    }
    const name = /^([\w-]+)(?:\.\w+)?\s*=/.exec(line)?.[1];
    if (inside && name !== undefined && !/path\s*=/.test(line)) found.push({ name, where: source.path });
  }
  return found;
}

/** Modules that a go.mod asks for itself; those that come with them are in go.sum. */
export function goDependencies(source: Source): Dependency[] {
  return [...source.text.matchAll(/^(?:require\s+|\t)([\w.-]+\/[^\s]+) v[^\s]+(.*)$/gm)]
    .filter((match) => !(match[2] ?? "").includes("indirect"))
    .map((match) => ({ name: match[1] ?? "", where: source.path }));
}

/** Packages of deno.json's import map and of the local packages behind `links`. */
export function denoDependencies(source: Source): Dependency[] {
  return [...source.text.matchAll(/(?:npm|jsr):(@?[\w-]+(?:\/[\w-]+)?)@\^?\d/g)]
    .map((match) => ({ name: match[1] ?? "", where: source.path }));
}
