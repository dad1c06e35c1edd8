import { LifeguardError } from "../../errors.js";
import { wholeCheckpoint } from "../checkpoint-words.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

export const verb: Verb<Record<string, never>> = {
  record: {
    name: "checkpoint rm",
    summary: "remove checkpoints",
    arguments: [{ name: "<checkpoint...>", description: "ids, in full" }],
    example: "lifeguard checkpoint rm 3b0c2f6e-8a51-4c0e-9d5f-2f1e7a90c4d8",
    startsDaemon: true,
  },
  async run({ words, connect }: Invocation<Record<string, never>>) {
    const checkpoints = words.map(wholeCheckpoint);
    const client = await connect();
    for (const checkpoint of checkpoints) {
      const { removed } = await client.call("checkpoint.remove", { checkpoint });
      if (!removed) throw new LifeguardError("NOT_FOUND", `no checkpoint ${checkpoint}`);
    }
    return EXIT.done;
  },
};
