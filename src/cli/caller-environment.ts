/**
 * The environment that `new` gives to a session: the caller's own, less what names the terminal it was typed into. With
 * `TMUX` or `COLUMNS` of another terminal a program would talk to the wrong one.
 */
const FOREIGN = [/^TMUX/, /^STY$/, /^COLUMNS$/, /^LINES$/, /^LIFEGUARD_/, /^TERM_PROGRAM(?:_VERSION)?$/, /^WINDOW(?:ID)?$/, /^TERMCAP$/];

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
