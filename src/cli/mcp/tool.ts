/** A tool of the MCP server: a record that says all about it, and a function that does it. */
import type { z } from "zod";
import type { Client } from "../../rpc/client.js";

/** One call of a tool. */
export interface ToolCall {
  /** The daemon; found, or started where the tool may, at the first use. */
  client: Client;
  /** Aborted when the caller does not want the answer any more. */
  signal: AbortSignal;
  /** The session that this server runs in; null outside of all. */
  self: string | null;
  /** Of whoever started the server. */
  env: NodeJS.ProcessEnv;
}

export interface Tool<Input extends z.ZodObject = z.ZodObject> {
  name: string;
  /** For people, in lists. */
  title: string;
  /** For the model that chooses among tools: what it does, when to use it, what it answers. */
  description: string;
  input: Input;
  /** `looks`: changes nothing; `ends`: takes away what cannot be had back; `makes`: everything between. */
  effect: "looks" | "makes" | "ends";
  /** @returns the text for the model @throws LifeguardError, told as the tool's error */
  run(input: z.output<Input>, call: ToolCall): Promise<string>;
}

/** Gives `run` the types of its `input`. */
export function tool<Input extends z.ZodObject>(definition: Tool<Input>): Tool {
  return definition;
}
