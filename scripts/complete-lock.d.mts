export function missingFrom(lock: { packages: Record<string, unknown> }): Record<string, unknown>;
