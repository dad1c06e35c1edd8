import type { Known, SessionView } from "../../../src/thoughts/world.js";

export function view(fields: Partial<SessionView> = {}): SessionView {
  return {
    id: "sess_1",
    name: "web",
    tool: null,
    state: "idle",
    stateSince: 0,
    rest: "active",
    title: "",
    cwd: "/home/ada/shop",
    command: null,
    offset: 0,
    tokenCount: null,
    contextLimit: null,
    live: true,
    ...fields,
  };
}

export function known(fields: Partial<Known> = {}): Known {
  return {
    text: "works",
    state: "active",
    source: "llm",
    objective_fingerprint: null,
    objective_changed_at: null,
    updated_at: 0,
    ...fields,
  };
}
