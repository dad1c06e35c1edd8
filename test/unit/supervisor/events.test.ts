import { describe, expect, test } from "vitest";
import type { LifeguardEvent } from "../../../src/supervisor/api.js";
import { EventLog } from "../../../src/supervisor/events.js";

const clock = { now: () => 1_000, monotonic: () => 0 };

describe("event log", () => {
  test("numbers grow by one, and a client that comes back gets what it missed", () => {
    const log = new EventLog("boot-1", 10, clock);
    log.append("daemon.started", null);
    const { cursor } = log.subscribe(null, {}, () => undefined);
    log.append("session.created", "sess_1", { summary: {} });
    log.append("session.bell", "sess_2");
    const back = log.subscribe(cursor, {}, () => undefined);
    expect(back.gap).toBe(false);
    expect(back.missed.map((event) => [event.seq, event.kind])).toEqual([
      [2, "session.created"],
      [3, "session.bell"],
    ]);
    expect(log.subscribe(cursor, { session: "sess_2" }, () => undefined).missed.map((event) => event.seq)).toEqual([3]);
    expect(log.subscribe(cursor, { kinds: ["session.created"] }, () => undefined).missed.map((event) => event.seq)).toEqual([2]);
  });

  test("events that are no longer held, another life of the daemon, and a cursor from the future are a gap", () => {
    const log = new EventLog("boot-1", 4, clock);
    for (let n = 0; n < 10; n++) log.append("session.bell", "sess_1");
    expect(log.subscribe({ boot: "boot-1", seq: 5 }, {}, () => undefined)).toMatchObject({ gap: true, missed: [] });
    const held = log.subscribe({ boot: "boot-1", seq: 6 }, {}, () => undefined);
    expect(held.gap).toBe(false);
    expect(held.missed.map((event) => event.seq)).toEqual([7, 8, 9, 10]);
    expect(log.subscribe({ boot: "boot-0", seq: 10 }, {}, () => undefined).gap).toBe(true);
    expect(log.subscribe({ boot: "boot-1", seq: 11 }, {}, () => undefined).gap).toBe(true);
  });

  test("a listener hears what matches until it ends", () => {
    const log = new EventLog("boot-1", 4, clock);
    const heard: LifeguardEvent[] = [];
    const subscription = log.subscribe(null, { kinds: ["session.bell"] }, (event) => heard.push(event));
    log.append("session.bell", "sess_1");
    log.append("session.title", "sess_1", { title: "x" });
    subscription.end();
    log.append("session.bell", "sess_1");
    expect(heard.map((event) => event.seq)).toEqual([1]);
  });
});
