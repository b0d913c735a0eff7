/** The local API: a thin skin over the panel. It trusts nobody that the socket's guard has not let in. */
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { EXIT, type ExitCode, type Issue, issue, RttError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { describeUnexpected } from "../unexpected.ts";
import { type ActLine, type Refused, ROUTES } from "./wire.ts";

/** What the panel does for the API. Each answers plain JSON or throws an `RttError`. */
export interface PanelService {
  apply(file: Uint8Array, line: (line: ActLine) => void): Promise<ActLine>;
  rollback(line: (line: ActLine) => void): Promise<ActLine>;
  down(line: (line: ActLine) => void): Promise<ActLine>;
  status(): Promise<unknown>;
  drift(): Promise<unknown>;
}

/**
 * `strangers` answers how many peers of another user or namespace are connected right now, having shut them down. While
 * there is one, nothing is served: the run-time does not say which connection a request came on.
 */
export function api(panel: PanelService, strangers: () => number): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    if (strangers() > 0) {
      return context.json(refused(EXIT.refused, stranger()), 403);
    }
    return await next();
  });
  app.use(
    bodyLimit({
      maxSize: LIMITS.planBytes,
      onError: (context) => context.json(refused(EXIT.badInput, tooLarge()), 413),
    }),
  );
  app.post(ROUTES.apply, async (context) => {
    const file = new Uint8Array(await context.req.arrayBuffer());
    return stream((line) => panel.apply(file, line));
  });
  app.post(ROUTES.rollback, () => stream((line) => panel.rollback(line)));
  app.post(ROUTES.down, () => stream((line) => panel.down(line)));
  app.get(ROUTES.status, async (context) => context.json(await panel.status()));
  app.get(ROUTES.drift, async (context) => context.json(await panel.drift()));
  app.notFound((context) => context.json(refused(EXIT.badInput, unknownPath(context.req.path)), 404));
  app.onError((thrown, context) => {
    const known = thrown instanceof RttError;
    const body = known
      ? { exit: thrown.exit, issues: thrown.issues }
      : refused(EXIT.failed, describeUnexpected(thrown));
    return context.json(body, known ? 409 : 500);
  });
  return app;
}

/** One JSON object a line: progress while it happens, then how it ended. */
function stream(act: (line: (line: ActLine) => void) => Promise<ActLine>): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      let listening = true;
      const line = (each: ActLine): void => {
        try {
          if (listening) controller.enqueue(encoder.encode(`${JSON.stringify(each)}\n`));
        } catch {
          listening = false; // The asker went away; the act goes on.
        }
      };
      line(await act(line).catch(failedLine));
      if (listening) controller.close();
    },
  });
  return new Response(body, { headers: { "content-type": "application/x-ndjson" } });
}

function failedLine(thrown: unknown): ActLine {
  const known = thrown instanceof RttError;
  return {
    outcome: "refused",
    exit: known ? thrown.exit : EXIT.failed,
    plan: null,
    serial: null,
    changed: false,
    issues: known ? thrown.issues : [describeUnexpected(thrown)],
  };
}

function refused(exit: ExitCode, what: Issue): Refused {
  return { exit, issues: [what] };
}

function stranger(): Issue {
  const why = "a peer of another user or namespace was connected to its socket";
  return issue("api.stranger", `cannot answer because ${why}`, "connect as the panel's own user, outside containers");
}

function tooLarge(): Issue {
  const why = `the request is larger than ${LIMITS.planBytes} bytes`;
  return issue("api.tooLarge", `cannot read the request because ${why}`, "is the file a plan?");
}

function unknownPath(path: string): Issue {
  return issue("api.path", `cannot answer ${path} because there is no such path`, "is rtt of the panel's version?");
}
