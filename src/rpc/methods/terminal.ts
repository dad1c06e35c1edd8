/** Methods on a session's terminal: what goes in and what it shows. */
import { z } from "zod";
import { BOUNDS } from "../../bounds.js";
import { method } from "../method.js";
import type { Method } from "../method.js";
import { bytes, offset, reference, size } from "../parameters.js";
import { readShape, screenShape } from "../shapes.js";

const KIB = 1024;
const accepted = z.object({ accepted: z.int().min(0).describe("bytes taken") });

const input: Method = method({
  name: "session.input",
  since: "1.0",
  summary: "Types bytes. A full input queue takes fewer and is BUSY with how many were taken, never silence.",
  params: z.strictObject({ id: reference, data: bytes }),
  bytes: ["data"],
  result: accepted,
  handler: ({ id, data }, { supervisor, caller }) => supervisor.input(supervisor.resolve(id, { prefix: true }), data, caller),
});

const keys: Method = method({
  name: "session.keys",
  since: "1.0",
  summary:
    "Types named keys (tmux's names: `C-c`, `Up`, `Enter`, `M-x`, `F5`) in the modes the program has set; any other text is typed as it is.",
  params: z.strictObject({
    id: reference,
    keys: z.array(z.string().max(4_096)).min(1, "names at least one key").max(1_024, "names at most 1024 keys"),
  }),
  result: accepted,
  handler: ({ id, keys: names }, { supervisor, caller }) => supervisor.keys(supervisor.resolve(id, { prefix: true }), names, caller),
});

const paste: Method = method({
  name: "session.paste",
  since: "1.0",
  summary: "Pastes text, bracketed when the program asked for it. All or nothing.",
  params: z.strictObject({ id: reference, text: z.string() }),
  result: accepted,
  handler: ({ id, text }, { supervisor, caller }) => supervisor.paste(supervisor.resolve(id, { prefix: true }), text, caller),
});

const resize: Method = method({
  name: "session.resize",
  since: "1.0",
  summary: "Sets the terminal's size, at the offset that is answered.",
  params: z.strictObject({ id: reference, ...size }),
  result: z.object({ offset: z.int().min(0) }),
  handler: ({ id, cols, rows }, { supervisor, caller }) =>
    supervisor.resize(supervisor.resolve(id, { prefix: true }), { cols, rows }, caller),
});

const screen: Method = method({
  name: "session.screen",
  since: "1.0",
  summary:
    "What a person would see now, in the field named by the format. `restore` is the bytes that recreate screen, history, cursor, modes and title in a fresh terminal of the same size. Screen and offset are of the same instant.",
  params: z.strictObject({
    id: reference,
    format: z.enum(["text", "ansi", "html", "svg", "restore"]).describe("default text").optional(),
    scrollback: z
      .int("is a number of lines")
      .min(0, "is a number of lines, from 0")
      .max(100_000, "is at most 100000 lines")
      .describe("lines of history above the screen, default 0")
      .optional(),
  }),
  result: screenShape,
  answerBytes: () => 512 * KIB,
  handler: async ({ id, format = "text", scrollback = 0 }, { supervisor }) => {
    const {
      content,
      epoch,
      offset: at,
      cols,
      rows,
      cursor,
      alternate,
      title,
      truncated,
      checkpoint = null,
    } = await supervisor.screen(supervisor.resolve(id, { prefix: true }), { format, scrollback });
    return {
      epoch,
      offset: at,
      cols,
      rows,
      cursor,
      alternate,
      title,
      truncated,
      checkpoint,
      [format]: format === "restore" ? Buffer.from(content) : content,
    };
  },
});

const read: Method = method({
  name: "session.read",
  since: "1.0",
  summary: "Raw output from a byte offset; left out, from the oldest byte held. Also of an ended session, as long as its files exist.",
  params: z.strictObject({
    id: reference,
    since: offset.optional(),
    max: z
      .int("is a number of bytes")
      .min(1, "is at least 1 byte")
      .max(BOUNDS.readBytesMax, `is at most ${BOUNDS.readBytesMax} bytes`)
      .describe(`default ${BOUNDS.readBytes}`)
      .optional(),
  }),
  result: readShape,
  answerBytes: ({ max = BOUNDS.readBytes }) => Math.ceil((max * 4) / 3),
  handler: async ({ id, since = 0, max = BOUNDS.readBytes }, { supervisor }) => {
    const { offset: from, data, next, gap } = await supervisor.read(supervisor.resolve(id, { prefix: true }), since, max);
    return { offset: from, data, next, gap };
  },
});

export const terminalMethods: readonly Method[] = [input, keys, paste, resize, screen, read];
