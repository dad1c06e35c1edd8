/** docs/benchmarks.md, from the figures of a run. */
import { judged } from "./aims.mjs";
import { rows } from "./report.mjs";

/** @param pictures where the plots are, seen from the page */
export function page({ machine, quick, results }, pictures) {
  const lines = [
    "# Benchmarks",
    "",
    "Written by `npm run bench -- --docs`; do not edit. How to read it, and where time and memory go: [performance.md](performance.md).",
    "",
    `${machine.processor}, ${machine.cores} cores, ${machine.memory_gib} GiB, Linux ${machine.kernel}, Node ${machine.node}, ${machine.tmux || "no tmux"}, ${machine.date}.` +
      (quick ? " A quick run: less work, fewer rounds." : ""),
    "",
    "Medians. lifeguard, tmux and a raw read loop did the same work in the same run, in turn, after a round that does not count. The load beside",
    "each measure is the machine's one-minute average when it ended; what was running anyway is part of it. What a bare Node takes to start says",
    "how fast the machine was then: a virtual one's speed changes by the hour, and figures in ms or by the second with it.",
    "",
    "## Against the aims",
    "",
    ...markdown([["aim", "what", "figure", "bound", ""], ...judged(results)]),
  ];
  for (const result of results) {
    lines.push(
      "",
      `## ${result.measure}`,
      "",
      `${result.what[0].toUpperCase()}${result.what.slice(1)}.`,
      `${result.date}, load ${result.load.toFixed(1)}, a bare Node starts in ${result.bare_node_ms.toFixed(0)} ms.`,
      "",
    );
    lines.push(...markdown(rows(result)), "");
    for (const note of result.notes) lines.push(note, "");
    lines.push(`![${result.measure}](${pictures}/${result.measure}.svg)`);
  }
  return `${lines.join("\n")}\n`;
}

function markdown([head, ...body]) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${head.map((_, n) => (n === 0 ? "---" : "---:")).join("|")}|`, ...body.map(line)];
}
