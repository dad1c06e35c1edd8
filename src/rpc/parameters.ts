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

const LABEL_KEY = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/;
export const labels: z.ZodRecord<z.ZodString, z.ZodString> = z
  .record(
    z.string().regex(LABEL_KEY, "a label's key has 1–63 of letters, digits, '.', '_', '/', '-' and begins with a letter or digit"),
    z.string().max(256, "a label has at most 256 characters"),
  )
  .refine((all) => Object.keys(all).length <= 64, "has at most 64 labels");

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
