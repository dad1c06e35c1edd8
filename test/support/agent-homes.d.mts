export const TOOLS: readonly string[];
export function agentHome(
  tool: string,
  options: {
    root: string;
    programs: string;
    port: number;
    trusted?: boolean;
    known?: boolean;
    mode?: string;
    questions?: boolean;
    fresh?: boolean;
  },
): { cwd: string; env: Record<string, string>; command: string };
