export const TOOLS: readonly string[];
export function agentHome(
  tool: string,
  options: { root: string; programs: string; port: number },
): { cwd: string; env: Record<string, string>; command: string };
