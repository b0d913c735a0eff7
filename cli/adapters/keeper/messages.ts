/**
 * What goes over the link, as JSON: the native library writes it as packets of `control.capnp`, and checks and reads those
 * that come. Both sides have the shapes of `core/keeper.ts`.
 */
import type { Inventory, KeeperEvent, KeeperRequest } from "../../../core/keeper.ts";

/** What a link asks for itself, beside what the panel asks. */
export type LinkRequest =
  | { readonly kind: "attach"; readonly protocol: number; readonly panel: string }
  | { readonly kind: "regionDescriptors"; readonly regions: readonly number[] };

export type Reply =
  & { readonly id: number }
  & (
    | { readonly kind: "done"; readonly epoch: number; readonly inventory: Inventory | null }
    | { readonly kind: "refused"; readonly code: string; readonly message: string }
    | {
      readonly kind: "attached";
      readonly protocol: number;
      readonly generation: number;
      readonly keeperVersion: string;
    }
  );

export function writeRequest(id: number, generation: number, asked: KeeperRequest | LinkRequest): string {
  const { kind, ...body } = asked;
  return JSON.stringify({ id, generation, request: { [kind]: body } });
}

/** From our own library, which has checked every name and number in it. */
export function readMessage(json: string): Reply | KeeperEvent {
  return JSON.parse(json);
}

export function isEvent(message: Reply | KeeperEvent): message is KeeperEvent {
  return "seq" in message;
}
