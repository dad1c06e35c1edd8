/** Colours of states. The shape says the same as the colour, for those who see none and for NO_COLOR. */
import pc from "picocolors";
import type { Confidence, RestState, SessionState } from "../session.js";

export type Colours = ReturnType<typeof pc.createColors>;

/** Colours when the stream is a terminal and NO_COLOR is not set (https://no-color.org); FORCE_COLOR wins over the stream. */
export function coloursFor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): Colours {
  if ((env["NO_COLOR"] ?? "") !== "") return pc.createColors(false);
  if ((env["FORCE_COLOR"] ?? "") !== "" && env["FORCE_COLOR"] !== "0") return pc.createColors(true);
  return pc.createColors(stream.isTTY === true && env["TERM"] !== "dumb");
}

const SHAPES: Record<SessionState, string> = { starting: "◌", busy: "●", idle: "○", attention: "◆", error: "✖", exited: "·" };

/** `● busy`, `○ idle?`: the question mark says that the evidence is weak. */
export function stateWords(state: SessionState, confidence: Confidence): string {
  return `${SHAPES[state]} ${state}${confidence === "low" ? "?" : ""}`;
}

const SLEEP: Record<RestState, string> = { active: "", drowsy: " z", sleeping: " zz", deep_sleep: " zzz" };

/** The same with how deep an idle session sleeps: `○ idle zz`. */
export function restWords(state: SessionState, confidence: Confidence, rest: RestState): string {
  return `${stateWords(state, confidence)}${state === "idle" ? SLEEP[rest] : ""}`;
}

/** Paints `text` as something in this state. */
export function paintState(colours: Colours, state: SessionState, text: string): string {
  switch (state) {
    case "starting":
      return colours.blue(text);
    case "busy":
      return colours.cyan(text);
    case "idle":
      return colours.green(text);
    case "attention":
      return colours.bold(colours.yellow(text));
    case "error":
      return colours.red(text);
    case "exited":
      return colours.dim(text);
  }
}
