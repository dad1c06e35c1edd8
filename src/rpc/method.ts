/**
 * A method is a record: its name, since when, one sentence, what it takes and gives, and the function. Name, checking, help and
 * documentation all come from it; the table (methods/table.ts) is data.
 */
import { z } from "zod";
import { LifeguardError } from "../errors.js";
import type { Caller, SocketFigures, SupervisorApi } from "../supervisor/api.js";
import type { NotifyWrap } from "./dialect.js";
import type { EventFeed } from "./event-feed.js";
import { fromBase64 } from "./json-lines.js";
import { PROTOCOL } from "./protocol.js";
import type { HelloResult, MethodName, NotificationName, Notifications, Params, Result, SchemaResult } from "./protocol.js";
import type { Idempotency } from "./idempotency.js";
import type { SocketTally } from "./socket-tally.js";
import type { Watcher } from "./watcher.js";

/** The connection a request came on, as methods see it. */
export interface Peer {
  readonly caller: Caller;
  readonly watches: Map<string, Watcher>;
  readonly feeds: Map<string, EventFeed>;
  notifyWrap: NotifyWrap | null;
  notify<N extends NotificationName>(name: N, params: Notifications[N]): void;
  /** Bytes of output that one notification may carry now; 0: not before the connection has drained. */
  room(): number;
  /** True when cancelling did end something. */
  cancel(id: number | string): boolean;
  /** For a feed or watch that has come to its end: a half-closed connection with nothing left to say ends. */
  settled(): void;
}

/** What the methods need of the server as a whole. */
export interface Host {
  readonly version: string;
  readonly limits: HelloResult["limits"];
  readonly methods: readonly string[];
  readonly idempotency: Idempotency;
  schema(): SchemaResult;
  connections(): number;
  readonly tally: SocketTally;
  figures(): SocketFigures;
  /** Counts a watch in (LIMIT when there are too many) or out. */
  countWatch(by: 1 | -1): void;
}

export interface MethodContext {
  readonly supervisor: SupervisorApi;
  readonly caller: Caller;
  readonly peer: Peer;
  readonly host: Host;
  /** Aborted by `rpc.cancel` and when the connection is gone. */
  readonly signal: AbortSignal;
  /** Runs once the answer has been written: notifications never come before the answer that names their watch. */
  afterAnswer(run: () => void): void;
}

export interface MethodRecord<N extends MethodName, S extends z.ZodObject> {
  name: N;
  /** The contract's revision that brought it; a parameter that came later says its own in `.meta({since})`. */
  since: string;
  summary: string;
  params: S & ([Params<N>] extends [z.input<S>] ? unknown : { wire: Params<N>; schema: z.input<S> });
  /** Parameters that are bytes: also taken as `<name>_b64`. */
  bytes?: readonly string[];
  result: z.ZodType;
  /** `rpc.cancel` ends it. */
  cancellable?: boolean;
  /** Answered also when the connection has too much under way. */
  always?: boolean;
  /** About how large its answer may be: such requests wait for room before they begin. */
  answerBytes?(params: z.output<S>): number;
  handler(params: z.output<S>, context: MethodContext): Result<N> | Promise<Result<N>>;
}

/** A record whose types have been checked and are no longer of interest. */
export interface Method {
  readonly name: string;
  readonly since: string;
  readonly summary: string;
  readonly params: z.ZodObject;
  readonly bytes?: readonly string[];
  readonly result: z.ZodType;
  readonly cancellable?: boolean;
  readonly always?: boolean;
  answerBytes?(params: Record<string, unknown>): number;
  handler(params: Record<string, unknown>, context: MethodContext): unknown;
}

export function method<N extends MethodName, S extends z.ZodObject>(record: MethodRecord<N, S>): Method {
  return record;
}

function invalid(method: Method, message: string, data: Record<string, unknown>): LifeguardError {
  return new LifeguardError("INVALID_PARAMS", `${method.name}: ${message}`, { ...data, protocol: PROTOCOL });
}

/**
 * The parameters of one request, checked. None, `[]`, `[[]]` and `[{}]` are the empty map.
 * @throws LifeguardError INVALID_PARAMS naming the field
 */
export function readParams(method: Method, raw: unknown): Record<string, unknown> {
  const params = { ...oneMap(method, raw) };
  takeOptional(method, params);
  for (const name of method.bytes ?? []) takeBase64(method, params, name);
  takeEmptyMaps(method, params);
  const result = method.params.safeParse(params);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue === undefined) throw invalid(method, "the parameters are not understood", {});
  if (issue.code === "unrecognized_keys" && issue.path.length === 0) {
    const known = Object.keys(method.params.shape);
    const field = String(issue.keys[0]).slice(0, 80);
    throw invalid(
      method,
      `unknown parameter ${JSON.stringify(field)}; ${known.length === 0 ? "it takes none" : `it takes ${known.join(", ")}`}`,
      { field },
    );
  }
  const path = issue.path.map((part) => String(part).slice(0, 80));
  const received = valueAt(params, issue.path);
  const field = path.join(".");
  if (received === undefined) throw invalid(method, `${field} is missing`, { field });
  // What is wrong with a record's key is one level down, and what was received is the key.
  const message = (issue.code === "invalid_key" ? issue.issues[0]?.message : undefined) ?? issue.message.replace(/^Invalid input: /, "");
  const got = issue.code === "invalid_key" ? preview(path.at(-1)) : path[0] === "env" ? "a value that is not shown" : preview(received);
  throw invalid(method, message.includes("got ") ? `${field}: ${message}` : `${field}: ${message}; got ${got}`, { field });
}

/** Lua has one kind of table: its empty map arrives as an empty array, also inside. */
function takeEmptyMaps(method: Method, params: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(params)) {
    if (!Array.isArray(value) || value.length > 0) continue;
    let schema: unknown = Object.hasOwn(method.params.shape, name) ? method.params.shape[name] : undefined;
    while (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) schema = schema.unwrap();
    if (schema instanceof z.ZodRecord || schema instanceof z.ZodObject) params[name] = {};
  }
}

function oneMap(method: Method, raw: unknown): Record<string, unknown> {
  if (raw === undefined || raw === null) return {};
  if (!Array.isArray(raw)) {
    if (typeof raw === "object" && !(raw instanceof Uint8Array)) return raw as Record<string, unknown>;
    throw invalid(method, `parameters are one map, got ${preview(raw)}`, {});
  }
  if (raw.length === 0) return {};
  const [only] = raw as unknown[];
  if (raw.length === 1 && (only === null || (Array.isArray(only) && only.length === 0))) return {};
  if (raw.length === 1 && typeof only === "object" && only !== null && !Array.isArray(only) && !(only instanceof Uint8Array))
    return only as Record<string, unknown>;
  throw invalid(method, `parameters are one map, got ${raw.length === 1 ? preview(only) : `${raw.length} values`}`, {});
}

/** What is inside `optional` counts where it is known and is ignored where it is not. */
function takeOptional(method: Method, params: Record<string, unknown>): void {
  const optional = params["optional"];
  if (optional === undefined) return;
  delete params["optional"];
  // Lua's empty table arrives as an empty array.
  if (typeof optional !== "object" || optional === null || (Array.isArray(optional) && optional.length > 0))
    throw invalid(method, `optional is a map, got ${preview(optional)}`, { field: "optional" });
  for (const [name, value] of Object.entries(optional)) {
    if (!Object.hasOwn(method.params.shape, name) && !(method.bytes ?? []).some((field) => `${field}_b64` === name)) continue;
    if (Object.hasOwn(params, name)) throw invalid(method, `${name} is given twice, once inside optional`, { field: name });
    params[name] = value;
  }
}

function takeBase64(method: Method, params: Record<string, unknown>, name: string): void {
  const field = `${name}_b64`;
  if (!Object.hasOwn(params, field)) return;
  const text = params[field];
  delete params[field];
  if (Object.hasOwn(params, name)) throw invalid(method, `${name} and ${field} are given; give one`, { field });
  const decoded = typeof text === "string" ? fromBase64(text) : null;
  if (decoded === null) throw invalid(method, `${field} is base64, got ${preview(text)}`, { field });
  params[name] = decoded;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at: unknown = value;
  for (const part of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = (at as Record<PropertyKey, unknown>)[part];
  }
  return at;
}

/** A value as a message quotes it, short. */
export function preview(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "a map";
  if (typeof value === "bigint") return String(value);
  const text = typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : String(value);
  return text.slice(0, 120);
}
