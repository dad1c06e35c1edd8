/** What lifeguard aims at, each judged from the figures of a run. An aim whose measure was not run is not judged. */
import { shown } from "./report.mjs";

/** Each part: what it says, the figure it looks at, and whether that is met. */
const AIMS = [
  ["flood", "flood", ({ ratio }) => [
    ...[["prose", 0.8], ["logs", 0.7]].map(([name, least]) => atLeast(`${name}, of the raw loop`, ratio(name, "raw"), least, "×")),
    ...["prose", "logs", "redraws"].map((name) => atLeast(`${name}, of tmux`, ratio(name, "tmux"), 1, "×")),
    // As fast is what it asks; two runs of the same program differ by so much.
    ...["wide", "drips"].map((name) => atLeast(`${name}, of tmux`, ratio(name, "tmux"), 0.95, "×")),
  ]],
  ["fleet-flood", "fleet-flood", ({ ratio, ours }) => [
    atLeast("16 panes, of tmux", ratio("16 panes", "tmux"), 1.5, "×"),
    ...[4, 16, 64].map((n) => atLeast(`${n} panes, the slowest's part of a fair share`, ours(`${n} panes, slowest pane's part of a fair share`), 0.5)),
  ]],
  ["echo", "echo", ({ ratio, ours }) => [
    atMost("idle, p50", ours("idle, p50"), 0.35, "ms"),
    atMost("idle, p99, of a bare relay", ratio("idle, p99", "relay"), 1.3, "×"),
    atMost("beside 16 floods, p99", ours("beside 16, p99"), 8, "ms"),
    atMost("beside 16 floods, p99, of tmux", ratio("beside 16, p99", "tmux"), 1, "×"),
  ]],
  ["spawn", "spawn", ({ ours }) => [
    atLeast("1 000 sessions, 64 under way", ours("1000, 64 under way: rate"), 500, "/s"),
    atLeast("1 000 sessions, one after another", ours("1000: rate"), 500, "/s"),
    atMost("1 000 sessions, p99", ours("1000: each, p99"), 8, "ms"),
    atMost("the last hundred of 1 000, of the first", ours("1000: last hundred to first, p50"), 1.5, "×"),
  ]],
  ["memory", "scale", ({ ours }) => [
    ...[1000, 2000].flatMap((n) => [
      atMost(`${n} idle and empty, each`, ours(`${n} empty: memory each`), 60, "KiB"),
      atMost(`${n} idle and empty, the keeper's part of it`, ours(`${n} empty: of it the keeper`), 10, "KiB"),
    ]),
    atMost("1 000 with 1 000 full lines, each", ours("1000 1 000 full lines: memory each"), 120, "KiB"),
  ]],
  ["parked screens", "park", ({ ours }) => [atMost("a parked screen answers, p95", ours("a packed screen answers, p95"), 20, "ms")]],
  ["idle", "scale", ({ ours }) => [atMost("1 000 idle sessions", ours("1000 empty: processor, idle"), 1, "% of a core")]],
  ["recover", "recover", ({ ours }) => [atMost("1 000 sessions serve after exec", ours("1000: all serve after"), 1_000, "ms")]],
  ["watch", "watch", ({ ours }) => [
    atLeast("what the agent writes beside 100 stalled watchers, of what it writes beside none", ours("1 beside 100 stalled: the agent writes") / ours("1: the agent writes"), 0.9, "×"),
    atMost("memory of 100 stalled watchers", ours("1 beside 100 stalled: memory over none") - ours("1: memory over none"), 400, "MiB"),
  ]],
  ["checkpoint", "checkpoint", ({ figure }) => [
    atMost("a main thread's answer while 1 000 sessions are saved, p99", figure("main thread's answer, p99", "saved"), 5, "ms"),
    atMost("an actor's answer meanwhile, p99", figure("an actor's answer, p99", "saved"), 5, "ms"),
  ]],
]; // prettier-ignore

const atLeast = (text, value, bound, unit = "") => ({ text, value, bound: `at least ${bound}`, unit, met: value >= bound });
const atMost = (text, value, bound, unit = "") => ({ text, value, bound: `at most ${bound}`, unit, met: value <= bound });

/** @returns rows of words: aim, what, figure, bound, met */
export function judged(results) {
  const rows = [];
  for (const [aim, measure, parts] of AIMS) {
    const result = results.find((one) => one.measure === measure);
    if (result === undefined) continue;
    const figure = (name, subject) => result.figures.find((one) => one.case === name && one.subject === subject)?.median ?? Number.NaN;
    const ratio = (name, to) => figure(name, "lifeguard") / figure(name, to);
    for (const { text, value, bound, unit, met } of parts({ figure, ratio, ours: (name) => figure(name, "lifeguard") }))
      if (!Number.isNaN(value))
        rows.push([aim, text, `${shown(value)}${unit === "" || unit === "×" ? "" : " "}${unit}`, bound, met ? "met" : "missed"]);
  }
  return rows;
}
