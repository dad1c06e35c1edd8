import type { SchemaResult } from "../src/rpc/protocol.js";

export function filled(page: string, parts: Record<string, string>, script?: string): string;
export function protocolParts(schema: SchemaResult): Record<string, string>;
