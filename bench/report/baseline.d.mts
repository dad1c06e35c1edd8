export interface ComparedRun {
  machine: { processor: string; cores: number; node: string; date: string };
  quick: boolean;
  results: {
    measure: string;
    bare_node_ms: number;
    figures: { case: string; subject: string; median: number; less: boolean }[];
    ratios: { case: string; of: string; to: string; value: number; less: boolean }[];
  }[];
}

export function writeBaseline(path: string, run: ComparedRun): void;
export function compare(path: string, run: ComparedRun): { line: string; worse: string[] } | null;
