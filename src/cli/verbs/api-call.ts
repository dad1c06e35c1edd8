import { messageOf } from "../../errors.js";
import { writePaced } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT, UsageError } from "../verb.js";

export const verb: Verb<Record<string, never>> = {
  record: {
    name: "api call",
    summary: "call any method of the daemon; prints the answer as JSON",
    details: "Bytes are base64 in fields whose names end in _b64, times are milliseconds, as on the wire.",
    arguments: [
      { name: "<method>", description: "as session.list; lifeguard api schema has them all" },
      { name: "[json]", description: "its parameters, one JSON object" },
    ],
    options: [{ flags: "--json", description: "changes nothing: it is JSON anyway" }],
    example: `lifeguard api call session.get '{"id": "build"}'`,
    startsDaemon: true,
  },
  async run({ words: [method = "", json = "{}"], terminal, connect }: Invocation<Record<string, never>>) {
    const params = parseParams(json);
    const answer = await (await connect()).callAny(method, params);
    await writePaced(terminal.stdout, `${JSON.stringify(answer, base64, 2)}\n`);
    return EXIT.done;
  },
};

/** One JSON object; `x_b64` becomes the bytes `x`. @throws UsageError */
export function parseParams(json: string): Record<string, unknown> {
  let params: unknown;
  try {
    params = JSON.parse(json);
  } catch (error) {
    throw new UsageError(`the parameters are no JSON: ${messageOf(error)}`);
  }
  if (typeof params !== "object" || params === null || Array.isArray(params))
    throw new UsageError(`the parameters must be one JSON object, got ${JSON.stringify(params)}`);
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) =>
      name.endsWith("_b64") && typeof value === "string" ? [name.slice(0, -4), Buffer.from(value, "base64")] : [name, value as unknown],
    ),
  );
}

/** For JSON.stringify: objects with bytes in them get `…_b64` fields instead. */
function base64(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value);
  if (!entries.some(([, field]) => field instanceof Uint8Array)) return value;
  return Object.fromEntries(
    entries.map(([name, field]) =>
      field instanceof Uint8Array ? [`${name}_b64`, Buffer.from(field).toString("base64")] : [name, field as unknown],
    ),
  );
}
