// The model APIs that coding agents call, on loopback: an agent can be driven through whole turns with no network and no key.
// What the prompt says decides what the "model" does:
//   "run the tool"   thinks aloud, asks to run a command, then answers
//   "write the file" asks to write notes.txt
//   "make a plan"    proposes a plan and asks for leave to go on, by the tool the agent has for it
//   "call the server" calls the tool of an MCP server that the settings name (Claude Code)
//   "ask me"         asks the user a question, by the tool the agent has for it
//   "please fail"    the API refuses the request
//   "quote yourself" answers with text that looks like the agents' own dialogs and status lines
//   "long answer"    answers with many lines
//   anything else    answers in one sentence
import http from "node:http";

const PLAN = "I looked at the request and here is a short plan. First read the code, then run the tests, then report. All done now.".split(
  " ",
);
const QUOTE = [
  "The dialog of a coding agent looks like this:\n\n",
  "```\nBash command\n\n  rm -rf build\n\nDo you want to proceed?\n❯ 1. Yes\n  2. No\n\nEsc to cancel\n```\n\n",
  "Codex writes:\n\n```\nWould you like to run the following command?\n› 1. Yes, proceed (y)\n  Press enter to confirm or esc to cancel\n```\n\n",
  "While it works it shows\n\n```\n• Working (9s • esc to interrupt)\n✽ Cooking… (12s · esc to interrupt)\n```\n\n",
  "and a log may say error: Permission denied, Error: failed, △ Permission required, Allow once, esc interrupt. That is all.",
];
const LONG = Array.from({ length: 120 }, (_, i) => `Line ${i + 1}: the tests say error, Permission denied, and go on.\n\n`);
const QUESTION = {
  questions: [
    {
      question: "Which colour do you like?",
      header: "Colour",
      id: "colour",
      multiSelect: false,
      options: [
        { label: "Red", description: "warm" },
        { label: "Blue", description: "cold" },
      ],
    },
  ],
};
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function wish(text, answered) {
  if (/please fail/.test(text)) return "fail";
  if (answered) return "talk";
  if (/run the tool/.test(text)) return "tool";
  if (/write the file/.test(text)) return "write";
  if (/make a plan/.test(text)) return "plan";
  if (/call the server/.test(text)) return "server";
  if (/ask me/.test(text)) return "question";
  return "talk";
}

function words(text) {
  return /quote yourself/.test(text) ? QUOTE : /long answer/.test(text) ? LONG : PLAN.map((word) => `${word} `);
}

/** What was said since the newest prompt of a person. */
function newest(messages, isPrompt) {
  const turns = messages.slice(Math.max(0, messages.findLastIndex(isPrompt)));
  return { text: JSON.stringify(turns), turns };
}
const PROMPT = /run the tool|call the server|write the file|make a plan|please fail|quote yourself|long answer|ask me|hello/;
const NOTES = "one\ntwo\nthree\n";

async function anthropic(body, res, settings) {
  const { delayMs, command, call } = settings;
  const { text } = newest(body.messages, (m) => m.role === "user" && PROMPT.test(JSON.stringify(m.content)));
  const wanted = wish(text, /tool_result/.test(text));
  if (/tool_result/.test(text)) settings.results = text;
  const names = (body.tools ?? []).map((tool) => tool.name);
  const message = {
    id: `msg_${Date.now()}`,
    type: "message",
    role: "assistant",
    model: body.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 1200, output_tokens: 1 },
  };
  if (wanted === "fail")
    return await refuse(res, { type: "error", error: { type: "invalid_request_error", message: "the mock model refuses" } });
  if (!body.stream) return json(res, { ...message, content: [{ type: "text", text: "ok" }], stop_reason: "end_turn" });
  const send = events(res, (type, data) => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  const cwd = /working directory: ([^\\"\s]+)/i.exec(JSON.stringify(body.system) + text)?.[1] ?? "/tmp";
  const tool = anthropicTool(wanted, names, { command, cwd, call });
  send("message_start", { message });
  send("content_block_start", { index: 0, content_block: { type: "text", text: "" } });
  for (const word of words(text)) {
    send("content_block_delta", { index: 0, delta: { type: "text_delta", text: word } });
    await pause(delayMs);
  }
  send("content_block_stop", { index: 0 });
  if (tool !== null) {
    send("content_block_start", { index: 1, content_block: { type: "tool_use", id: `toolu_${Date.now()}`, name: tool.name, input: {} } });
    send("content_block_delta", { index: 1, delta: { type: "input_json_delta", partial_json: JSON.stringify(tool.input) } });
    send("content_block_stop", { index: 1 });
  }
  send("message_delta", {
    delta: { stop_reason: tool === null ? "end_turn" : "tool_use", stop_sequence: null },
    usage: { output_tokens: 42 },
  });
  send("message_stop", {});
  res.end();
}

function anthropicTool(wanted, names, { command, cwd, call }) {
  const tools = {
    tool: { name: "Bash", input: { command, description: "run a command" } },
    write: { name: "Write", input: { file_path: `${cwd}/notes.txt`, content: NOTES } },
    plan: { name: "ExitPlanMode", input: { plan: "# A plan\n\n1. Read the code\n2. Run the tests\n" } },
    server: call,
    question: { name: "AskUserQuestion", input: QUESTION },
  };
  const tool = tools[wanted] ?? null;
  return tool !== null && names.includes(tool.name) ? tool : null;
}

async function responses(body, res, { delayMs, command }) {
  const input = Array.isArray(body.input) ? body.input : [body.input ?? ""];
  const { text, turns } = newest(input, (item) => item.role === "user" && PROMPT.test(JSON.stringify(item.content)));
  const wanted = wish(
    text,
    turns.some((item) => (item.type ?? "").endsWith("call_output")),
  );
  const names = (body.tools ?? []).map((tool) => tool.name ?? tool.type);
  if (wanted === "fail")
    return await refuse(res, { error: { type: "invalid_request_error", code: "invalid", message: "the mock model refuses" } });
  let number = 0;
  const send = events(res, (type, data) => `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: number++, ...data })}\n\n`);
  const id = `resp_${Date.now()}`;
  const out = [];
  send("response.created", { response: { id, object: "response", status: "in_progress", output: [] } });
  const item = { id: "msg_1", type: "message", role: "assistant", status: "in_progress", content: [] };
  send("response.output_item.added", { output_index: 0, item });
  let said = "";
  for (const word of words(text)) {
    said += word;
    send("response.output_text.delta", { item_id: "msg_1", output_index: 0, content_index: 0, delta: word });
    await pause(delayMs);
  }
  const whole = { ...item, status: "completed", content: [{ type: "output_text", text: said, annotations: [] }] };
  send("response.output_item.done", { output_index: 0, item: whole });
  out.push(whole);
  const call = responsesCall(wanted, names, command);
  if (call !== null) {
    send("response.output_item.added", { output_index: 1, item: { ...call, status: "in_progress", arguments: "" } });
    send("response.output_item.done", { output_index: 1, item: call });
    out.push(call);
  }
  const usage = {
    input_tokens: 1200,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 42,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 1242,
  };
  send("response.completed", { response: { id, object: "response", status: "completed", output: out, usage } });
  res.end();
}

function responsesCall(wanted, names, command) {
  const call = (name, args) => ({
    id: "fc_1",
    type: "function_call",
    call_id: `call_${Date.now()}`,
    name,
    arguments: JSON.stringify(args),
    status: "completed",
  });
  if (wanted === "question" && names.includes("request_user_input")) return call("request_user_input", QUESTION);
  // It takes a patch in a shell for what it is.
  const patch = `*** Begin Patch\n*** Add File: notes.txt\n${NOTES.trim().replace(/^/gm, "+")}\n*** End Patch`;
  if (wanted === "write" && names.includes("exec_command")) return call("exec_command", { cmd: `apply_patch <<'EOF'\n${patch}\nEOF\n` });
  if (wanted !== "tool") return null;
  const name = names.find((known) => /exec_command|shell_command|shell/.test(known)) ?? "shell";
  const asks = { justification: "mock asks", sandbox_permissions: "require_escalated" };
  if (name === "exec_command") return call(name, { cmd: command, ...asks });
  return name === "shell_command" ? call(name, { command, ...asks }) : call(name, { command: ["bash", "-lc", command] });
}

async function chat(body, res, { delayMs, command }) {
  const { text, turns } = newest(body.messages ?? [], (message) => message.role === "user");
  const wanted = wish(
    text,
    turns.some((message) => message.role === "tool"),
  );
  const names = (body.tools ?? []).map((tool) => tool.function?.name);
  const base = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: body.model };
  const usage = { prompt_tokens: 1200, completion_tokens: 42, total_tokens: 1242 };
  if (wanted === "fail" && names.length > 0)
    return await refuse(res, { error: { type: "invalid_request_error", message: "the mock model refuses" } });
  if (!body.stream)
    return json(res, {
      ...base,
      object: "chat.completion",
      choices: [{ index: 0, message: { role: "assistant", content: "a title" }, finish_reason: "stop" }],
      usage,
    });
  const send = events(res, (_, data) => `data: ${JSON.stringify(data)}\n\n`);
  const delta = (part, finish_reason = null) => send("", { ...base, choices: [{ index: 0, delta: part, finish_reason }] });
  delta({ role: "assistant", content: "" });
  for (const word of names.length === 0 ? ["a title"] : words(text)) {
    delta({ content: word });
    await pause(delayMs);
  }
  const tool =
    wanted === "tool" && names.includes("bash")
      ? { name: "bash", arguments: { command, description: "run a command" } }
      : wanted === "question" && names.includes("question")
        ? { name: "question", arguments: QUESTION }
        : wanted === "write" && names.includes("write")
          ? { name: "write", arguments: { filePath: "notes.txt", content: NOTES } }
          : null;
  if (tool !== null)
    delta({
      tool_calls: [
        { index: 0, id: `call_${Date.now()}`, type: "function", function: { name: tool.name, arguments: JSON.stringify(tool.arguments) } },
      ],
    });
  delta({}, tool === null ? "stop" : "tool_calls");
  send("", { ...base, choices: [], usage });
  res.write("data: [DONE]\n\n");
  res.end();
}

function events(res, frame) {
  res.writeHead(200, { "content-type": "text/event-stream" });
  return (type, data) => res.write(frame(type, data));
}
function json(res, body) {
  res.writeHead(200, { "content-type": "application/json" });
  res.end(JSON.stringify(body));
}
async function refuse(res, body) {
  await pause(900);
  res.writeHead(400, { "content-type": "application/json" });
  res.end(JSON.stringify(body));
}

/** What people said in this request, newest last: every text of every message of theirs, as it came over the wire. */
function said(body) {
  const messages = body.messages ?? (Array.isArray(body.input) ? body.input : []);
  return messages
    .filter((message) => message.role === "user")
    .flatMap(({ content }) => (typeof content === "string" ? [content] : (content ?? []).map((part) => part.text ?? "")));
}

/**
 * @param heard is given what people said, at each request of a turn
 * @returns a server on a free port of loopback
 */
export async function startMockModel({ delayMs = 60, command = "sleep 3 && touch tool-ran && echo tool ran", heard = () => {} } = {}) {
  const settings = { delayMs, command, call: null, results: "" };
  const answer = async (req, res) => {
    try {
      let raw = "";
      for await (const chunk of req) raw += chunk;
      const body = JSON.parse(raw === "" ? "{}" : raw);
      heard(said(body));
      if (req.url.includes("count_tokens")) return json(res, { input_tokens: 1200 });
      if (req.url.includes("/messages")) return await anthropic(body, res, settings);
      if (req.url.includes("/responses")) return await responses(body, res, settings);
      if (req.url.includes("/chat/completions")) return await chat(body, res, settings);
      if (req.url.includes("/models")) return json(res, { object: "list", data: [], models: [] });
      res.writeHead(404).end();
    } catch {
      res.destroy();
    }
  };
  const server = http.createServer((req, res) => void answer(req, res));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: server.address().port,
    settings,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
