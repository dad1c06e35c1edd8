/** What the tests use of generate.mjs. */
export declare const WORKLOADS: readonly string[];
export declare function pieces(workload: string, seed?: number): Generator<string>;
