import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A session's directory in a fresh place; `sess_1` unless told. */
export function sessionDirectory(name = "sess_1"): { directory: string; root: string; remove: () => void } {
  const root = mkdtempSync(join(tmpdir(), "lifeguard-spool-"));
  const directory = join(root, name);
  mkdirSync(directory);
  return { directory, root, remove: () => rmSync(root, { recursive: true }) };
}
