/** Signal numbers and names, as people and the wire write them. */
import { constants } from "node:os";

const BY_NAME = new Map<string, number>(Object.entries(constants.signals));
const BY_NUMBER = new Map<number, string>();
for (const [name, number] of BY_NAME) if (!BY_NUMBER.has(number)) BY_NUMBER.set(number, name);

/** `SIGKILL` for 9; `SIG40` for one without a name of its own. */
export function signalName(number: number): string {
  return BY_NUMBER.get(number) ?? `SIG${number}`;
}

/** The number of `SIGTERM`, `TERM`, `term` or `15`; null when there is no such signal. */
export function signalNumber(text: string): number | null {
  if (/^[0-9]{1,2}$/.test(text)) {
    const number = Number(text);
    return number >= 1 && number <= 64 ? number : null;
  }
  const name = text.toUpperCase();
  return BY_NAME.get(name.startsWith("SIG") ? name : `SIG${name}`) ?? null;
}
