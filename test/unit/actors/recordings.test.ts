/**
 * Real agents, recorded (test/support/record-agents.mjs) and read frame by frame without any rule (test/support/read-frames.mjs):
 * replayed through the terminal and the observer of live sessions, in virtual time, every state is the one that was read, in order,
 * none missed, none extra, however the bytes are cut.
 */
import { afterAll, describe, expect, it } from "vitest";
import type { Recording } from "../../../src/actors/recording.js";
import { rehearse, type Cut, type Said } from "../../../src/actors/rehearsal.js";
import { loadProfiles, SHIPPED_PROFILES } from "../../../src/profiles/load.js";
import type { SessionState } from "../../../src/session.js";
import { figure } from "../../support/figures.js";
import { loadRecording as load, recordingFiles as files } from "../../support/recorded.js";

const { set: profiles } = loadProfiles([SHIPPED_PROFILES]);

/** From the screen that shows it to the word that says it. Idle is held for 1.5 s and a look. */
const LATEST_MS: Record<string, number> = { busy: 300, attention: 300, idle: 1_750, starting: 400 };
/** The first idle after a start: it must have shown for half a second. */
const READY_MS = 750;
/** A reader's mark and the observer's look may differ by this much the other way: the text waited for came last. */
const EARLY_MS = 300;

const delays: Record<string, number[]> = {};
let flaps = 0;
let replays = 0;
let recordedMs = 0;
let watchingMs = 0;

/** Before a shell has printed its prompt, or a tool has drawn anything, a moment of `starting` is nobody's to see. */
function withoutStart(states: readonly SessionState[]): SessionState[] {
  return states[0] === "starting" ? states.slice(1) : [...states];
}

function replay(recording: Recording, cut: Cut): Said[] {
  const { states, watchingMs: took } = rehearse(recording, { profiles, tool: recording.shell ? null : recording.tool, cut });
  replays++;
  if (cut === "recorded") {
    recordedMs += recording.end;
    watchingMs += took;
  }
  return states;
}

describe.each(files)("%s", (file) => {
  const recording = load(file);

  it("has been read frame by frame", () => {
    expect(recording.checked).toMatchObject({ by: "frame reading" });
    expect(recording.timeline.length).toBeGreaterThan(1);
  });

  it.each(["recorded", "bytes", "blocks"] as const)("tells what was read in it, in time: %s", (cut) => {
    const said = replay(recording, cut);
    const wanted = withoutStart(recording.timeline.map(([, state]) => state));
    const seen = withoutStart(said.map(({ state }) => state));
    flaps += Math.max(0, seen.length - wanted.length);
    expect(seen).toEqual(wanted);
    const expected = recording.timeline.slice(recording.timeline.length - wanted.length);
    const told = said.slice(said.length - seen.length);
    for (const [index, [at, state]] of expected.entries()) {
      const delay = (told[index]?.at ?? Number.NaN) - at;
      // The first idle follows no work: nothing is held.
      const held = state === "idle" && expected[index - 1]?.[1] !== undefined && expected[index - 1]?.[1] !== "starting";
      const kind = state === "idle" && !held ? "ready" : state;
      (delays[kind] ??= []).push(delay);
      expect(delay, `${state} at ${at}`).toBeLessThanOrEqual(kind === "ready" ? READY_MS : (LATEST_MS[state] ?? 0));
      expect(delay, `${state} at ${at}`).toBeGreaterThanOrEqual(-EARLY_MS);
    }
  });
});

describe("all recordings", () => {
  it("are of every tool that is said to be verified", () => {
    const verified = profiles.profiles.filter(({ verified: is, rules }) => is !== null && rules.length > 0).map(({ name }) => name);
    expect(new Set(files.map((file) => load(file).tool))).toEqual(new Set(verified));
  });

  it("are of every version that is said to be verified, and of no other", () => {
    for (const { name, verified: is } of profiles.profiles) {
      const versions = files.map(load).flatMap(({ tool, version }) => (tool === name ? [/\d+\.\d+\.\d+/.exec(version)?.[0]] : []));
      if (versions.length > 0) expect(new Set(versions), name).toEqual(new Set(is?.versions));
    }
  });

  it("that end in a shell have no tool any more", () => {
    for (const file of files.filter((name) => name.endsWith("/shell.json"))) {
      const recording = load(file);
      const { tools } = rehearse(recording, { profiles, tool: null });
      expect(
        tools.map(({ tool }) => tool),
        file,
      ).toEqual([recording.tool, null]);
    }
  });

  it("cost little to watch", () => {
    // Warm, and only while a tool works: a long silent tool with its spinner.
    const long = files.filter((file) => file.endsWith("long-tool.json")).map(load);
    let took = 0;
    let busy = 0;
    const [used, began] = [process.cpuUsage(), performance.now()];
    for (let round = 0; round < 10; round++) {
      for (const recording of long) {
        const from = recording.timeline.findLast(([, state]) => state === "busy")?.[0] ?? 0;
        const work = {
          ...recording,
          output: recording.output.filter(([at]) => at >= from).map(([at, bytes]): [number, Uint8Array] => [at - from, bytes]),
        };
        const end = recording.end - from;
        took += rehearse({ ...work, end, inputs: [], resizes: [], foreground: [] }, { profiles, tool: recording.tool }).watchingMs;
        busy += end;
      }
    }
    // Its part of the time, of the processor time: a busy machine makes it no dearer.
    const { user, system } = process.cpuUsage(used);
    const share = ((took / (performance.now() - began)) * ((user + system) / 1_000)) / busy;
    figure("watching 200 busy sessions", `${(share * 200 * 100).toFixed(1)} % of one core`);
    expect(share).toBeLessThan(0.01);
  });

  afterAll(() => {
    figure("recordings of real agents", `${files.length}, ${replays} replays, ${flaps} flaps`);
    for (const [state, all] of Object.entries(delays)) {
      const sorted = all.sort((a, b) => a - b);
      const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
      figure(`from the screen to ${state}`, `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms (${all.length})`);
    }
    figure("watching", `${watchingMs.toFixed(0)} ms of processor for ${(recordedMs / 1_000).toFixed(0)} s of recordings`);
  });
});
