import { printable } from "../printable.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

/** Enough to see prompt box, status line and dialog. */
const ROWS = 12;

export const verb: Verb<Record<string, never>> = {
  record: {
    name: "profile new",
    summary: "print the beginning of a profile for the program of a live session",
    details: "Save it as NAME.toml in profiles/ beside config.toml: it is read at once, and again at every change.",
    arguments: [{ name: "<id>", description: "id, name, or the beginning of either", completes: "live-session" }],
    example: "lifeguard profile new build > ~/.config/lifeguard/profiles/mytool.toml",
    startsDaemon: false,
  },
  async run({ words: [id = ""], terminal, connect }: Invocation<Record<string, never>>) {
    const client = await connect();
    const session = await client.call("session.get", { id });
    const [why, screen] = await Promise.all([
      client.call("session.explain", { id: session.id }),
      client.call("session.screen", { id: session.id, format: "text" }),
    ]);
    const program = why.inputs.foreground ?? session.command.split("/").at(-1) ?? "tool";
    const name =
      program
        .toLowerCase()
        .replace(/[^a-z0-9_-]+/g, "-")
        .replace(/^[^a-z]+/, "") || "tool";
    const rows = (screen.text ?? "")
      .split("\n")
      .filter((row) => row.trim() !== "")
      .slice(-ROWS);
    const lines = [
      `# ${printable(program)}. How rules are written: docs/detection.md. Test it: lifeguard profile test FILE RECORDING`,
      "format = 1",
      `name = ${JSON.stringify(name.slice(0, 32))}`,
      `title = ${JSON.stringify(printable(program))}`,
      "revision = 1",
      "verified = false",
      `command = ${JSON.stringify([session.command, ...session.args])}`,
      `processes = [${JSON.stringify(printable(program))}]`,
      "# context_limit = 128_000",
      "# prompt_box = { edges = '^─{10}' }",
      "",
      `# Its state now: ${why.state}. Title: ${JSON.stringify(printable(why.inputs.title))}. The last rows of its screen:`,
      ...rows.map((row) => `#   ${printable(row)}`),
      "",
      "# One rule a state, of text that is there in this state and in no other, in the smallest region that has it.",
      "# [[rule]]",
      '# id = "working"',
      '# state = "busy"',
      '# region = "bottom"',
      "# lines = 3",
      "# match = 'esc to interrupt'",
    ];
    terminal.stdout.write(`${lines.join("\n")}\n`);
    return EXIT.done;
  },
};
