/** Steps that a store is asked to take: plain JavaScript, because a child process of a test runs them on dist. */
import { createHash } from "node:crypto";

export function contextOf(tag, bytes) {
  const parts = [];
  for (let length = 0, block = 0; length < bytes; block++) {
    const part = block % 2 === 0 ? createHash("sha512").update(`${tag} ${block}`).digest() : Buffer.alloc(64, String(tag));
    parts.push(part);
    length += part.length;
  }
  return Buffer.concat(parts).subarray(0, bytes);
}

async function take(store, step, template) {
  switch (step.do) {
    case "put":
      await store.registry.put({ ...template, id: step.id, offset: step.offset });
      return null;
    case "save": {
      const { id: session, kind, tag, bytes } = step;
      const input = {
        session,
        kind,
        offset: tag,
        epoch: 1,
        session_state: "idle",
        spec: template.spec,
        state: tag,
        context: contextOf(tag, bytes),
      };
      return (await store.checkpoints.save(input)).checkpoint;
    }
    case "drop":
      return await store.checkpoints.remove(step.checkpoint);
    case "append":
      return (await store.journals.append(step.id, { kind: "message", data: { tag: step.tag, fill: "x".repeat(step.bytes) } })).seq;
    case "compact":
      return (await store.journals.compact(step.id, { archive: `sum ${step.tag}` })).seq;
    case "publish": {
      const published = store.thoughts.publish(step.id, { text: `t ${step.seq}`, stream_instance_id: "s", emission_seq: step.seq });
      if (!published.accepted) return false;
      await published.durable;
      return true;
    }
    case "archive":
      await store.archives.put(step.name, `text ${step.tag}`);
      return null;
    case "fork":
      return (await store.forks.create({ checkpoint: step.checkpoint, session: step.id, forked_session: "sess_99" })).fork;
    case "merge":
      return (await store.forks.update(step.fork, "merged")).status;
    case "create":
      return (await store.journals.create({ agent: step.agent, created_by: "ledger" })).id;
    case "remove":
      return await store.registry.remove(step.id);
    default:
      throw new Error(`no step ${step.do}`);
  }
}

export async function ask(store, n, step, write, template) {
  write({ n, begin: step });
  try {
    const ack = await take(store, step, template);
    write({ n, ack });
    return ack;
  } catch (error) {
    write({ n, refused: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
    return null;
  }
}
