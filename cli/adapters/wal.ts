/** `WalStorage` on one file, which the native side allocates, zeroes and syncs. */
import type { WalStorage } from "../../core/ports.ts";
import type { DurableFile, Native } from "../../ffi/mod.ts";
import { readIfThere } from "../files.ts";

/** The folder is made if it is not there. Whoever opens it holds the panel's lock: it has one writer. */
export function openWalFile(path: string, native: Native): WalStorage & Disposable {
  const folder = folderOf(path);
  Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
  // The folder's own name is to be as durable as what is in it.
  using above = native.openFolder(folderOf(folder));
  above.sync();
  return new WalFile(path, native.openFile(path));
}

class WalFile implements WalStorage, Disposable {
  constructor(readonly path: string, readonly file: DurableFile) {}

  read(): Uint8Array {
    return readIfThere(this.path) ?? new Uint8Array();
  }

  write(offset: number, sectors: Uint8Array): void {
    this.file.write(offset, owned(sectors));
  }

  sync(): void {
    this.file.sync();
  }

  reserve(bytes: number): boolean {
    return this.file.reserve(bytes);
  }

  renew(sectors: Uint8Array): void {
    this.file.renew(owned(sectors));
  }

  [Symbol.dispose](): void {
    this.file[Symbol.dispose]();
  }
}

/** Of an absolute path, or of one with a folder. */
function folderOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}

/** Memory that no other thread can be writing. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    : Uint8Array.from(bytes);
}
