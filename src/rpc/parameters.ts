/** What methods take, as schemas that say in one sentence what was expected. Outside data is parsed here and trusted after. */
import { z } from "zod";
import { checkName, SESSION_STATES } from "../session.js";
import type { SessionState } from "../session.js";

/** A session's id, name or unambiguous prefix of either, as a user wrote it. */
export const reference: z.ZodString = z
  .string()
  .min(1, "is a session's id or name")
  .max(128, "is a session's id or name, at most 128 characters");

export const size: { readonly cols: z.ZodInt; readonly rows: z.ZodInt } = {
  cols: z.int("is a whole number of columns, 2…1000").min(2, "is 2…1000 columns").max(1000, "is 2…1000 columns"),
  rows: z.int("is a whole number of rows, 1…500").min(1, "is 1…500 rows").max(500, "is 1…500 rows"),
};

/** A byte offset since the session began. */
export const offset: z.ZodInt = z.int("is a byte offset: a whole number from 0").min(0, "is a byte offset: a whole number from 0");

export const state: z.ZodType<SessionState, SessionState> = z.enum(SESSION_STATES);

export const sessionName: z.ZodString = z.string().superRefine((raw, context) => {
  const checked = checkName(raw);
  if ("problem" in checked) context.addIssue({ code: "custom", message: checked.problem });
});

const NUL = "\0";
/** Text for the kernel: a path, a command, an argument, an environment variable. */
export const plainText = (most: number): z.ZodString =>
  z
    .string()
    .max(most, `has at most ${most} characters`)
    .refine((text) => !text.includes(NUL), "holds a NUL byte");

export const absolutePath: z.ZodString = plainText(4_096).startsWith("/", "is an absolute path");

/** ASCII only: what looks like another letter is not taken for it. No slash: nobody can mistake it for a path. */
const LABEL = /^[A-Za-z0-9._:+=@#-](?:[A-Za-z0-9._:+=@# -]*[A-Za-z0-9._:+=@#-])?$/;
/** Names that systems keep for themselves, on some of which people keep backups of ours. */
const RESERVED = /^\.+$|^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;
/** C0, DEL, C1, line and paragraph separators, and what reorders text. */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/u;

/** A label, a branch, an archive's name. */
export const label: z.ZodString = z
  .string()
  .max(64, "has at most 64 characters")
  .regex(LABEL, "is 1–64 of letters, digits, spaces and . _ : + = @ # -")
  .refine((text) => !RESERVED.test(text), "is a name that systems keep for themselves");

/** Text of a line: an agent's name, a title. @param least 0 where it may be empty */
export const line = (most: number, least: 0 | 1 = 1): z.ZodString =>
  z
    .string()
    .min(least, "is not empty")
    .max(most, `has at most ${most} characters`)
    .refine((text) => !UNPRINTABLE.test(text), "is printable text of one line");

/** Of a checkpoint or a fork: never a path, nor anything but its own letters. */
export const uuid: z.ZodString = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, "is a UUID in lower case, in full");

export const idempotencyKey: z.ZodString = z
  .string()
  .min(1, "is an idempotency key of 1–256 characters")
  .max(256, "is an idempotency key of 1–256 characters");

export const count = (what: string): z.ZodInt => z.int(`is a number of ${what}`).min(0, `is a number of ${what}, from 0`);

/** Any JSON value. What JSON would change silently (bytes inside, NaN, numbers beyond 2^53) is refused instead. */
export const json: z.ZodType = z
  .unknown()
  .superRefine((value, context) => {
    const problem = value === undefined ? "is missing" : jsonProblem(value, "");
    if (problem !== null) context.addIssue({ code: "custom", message: problem });
  })
  .describe("any JSON value");

function jsonProblem(value: unknown, at: string): string | null {
  const where = at === "" ? "is a JSON value" : `is a JSON value, but at ${at.slice(0, 120)}`;
  switch (typeof value) {
    case "string":
    case "boolean":
      return null;
    case "number":
      return Number.isFinite(value) ? null : `${where} it holds ${value}`;
    case "object":
      if (value === null) return null;
      if (value instanceof Uint8Array) return `${where} it holds bytes; send them as base64 text`;
      for (const [key, field] of Object.entries(value)) {
        const problem = jsonProblem(field, at === "" ? key : `${at}.${key}`);
        if (problem !== null) return problem;
      }
      return null;
    default:
      return `${where} it holds a number beyond 2^53`;
  }
}

export const labels: z.ZodRecord<z.ZodString, z.ZodString> = z
  .record(
    label,
    z
      .string()
      .max(256, "a label has at most 256 characters")
      .refine((text) => !UNPRINTABLE.test(text), "a label is printable text of one line"),
  )
  .refine((all) => Object.keys(all).length <= 64, "has at most 64 labels");

const MIB = 1024 * 1024;

export const limits: z.ZodObject<{
  memory_max: z.ZodOptional<z.ZodInt>;
  cpu_weight: z.ZodOptional<z.ZodInt>;
  tasks_max: z.ZodOptional<z.ZodInt>;
}> = z
  .strictObject({
    memory_max: z
      .int()
      .min(MIB, "is in bytes, at least 1048576")
      .describe("bytes; beyond, processes of this session alone are ended")
      .optional(),
    cpu_weight: z.int().min(1).max(10_000).describe("1…10000; everybody else has 100").optional(),
    tasks_max: z.int().min(1).describe("processes and threads").optional(),
  })
  .describe("held by a systemd scope of the session's own; UNSUPPORTED where systemd does not run")
  .meta({ since: "1.1" });

const VARIABLE = /^[^=\0]{1,256}$/;
export const environment: z.ZodRecord<z.ZodString, z.ZodString> = z
  .record(z.string().regex(VARIABLE, "a variable's name has 1–256 characters, no '=' and no NUL"), plainText(131_072))
  .refine((all) => Object.keys(all).length <= 4_096, "has at most 4096 variables");
export const variableNames: z.ZodArray<z.ZodString> = z
  .array(z.string().regex(VARIABLE, "a variable's name has 1–256 characters, no '=' and no NUL"))
  .max(4_096);

/** Bytes or text: what arrives in `x` (text, bin) or `x_b64` (base64) comes out as bytes. */
export const bytes: z.ZodType<Uint8Array, Uint8Array | string> = z
  .custom<Uint8Array | string>((value) => typeof value === "string" || value instanceof Uint8Array, "is text or bytes")
  .transform((value) => (typeof value === "string" ? Buffer.from(value) : value))
  .meta({ bytes: true });

export const milliseconds = (most: number): z.ZodInt =>
  z.int(`is a whole number of milliseconds, at most ${most}`).min(0, `is 0…${most} ms`).max(most, `is 0…${most} ms`);
