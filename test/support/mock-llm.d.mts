export interface MockModel {
  port: number;
  /** May be changed between turns. */
  settings: { delayMs: number; command: string };
  close(): void;
}
export function startMockModel(options?: { delayMs?: number; command?: string; heard?: (texts: string[]) => void }): Promise<MockModel>;
