/** Methods on what runs in tmux: what is there, and making it a session of ours. */
import { z } from "zod";
import { method } from "../method.js";
import type { Method } from "../method.js";
import { absolutePath, plainText } from "../parameters.js";
import { summaryShape, tmuxRowShape } from "../shapes.js";

const server = {
  socket: absolutePath.describe("path of the server's socket, as tmux -S").optional(),
  socket_name: plainText(255)
    .min(1, "is a socket's name")
    .describe("as tmux -L; the first configured server when neither is given")
    .optional(),
};

const list: Method = method({
  name: "tmux.list",
  since: "1.2",
  summary: "The sessions of one tmux server, ours and others; none when there is no server. TIMEOUT when it does not answer.",
  params: z.strictObject(server),
  result: z.object({ sessions: z.array(tmuxRowShape) }),
  handler: async ({ socket, socket_name }, { supervisor }) => ({
    sessions: await supervisor.tmux.list({ socket, socketName: socket_name }),
  }),
});

const adopt: Method = method({
  name: "tmux.adopt",
  since: "1.2",
  summary:
    "Makes a tmux session a session of ours, by its exact name; the same one as before when it was already. Nobody who looks at it notices.",
  params: z.strictObject({ name: plainText(4_096).min(1, "is a tmux session's name").describe("as tmux has it"), ...server }),
  result: summaryShape,
  handler: ({ name, socket, socket_name }, { supervisor }) => supervisor.tmux.adopt(name, { socket, socketName: socket_name }),
});

export const tmuxMethods: readonly Method[] = [list, adopt];
