import type { Level } from "../doctor/finding.js";
import { coloursFor } from "../colours.js";
import { jsonPage } from "../json.js";
import { printable } from "../printable.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

interface Options {
  json?: boolean;
}

const SIGNS: Readonly<Record<Level, string>> = { ok: "ok", warning: "warning", problem: "PROBLEM" };

export const verb: Verb<Options> = {
  record: {
    name: "doctor",
    summary: "look for what is wrong with this installation, and say what to type",
    details:
      "Looks at Node, directories, the socket, the lock, the daemon, keepers, the store, room on the disk, limits of the system, the configuration, profiles, the service, hooks and tmux. Starts no daemon and changes nothing. Exits 1 when there is a problem; warnings alone are no failure.",
    options: [{ flags: "--json", description: "the findings as JSON" }],
    example: "lifeguard doctor",
    startsDaemon: false,
  },
  async run({ options, env, terminal, socketFlag }: Invocation<Options>) {
    // Only who asks the doctor pays for what it knows.
    const { examine } = await import("../doctor/examination.js");
    const findings = await examine(env, socketFlag);
    const count = (level: Level): number => findings.filter((finding) => finding.level === level).length;
    if (options.json === true) terminal.stdout.write(jsonPage({ problems: count("problem"), warnings: count("warning"), findings }));
    else {
      const colours = coloursFor(terminal.stdout, env);
      const width = Math.max(...findings.map(({ check }) => check.length));
      const paint = { ok: colours.green, warning: colours.yellow, problem: colours.red };
      for (const { check, level, what, remedy, note } of findings) {
        terminal.stdout.write(`${paint[level](SIGNS[level].padEnd(7))} ${check.padEnd(width)}  ${printable(what)}\n`);
        const indent = " ".repeat(10 + width);
        // Typed as it stands: never cut, never wrapped.
        if (remedy !== null) terminal.stdout.write(`${indent}→ ${remedy}\n`);
        if (note !== undefined) terminal.stdout.write(`${indent}${colours.dim(`(${printable(note)})`)}\n`);
      }
      const sum = [
        [count("problem"), "problem"],
        [count("warning"), "warning"],
      ].map(([number, word]) => `${number} ${word}${number === 1 ? "" : "s"}`);
      terminal.stdout.write(`${sum.join(", ")}\n`);
    }
    return count("problem") === 0 ? EXIT.done : EXIT.failed;
  },
};
