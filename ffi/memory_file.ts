/**
 * Loads a library from its bytes without a file that anybody could change or a folder that must be writable: from sealed
 * memory, or, where the system forbids executable memory files, from a private folder.
 */
import { LIBC_SYMBOLS } from "./symbols.ts";

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const MFD_EXEC = 16;
const F_ADD_SEALS = 1033;
/** F_SEAL_SEAL, SHRINK, GROW and WRITE: nobody changes it again. */
const ALL_SEALS = 0xf;

/** Opens the library in these bytes with `load`, which gets its path and has loaded it when it returns. */
export function loadFromMemory<Loaded>(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  load: (path: string) => Loaded,
): Loaded {
  using libc = Deno.dlopen("libc.so.6", LIBC_SYMBOLS);
  const { memfd_create, write, fcntl } = libc.symbols;
  const label = new TextEncoder().encode(`${name}\0`);
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  // Kernels before 6.3 do not know MFD_EXEC, and need it not.
  const first = memfd_create(label, flags | MFD_EXEC);
  const descriptor = first >= 0 ? first : memfd_create(label, flags);
  if (descriptor < 0) return loadFromFolder(bytes, name, load);
  for (let at = 0; at < bytes.length;) {
    const written = Number(write(descriptor, bytes.subarray(at), BigInt(bytes.length - at)));
    if (written <= 0) return loadFromFolder(bytes, name, load);
    at += written;
  }
  fcntl(descriptor, F_ADD_SEALS, ALL_SEALS);
  try {
    return load(`/proc/self/fd/${descriptor}`);
  } catch {
    return loadFromFolder(bytes, name, load); // `vm.memfd_noexec` forbids it.
  }
}

/** The folder is ours alone (mode 0700) and gone once the library is mapped. */
function loadFromFolder<Loaded>(bytes: Uint8Array<ArrayBuffer>, name: string, load: (path: string) => Loaded): Loaded {
  const folder = Deno.makeTempDirSync({ prefix: "rtt-" });
  try {
    const path = `${folder}/${name}`;
    Deno.writeFileSync(path, bytes, { mode: 0o500, createNew: true });
    return load(path);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
