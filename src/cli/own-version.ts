import { readFile } from "node:fs/promises";

/** Of this package. */
export async function ownVersion(): Promise<string> {
  const own = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
  return own.version;
}
