/** Thoughts and who has them, for people: a table, one of them, the configuration, a trial. Pure. */
import type { Thought, ThoughtConfig, ThoughtTest } from "../rpc/client.js";
import type { Colours } from "./colours.js";
import type { Column } from "./columns.js";
import { layOut } from "./columns.js";
import { briefAge } from "./duration.js";
import { rfc3339 } from "./json.js";
import { printable, shellWords } from "./printable.js";

const COLUMNS: readonly Column[] = [
  { title: "ID" },
  { title: "NAME", least: 8 },
  { title: "THINKS" },
  { title: "SOURCE" },
  { title: "AGE", align: "right" },
  { title: "THOUGHT", least: 12 },
];

/** @param names by id; of a session that is not listed the cell stays empty */
export function thoughtTable(
  thoughts: readonly { id: string; thought: Thought }[],
  { names, now, width }: { names: ReadonlyMap<string, string>; now: number; width: number | undefined },
): string[] {
  const cells = thoughts.map(({ id, thought }) => [
    id,
    printable(names.get(id) ?? ""),
    thought.state,
    thought.source,
    briefAge(now - thought.updated_at),
    printable(thought.text),
  ]);
  return layOut(COLUMNS, cells, width);
}

type Field = [label: string, value: string | null];

function page(fields: readonly Field[], colours: Colours): string[] {
  return fields.flatMap(([label, value]) => (value === null ? [] : [`${colours.dim(label.padEnd(9))} ${value}`]));
}

export function thoughtDetails(id: string, thought: Thought, { now, colours }: { now: number; colours: Colours }): string[] {
  const { watermark, objective_fingerprint: objective, objective_changed_at: since, token_count: tokens, context_limit: limit } = thought;
  return page(
    [
      ["session", id],
      ["thought", printable(thought.text)],
      ["state", `${thought.state}, rest ${thought.rest_state}`],
      ["source", `${thought.source}, ${briefAge(now - thought.updated_at)} ago (${rfc3339(thought.updated_at)})`],
      ["cues", thought.action_cues.length === 0 ? null : printable(thought.action_cues.join("; "))],
      ["commit", thought.commit_candidate ? "something is worth a commit" : null],
      ["objective", objective === null ? null : `${printable(objective)}${since === null ? "" : ` for ${briefAge(now - since)}`}`],
      ["tokens", tokens === null ? null : `${tokens}${limit === null ? "" : ` of ${limit}`}`],
      ["watermark", watermark === null ? null : `${printable(watermark.stream_instance_id)} ${watermark.emission_seq}`],
    ],
    colours,
  );
}

export function configLines({ version, source, config, problem, status }: ThoughtConfig, now: number, colours: Colours): string[] {
  const told = source === "store" ? `thought config said so, version ${version}` : "as config.toml says";
  const asked =
    status.last_sync_at === null
      ? "never answered"
      : `answered ${briefAge(now - status.last_sync_at)} ago in ${status.last_sync_ms ?? 0} ms`;
  const isCommand = config.engine === "command";
  const seconds = (ms: number): string => `${ms / 1_000} s`;
  return page(
    [
      ["engine", `${config.engine} (${told})`],
      ["problem", problem === null ? null : printable(problem)],
      ["command", config.command.length === 0 ? null : printable(shellWords(config.command))],
      [
        "paces",
        isCommand
          ? `tick ${seconds(config.tick_ms)}; hot ${seconds(config.hot_ms)}, warm ${seconds(config.warm_ms)}, cold ${seconds(config.cold_ms)}; an answer within ${seconds(config.exchange_ms)}`
          : null,
      ],
      ["health", `${status.healthy ? "well" : "not well"}${status.detail === null ? "" : `: ${printable(status.detail)}`}`],
      [
        "process",
        isCommand
          ? `${status.name === null ? "" : `${printable(status.name)}, `}${status.pid === null ? "not running" : `pid ${status.pid}`}, ${status.starts} starts, ${status.failures} failures in a row`
          : null,
      ],
      [
        "answers",
        isCommand ? `${asked}; ${status.taken} thoughts taken, ${status.refused} refused, ${status.ignored} not understood` : null,
      ],
      ["stderr", status.stderr === "" ? null : printable(status.stderr)],
    ],
    colours,
  );
}

export function testLines({ ok, engine, ms, name, updates, ignored, error, stderr }: ThoughtTest): string[] {
  return [
    `${ok ? "works" : "does not work"}: ${engine}${name === null ? "" : ` (${printable(name)})`}, ${ms} ms${error === null ? "" : `: ${printable(error)}`}`,
    ...updates.map(({ session, text, state, source }) =>
      printable(`  ${session}: ${text ?? "(nothing new)"} (${state === null ? "" : `${state}, `}${source})`),
    ),
    ...(ignored === 0 ? [] : [`  ${ignored} of its updates are not understood`]),
    ...(stderr === "" ? [] : [`  stderr: ${printable(stderr)}`]),
  ];
}
