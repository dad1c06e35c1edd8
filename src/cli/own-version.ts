import { readFile } from "node:fs/promises";

<<<<<<< HEAD
/** Of the package we are, as its package.json has it. */
=======
/** Of this package. */
>>>>>>> main
export async function ownVersion(): Promise<string> {
  const own = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
  return own.version;
}
