/**
 * What happens to the sessions of a thread that died. Pure: no clock, no timers, no state but the history it is handed.
 *
 * One session whose output kills its thread must not take the others down with it again and again: on a shared pool its second
 * death would reject all that were moved to the survivor. So the suspect (whose code ran last) is counted; the others are
 * collateral, are always started again, and never counted.
 */
export interface Death {
  /** Monotonic milliseconds. */
  at: number;
  suspect: string | null;
}

export interface Restart {
  id: string;
  isolation: "shared" | "thread";
  /** False: bytes are still spooled, but no terminal follows them. */
  terminal: boolean;
  /** True for the suspect alone. */
  counted: boolean;
}

export interface LossPlan {
  /** The deaths still within the window, this one included: hand it in at the next loss. */
  history: Death[];
  /** Started one wave after the other; a wave begins when all of the one before are ready. */
  waves: Restart[][];
}

export const LOSS_WINDOW_MS = 60_000;

export function planAfterLoss(
  history: readonly Death[],
  loss: { at: number; sessions: readonly string[]; suspect: string | null },
  windowMs: number = LOSS_WINDOW_MS,
): LossPlan {
  const recent = history.filter((death) => loss.at - death.at < windowMs);
  const deaths = [...recent, { at: loss.at, suspect: loss.suspect }];
  const collateral = loss.sessions
    .filter((id) => id !== loss.suspect)
    .map((id): Restart => ({ id, isolation: "shared", terminal: true, counted: false }));
  const suspect = suspectRestart(deaths, loss);

  if (recent.length === 0) return { history: deaths, waves: waves([...collateral, ...suspect]) };
  // The suspect may be the wrong one: then the half that holds the culprit falls alone, and the next loss has fewer to choose from.
  const half = Math.ceil(collateral.length / 2);
  return { history: deaths, waves: waves(collateral.slice(0, half), collateral.slice(half), suspect) };
}

function suspectRestart(deaths: readonly Death[], loss: { sessions: readonly string[]; suspect: string | null }): Restart[] {
  const id = loss.suspect;
  if (id === null || !loss.sessions.includes(id)) return [];
  const own = deaths.filter((death) => death.suspect === id).length;
  // Any second death within the window isolates its suspect, also when the first had another: it is the better guess by now.
  return [{ id, isolation: deaths.length >= 2 ? "thread" : "shared", terminal: own < 3, counted: true }];
}

function waves(...all: Restart[][]): Restart[][] {
  return all.filter((wave) => wave.length > 0);
}
