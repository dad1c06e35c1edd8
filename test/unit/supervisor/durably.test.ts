import { expect, it } from "vitest";
import { systemClock } from "../../../src/clock.js";
import { StillUnderWay } from "../../../src/errors.js";
import type { Trouble } from "../../../src/persistence/store.js";
import { Idempotency } from "../../../src/rpc/idempotency.js";
import { Durably } from "../../../src/supervisor/durably.js";
import { deferred } from "../../../src/supervisor/entry.js";

const store = (trouble: Trouble | null = null): { trouble: Trouble | null } => ({ trouble });
const make = (of: { trouble: Trouble | null }, boundMs = 5): Durably => new Durably({ store: of, path: "/state/store", boundMs });
const waiting = { what: "the record of sess_1", meanwhile: "It is kept." };

it("answers with what was done, and with its own failure", async () => {
  expect(await make(store(), 60_000).within(Promise.resolve(3), waiting)).toBe(3);
  await expect(make(store(), 60_000).within(Promise.reject(new Error("no")), waiting)).rejects.toThrow("no");
});

it("says by name what is not done within the bound: full, or silent", async () => {
  const never = new Promise<never>(() => undefined);
  const full = make(store({ reason: "ENOSPC while saving", full: true })).within(never, waiting);
  await expect(full).rejects.toMatchObject({ name: "STORE_FULL", data: { path: "/state/store", under_way: true, waited_ms: 5 } });
  await expect(full).rejects.toThrow(/the record of sess_1 is not on the disk.*\/state\/store.*ENOSPC.*It is kept\..*rm, prune/);
  for (const trouble of [null, { reason: "a write has been under way for 10 000 ms", full: false }])
    await expect(make(store(trouble)).within(never, waiting)).rejects.toMatchObject({ name: "UNAVAILABLE" });
});

it("what does not depend on the disk waits until there is trouble, and not at all while there is", async () => {
  const never = new Promise<never>(() => undefined);
  const healthy = store();
  const durably = make(healthy, 60_000);
  expect(await durably.unlessTrouble(Promise.resolve())).toBeNull();
  const easy = durably.unlessTrouble(never);
  healthy.trouble = { reason: "ENOSPC", full: true };
  durably.troubled();
  expect(await easy).toBe("ENOSPC");
  expect(await durably.unlessTrouble(never)).toBe("ENOSPC");
});

it("a key whose deed is still under way waits for the same deed again", async () => {
  const keys = new Idempotency({ clock: systemClock, ttlMs: 60_000, most: 10 });
  const durably = make(store());
  const end = deferred();
  let deeds = 0;
  const deed = (): Promise<string> => {
    deeds += 1;
    return durably.within(
      end.promise.then(() => "done"),
      waiting,
    );
  };
  await expect(keys.once("k", {}, deed)).rejects.toBeInstanceOf(StillUnderWay);
  await expect(keys.once("k", {}, deed)).rejects.toBeInstanceOf(StillUnderWay);
  end.resolve();
  expect(await keys.once("k", {}, deed)).toBe("done");
  expect(await keys.once("k", {}, deed)).toBe("done");
  expect(deeds).toBe(1);
});
