/** Methods about the daemon itself. */
import { z } from "zod";
import { LifeguardError } from "../../errors.js";
import { method } from "../method.js";
import type { Method } from "../method.js";
import { FEATURES, PROTOCOL, REVISION } from "../protocol.js";
import { helloShape, schemaShape, statusShape } from "../shapes.js";

const hello: Method = method({
  name: "daemon.hello",
  since: "1.0",
  summary:
    "Says who we are and learns who answers. Optional. `notify` sets how notifications are sent on this connection: each becomes a call of `method` with `[...args, [name, params]]`; null sends them plainly again.",
  params: z.strictObject({
    client: z
      .union(
        [z.string().max(256, "has at most 256 characters"), z.record(z.string().max(64), z.string().max(256))],
        "is a name, or a map of text about who calls",
      )
      .describe("who calls, for people")
      .optional(),
    protocol: z
      .int("is the major version of the protocol, a whole number")
      .min(1, "is the major version of the protocol, from 1")
      .optional(),
    notify: z
      .strictObject({ method: z.string().min(1, "is the name to call").max(256), args: z.array(z.unknown()).max(64).optional() })
      .nullable()
      .optional(),
  }),
  result: helloShape,
  handler: ({ protocol, notify }, { supervisor, peer, host }) => {
    if (protocol !== undefined && protocol > PROTOCOL) {
      throw new LifeguardError(
        "PROTOCOL",
        `this daemon (${host.version}) speaks protocol ${PROTOCOL}, the client asks for ${protocol}; start a newer daemon or ask for ${PROTOCOL}`,
        { protocol: PROTOCOL, received: protocol },
      );
    }
    if (notify !== undefined) peer.notifyWrap = notify === null ? null : { method: notify.method, args: notify.args ?? [] };
    return {
      protocol: PROTOCOL,
      revision: REVISION,
      version: host.version,
      boot: supervisor.boot,
      pid: process.pid,
      methods: [...host.methods],
      features: [...FEATURES],
      limits: host.limits,
    };
  },
});

const status: Method = method({
  name: "daemon.status",
  since: "1.0",
  summary: "Counts and sizes of everything the daemon holds.",
  params: z.strictObject({}),
  result: statusShape,
  handler: async (_params, { supervisor, host }) => ({ ...(await supervisor.status()), connections: host.connections() }),
});

const metrics: Method = method({
  name: "daemon.metrics",
  since: "1.0",
  summary: "Figures of the daemon as Prometheus text.",
  params: z.strictObject({}),
  result: z.string().describe("Prometheus text"),
  handler: (_params, { supervisor, host }) => supervisor.metrics(host.figures()),
});

const reload: Method = method({
  name: "daemon.reload",
  since: "1.1",
  summary:
    "Reads config.toml again. `changed` is heeded from now on, some of it by sessions that start from now on (docs/configuration.md says which); `restart` differs in the file and waits for the daemon's next start. INVALID_PARAMS with `file`, `line` and `field` when the file is refused: then nothing has changed. Refused from inside a session: FORBIDDEN.",
  params: z.strictObject({}),
  result: z.object({ changed: z.array(z.string()), restart: z.array(z.string()) }),
  handler: (_params, { supervisor, caller }) => supervisor.reload(caller),
});

const schema: Method = method({
  name: "daemon.schema",
  since: "1.0",
  summary: "The whole API as JSON Schema; each method, parameter and event says since which revision it is there.",
  params: z.strictObject({}),
  result: schemaShape,
  handler: (_params, { host }) => host.schema(),
});

const stop: Method = method({
  name: "daemon.stop",
  since: "1.0",
  summary: "Ends the daemon; agents go on under the keeper, unless `all`. Answers with how many sessions there are, before it ends.",
  params: z.strictObject({ all: z.boolean().describe("end the agents too").optional() }),
  result: z.object({ sessions: z.int().min(0) }),
  handler: ({ all }, { supervisor, caller }) => supervisor.stop({ all: all ?? false }, caller),
});

export const daemonMethods: readonly Method[] = [hello, status, metrics, reload, schema, stop];
