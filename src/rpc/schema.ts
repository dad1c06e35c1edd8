/** `daemon.schema`: the whole API as JSON Schema, from the same records that check it. */
import { z } from "zod";
import { ERROR_CODES } from "../errors.js";
import { EVENTS, NOTIFICATIONS } from "./announcements.js";
import type { Method } from "./method.js";
import { PROTOCOL, REVISION } from "./protocol.js";
import type { SchemaResult } from "./protocol.js";

type Json = Record<string, unknown>;

export function describeApi(methods: Iterable<Method>): SchemaResult {
  return {
    protocol: PROTOCOL,
    revision: REVISION,
    methods: Object.fromEntries(
      [...methods].map((method) => [
        method.name,
        { since: method.since, summary: method.summary, params: paramsOf(method), result: jsonSchema(method.result) },
      ]),
    ),
    events: Object.fromEntries(
      Object.entries(EVENTS).map(([kind, { since, summary, fields }]) => [kind, { since, summary, fields: jsonSchema(fields) }]),
    ),
    notifications: Object.fromEntries(
      Object.entries(NOTIFICATIONS).map(([name, { since, summary, fields }]) => [name, { since, summary, params: jsonSchema(fields) }]),
    ),
    errors: { ...ERROR_CODES },
  };
}

/** Each parameter with its `since`; bytes with their base64 twin. */
function paramsOf(method: Method): Json {
  const schema = jsonSchema(method.params);
  const properties: Json = {};
  for (const [name, property] of Object.entries((schema["properties"] ?? {}) as Record<string, Json>)) {
    const since = property["since"] ?? method.since;
    properties[name] = { ...property, since };
    if (method.bytes?.includes(name) === true) {
      properties[`${name}_b64`] = {
        type: "string",
        contentEncoding: "base64",
        description: `${name} as base64; give one of the two`,
        since,
      };
    }
  }
  const all = (schema["required"] ?? []) as string[];
  const required = all.filter((name) => method.bytes?.includes(name) !== true);
  const eitherOf = (method.bytes ?? []).map((name) =>
    all.includes(name) ? { oneOf: [{ required: [name] }, { required: [`${name}_b64`] }] } : { not: { required: [name, `${name}_b64`] } },
  );
  return {
    type: "object",
    properties,
    ...(required.length === 0 ? {} : { required }),
    ...(eitherOf.length === 0 ? {} : { allOf: eitherOf }),
    additionalProperties: false,
  };
}

function jsonSchema(schema: z.ZodType): Json {
  const { $schema: _, ...plain } = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema: json }) => {
      if (z.globalRegistry.get(zodSchema)?.["bytes"] !== true) return;
      delete json["bytes"];
      json.type = "string";
      json.description = "bytes: bin in MessagePack (text is taken too); base64 in JSON, under this name with _b64";
    },
  }) as Json;
  return plain;
}
