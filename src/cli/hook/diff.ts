/** A unified diff of two texts, for a person to look at. */

const CONTEXT = 3;

interface Line {
  mark: " " | "-" | "+";
  text: string;
}

/** @param path what stands in the head; @returns "" when they are the same */
export function unifiedDiff(path: { before: string; after: string }, before: string, after: string): string {
  if (before === after) return "";
  const lines = edits(split(before), split(after));
  const shown = lines.map((_, at) => lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(({ mark }) => mark !== " "));
  const out = [`--- ${path.before}`, `+++ ${path.after}`];
  let [left, right] = [1, 1];
  for (let at = 0; at < lines.length; at++) {
    if (shown[at] === true && shown[at - 1] !== true) {
      const end = shown.indexOf(false, at);
      const hunk = lines.slice(at, end === -1 ? undefined : end);
      out.push(`@@ -${range(left, hunk, "+")} +${range(right, hunk, "-")} @@`);
    }
    const { mark, text } = lines[at] ?? { mark: " ", text: "" };
    if (shown[at] === true) out.push(...(text.endsWith("\n") ? [mark + text.slice(0, -1)] : [mark + text, "\\ No newline at end of file"]));
    if (mark !== "+") left++;
    if (mark !== "-") right++;
  }
  return `${out.join("\n")}\n`;
}

function split(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function range(first: number, hunk: readonly Line[], other: "-" | "+"): string {
  const count = hunk.filter(({ mark }) => mark !== other).length;
  return `${count === 0 ? first - 1 : first}${count === 1 ? "" : `,${count}`}`;
}

/** The longest common subsequence: files of settings have hundreds of lines, not millions. */
function edits(before: readonly string[], after: readonly string[]): Line[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < before.length - head && tail < after.length - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const [a, b] = [before.slice(head, before.length - tail), after.slice(head, after.length - tail)];
  const common: number[][] = Array.from({ length: a.length + 1 }, () => Array.from({ length: b.length + 1 }, () => 0));
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    const row = common[i] ?? [];
    for (let j = b.length - 1; j >= 0; j--) row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  }
  const same = (text: string): Line => ({ mark: " ", text });
  const lines: Line[] = before.slice(0, head).map(same);
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const [old, fresh] = [a[i], b[j]];
    if (old !== undefined && old === fresh) {
      lines.push(same(old));
      i++;
      j++;
    } else if (old !== undefined && (fresh === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ mark: "-", text: old });
      i++;
    } else if (fresh !== undefined) {
      lines.push({ mark: "+", text: fresh });
      j++;
    }
  }
  return [...lines, ...before.slice(before.length - tail).map(same)];
}
