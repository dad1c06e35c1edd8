/**
 * The environment that `new` gives to a session: the caller's own, less what names the terminal it was typed into, or the agent
 * that typed it. With `TMUX` or `COLUMNS` of another terminal a program would talk to the wrong one; an agent that is told by
 * `CLAUDECODE` that it runs in another one behaves as its subordinate.
 */
const FOREIGN = [
  /^TMUX/,
  /^STY$/,
  /^COLUMNS$/,
  /^LINES$/,
  /^LIFEGUARD_/,
  /^TERM_PROGRAM(?:_VERSION)?$/,
  /^WINDOW(?:ID)?$/,
  /^TERMCAP$/,
  // What Claude Code 2.1 sets for its commands and servers.
  /^CLAUDECODE$/,
  /^CLAUDE_CODE_(?:ENTRYPOINT|SESSION_ID|SSE_PORT)$/,
  /^CLAUDE_PROJECT_DIR$/,
  /^AI_AGENT$/,
];

/**
 * @param additions `K=V` of `--env`, after everything else: they may bring a name back
 */
export function callerEnvironment(env: NodeJS.ProcessEnv, additions: Readonly<Record<string, string>> = {}): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !FOREIGN.some((pattern) => pattern.test(name))) result[name] = value;
  }
  return { ...result, ...additions };
}
