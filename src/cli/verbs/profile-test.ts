import { jsonPage } from "../json.js";
import { printable } from "../printable.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

interface Options {
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "profile test",
    summary: "replay a recording and print the states a profile tells",
    details:
      "A recording is an asciicast (lifeguard logs ID --cast > FILE) or one of lifeguard's own. Where it says what a person saw, that is printed too.",
    arguments: [
      { name: "<profile>", description: "a profile: a TOML file" },
      { name: "<recording>", description: "what the tool wrote, with times" },
    ],
    options: [{ flags: "--json", description: "print states, tools and evidence" }],
    example: "lifeguard profile test claude.toml turn.cast",
    startsDaemon: false,
  },
  async run({ words: [profileFile = "", recordingFile = ""], options, terminal }: Invocation<Options>) {
    const { testProfile } = await import("../../profile-test.js");
    const { profile, rehearsal, expected } = testProfile(profileFile, recordingFile);
    if (options.json === true) {
      terminal.stdout.write(jsonPage({ profile: profile.name, expected, ...rehearsal }));
      return EXIT.done;
    }
    const lines = rehearsal.states.map(
      ({ at, state, evidence }) =>
        `${seconds(at)} ${state.padEnd(9)} ${evidence.source} ${evidence.rule} (${evidence.confidence}): ${printable(evidence.detail)}`,
    );
    if (expected.length > 0)
      lines.push(
        "seen by a person:",
        ...expected.map(([at, state, why]) => `${seconds(at)} ${state.padEnd(9)} ${printable(why)}`.trimEnd()),
      );
    terminal.stdout.write(`${lines.join("\n")}\n`);
    return EXIT.done;
  },
};

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(3).padStart(9)} s`;
}
