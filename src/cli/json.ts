/** What `--json` prints: the daemon's answer, with times for people and bytes as base64. */

/** Fields that are moments: `at`, `created_at`, `state_since`. Durations end in `_ms` and stay numbers. */
const MOMENT = /^(?:at|[a-z_]+_at|[a-z_]+_since)$/;

/**
 * The same value for JSON: moments in RFC 3339, `data` as `data_b64`.
 * @param verbatim fields whose value is a user's own: nothing in it is a moment of ours
 */
export function forJson(value: unknown, verbatim: readonly string[] = []): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  if (Array.isArray(value)) return value.map((element) => forJson(element, verbatim));
  if (typeof value !== "object" || value === null) return value;
  const result: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) {
    if (MOMENT.test(key) && typeof field === "number") result[key] = rfc3339(field);
    else if (field instanceof Uint8Array) result[key.endsWith("_b64") ? key : `${key}_b64`] = forJson(field);
    else result[key] = verbatim.includes(key) ? field : forJson(field, verbatim);
  }
  return result;
}

/** A moment as `2026-01-31T12:00:00.000Z`; what is no moment stays a number rather than throwing. */
export function rfc3339(ms: number): string | number {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? ms : date.toISOString();
}

export function jsonLine(value: unknown): string {
  return `${JSON.stringify(forJson(value))}\n`;
}

export function jsonPage(value: unknown, verbatim: readonly string[] = []): string {
  return `${JSON.stringify(forJson(value, verbatim), null, 2)}\n`;
}
