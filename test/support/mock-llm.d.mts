export interface MockModel {
  port: number;
  /** May be changed between turns. `call` is what "call the server" calls; `results` the newest turn that has a tool's result in it, as JSON. */
  settings: { delayMs: number; command: string; call: { name: string; input: Record<string, unknown> } | null; results: string };
  close(): void;
}
export function startMockModel(options?: { delayMs?: number; command?: string; heard?: (texts: string[]) => void }): Promise<MockModel>;
