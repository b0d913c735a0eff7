/** What goes over the local API, for both of its ends. */
import type { ApplyStep, Outcome } from "../../core/apply/types.ts";
import type { ExitCode, Issue } from "../../core/errors.ts";

/** A line of the answer to `POST /v1/apply`, `/v1/rollback` and `/v1/down`: progress as it happens, then one end. */
export type ActLine =
  | { readonly step: ApplyStep | "down"; readonly detail: string }
  | {
    readonly outcome: Outcome["kind"];
    readonly exit: ExitCode;
    readonly plan: string | null;
    readonly serial: number | null;
    readonly changed: boolean;
    readonly issues: readonly Issue[];
  };

/** The body of an answer that is no success. */
export interface Refused {
  readonly exit: ExitCode;
  readonly issues: readonly Issue[];
}

export const ROUTES = {
  apply: "/v1/apply",
  rollback: "/v1/rollback",
  down: "/v1/down",
  status: "/v1/status",
  drift: "/v1/drift",
} as const;
