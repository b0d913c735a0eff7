/** What is on disk, to see that nothing of it changed. */

/** Every file of a folder with its content, but those below these folders. */
export function everything(dir: string, except: readonly string[] = [], below = ""): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const entry of Deno.readDirSync(`${dir}/${below}`)) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (except.includes(path)) continue;
    if (entry.isDirectory) { for (const [name, text] of everything(dir, except, path)) found.set(name, text); }
    else found.set(path, Deno.readTextFileSync(`${dir}/${path}`));
  }
  return found;
}
