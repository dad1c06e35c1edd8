/**
 * What a run is compared with: the figures of an earlier one, each with a band. On another machine, or on one that is faster or slower
 * than it was then, only ratios say anything, so there only they are compared.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { shown } from "./report.mjs";

/** A figure may be worse by this factor; the longest of many says more of the machine than of the program. */
const BAND = 1.3;
const TAIL_BAND = 3;
/** As fast as it was then: what a bare Node takes to start is within this factor of it. */
const SPEED_BAND = 1.2;
const isTail = (name) => /p99|p95|longest/.test(name);

const keyOf = (result, { case: name, subject }) => `${result.measure}: ${name}: ${subject}`;
const ratioKey = (result, { case: name, of, to }) => `${result.measure}: ${name}: ${of} to ${to}`;

export function writeBaseline(path, { machine, quick, results }) {
  const figures = {};
  const ratios = {};
  const speeds = Object.fromEntries(results.map((result) => [result.measure, round(result.bare_node_ms)]));
  for (const result of results) {
    for (const figure of result.figures)
      if (figure.subject === "lifeguard" && Number.isFinite(figure.median))
        figures[keyOf(result, figure)] = { median: round(figure.median), less: figure.less, band: isTail(figure.case) ? TAIL_BAND : BAND };
    for (const ratio of result.ratios)
      ratios[ratioKey(result, ratio)] = { median: round(ratio.value), less: ratio.less, band: isTail(ratio.case) ? TAIL_BAND : BAND };
  }
  writeFileSync(path, `${JSON.stringify({ machine, quick, speeds, figures, ratios }, null, 2)}\n`);
}

/** @returns {line: what was compared, worse: [lines]}; null when there is nothing to compare with */
export function compare(path, { machine, quick, results }) {
  let baseline;
  try {
    baseline = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return null;
    throw error;
  }
  if (baseline.quick !== quick)
    return { line: `not compared: the baseline is ${baseline.quick ? "a quick run" : "a full run"}`, worse: [] };
  const same = ["processor", "cores", "node"].every((key) => baseline.machine[key] === machine[key]);
  const worse = [];
  let compared = 0;
  const look = (key, value, kept) => {
    if (kept === undefined || !Number.isFinite(value)) return;
    compared++;
    const factor = kept.less ? value / kept.median : kept.median / value;
    if (factor > kept.band) worse.push(`${key}: ${shown(value)}, was ${shown(kept.median)} (band ${kept.band})`);
  };
  const otherSpeed = [];
  for (const result of results) {
    const slower = result.bare_node_ms / (baseline.speeds?.[result.measure] ?? result.bare_node_ms);
    const asFast = slower < SPEED_BAND && slower > 1 / SPEED_BAND;
    if (same && !asFast) otherSpeed.push(`${result.measure} (${shown(slower)} times as long)`);
    if (same && asFast)
      for (const figure of result.figures) look(keyOf(result, figure), figure.median, baseline.figures[keyOf(result, figure)]);
    for (const ratio of result.ratios) look(ratioKey(result, ratio), ratio.value, baseline.ratios[ratioKey(result, ratio)]);
  }
  const what = same ? "figures and ratios" : "ratios (the baseline is another machine's)";
  const verdict = worse.length === 0 ? "none is worse than its band" : `${worse.length} worse than their band`;
  const but = otherSpeed.length === 0 ? "" : `; only ratios where a bare Node takes another time to start: ${otherSpeed.join(", ")}`;
  return { line: `compared with ${baseline.machine.date}, ${what}, ${compared} in all: ${verdict}${but}`, worse };
}

const round = (value) => Number(value.toPrecision(4));
