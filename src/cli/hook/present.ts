/** A plan carried out, and told: the change first, then that it was made. */
import { homely, printable } from "../printable.js";
import { jsonPage } from "../json.js";
import type { Terminal } from "../terminal.js";
import { unifiedDiff } from "./diff.js";
import type { HookTool } from "./payload.js";
import { writeSettings } from "./settings-file.js";
import type { SettingsChange } from "./settings-file.js";
import type { Plan } from "./tools.js";

export interface Setting {
  tool: HookTool;
  json: boolean;
  dryRun: boolean;
  terminal: Terminal;
  home: string | undefined;
  /** When there is nothing to do, and when it is done. */
  words: { nothing: string; done: string };
}

/** @throws LifeguardError when a file cannot be written; those before it in the plan are */
export function carryOut({ changes, notes, next }: Plan, { tool, json, dryRun, terminal, home, words }: Setting): void {
  const due = changes.filter(({ text, after }) => text !== after);
  if (!json) for (const change of due) terminal.stdout.write(diffOf(change, home));
  if (!dryRun) for (const change of due) writeSettings(change);
  if (json) {
    const files = changes.map((change) => ({
      path: change.path,
      changed: change.text !== change.after,
      removed: change.text !== null && change.after === null,
      diff: diffOf(change, undefined),
    }));
    terminal.stdout.write(jsonPage({ tool, changed: due.length > 0, dry_run: dryRun, files, notes: [...notes, ...next] }));
    return;
  }
  const outcome = due.length === 0 ? words.nothing : dryRun ? "nothing was written (--dry-run)" : words.done;
  terminal.stdout.write(`${[outcome, ...notes, ...(due.length > 0 && !dryRun ? next : [])].join("\n")}\n`);
}

function diffOf({ path, text, after }: SettingsChange, home: string | undefined): string {
  const name = homely(path, home);
  const diff = unifiedDiff(
    { before: text === null ? "/dev/null" : name, after: after === null ? "/dev/null" : name },
    text ?? "",
    after ?? "",
  );
  return diff.replaceAll("\r\n", "\n").replace(/[^\n\t]+/g, printable);
}
