/**
 * How a program gets exactly the environment of its session inside tmux, whose panes otherwise have the server's: a script of our
 * own that tmux starts, which sets everything and becomes the program. Nothing of it is ever on a command line, where everybody
 * could read it. Pure.
 */

/** Told by tmux to what runs in it: what its terminal is, and how to talk to the server. */
const OF_TMUX = ["TERM", "TMUX", "TMUX_PANE"];
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * @param environment `NAME=value`; names that no shell can set are left out
 * @param file the program's path; `argv` the whole vector, its own name first
 */
export function launchScript(
  environment: readonly string[],
  file: string,
  argv: readonly string[],
  world: { umask: number; nofileSoft: number },
): string {
  // Everything of the server's environment goes; what tmux tells stays. The script runs itself once more for that.
  const keep = OF_TMUX.map((name) => `${name}="\${${name}-}"`).join(" ");
  const lines = [
    "#!/bin/sh",
    `[ "\${LIFEGUARD_CLEAN-}" = 1 ] || exec env -i LIFEGUARD_CLEAN=1 ${keep} /bin/sh "$0"`,
    'rm -f "$0"',
    "unset LIFEGUARD_CLEAN",
  ];
  for (const pair of environment) {
    const at = pair.indexOf("=");
    const name = pair.slice(0, at);
    if (NAME.test(name) && !OF_TMUX.includes(name)) lines.push(`export ${name}=${quoted(pair.slice(at + 1))}`);
  }
  lines.push(`umask ${world.umask.toString(8).padStart(3, "0")}`, `ulimit -S -n ${world.nofileSoft} 2>/dev/null || :`);
  lines.push(`exec ${[file, ...argv.slice(1)].map(quoted).join(" ")}`);
  return `${lines.join("\n")}\n`;
}

/** One word for a shell, whatever is in it. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
