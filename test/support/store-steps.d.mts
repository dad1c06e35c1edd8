import type { RegistryRecord, Store } from "../../src/persistence/store.js";

export type Step =
  | { do: "put"; id: string; offset: number }
  | { do: "save"; id: string; kind: "manual" | "periodic" | "exit"; tag: number; bytes: number }
  | { do: "drop"; checkpoint: string; of: string }
  | { do: "append"; id: string; tag: number; bytes: number }
  | { do: "compact"; id: string; tag: number }
  | { do: "publish"; id: string; seq: number }
  | { do: "archive"; name: string; tag: number }
  | { do: "fork"; id: string; checkpoint: string }
  | { do: "merge"; fork: string }
  | { do: "create"; agent: string }
  | { do: "remove"; id: string };

export type Answer = string | number | boolean | null;
export type Line = { n: number; begin: Step } | { n: number; ack: Answer } | { n: number; refused: string };

/** Contents that can be made again from a number: half of it packs well, half does not. */
export function contextOf(tag: number, bytes: number): Buffer;

/**
 * Asks and writes down; a refusal is written down too.
 * @param template what sessions are made of
 */
export function ask(store: Store, n: number, step: Step, write: (line: Line) => void, template: RegistryRecord): Promise<Answer>;
