// A hook of a coding agent, as small as it can be: turns the payload on stdin into one session.report for $LIFEGUARD_SESSION.
// Appends payload and answer to the file named by its second argument, for tests that look at what the tool really says.
import { appendFileSync, readFileSync } from "node:fs";
import { connect } from "node:net";

const [, , source, journal, argument] = process.argv;
const payload = JSON.parse(argument ?? readFileSync(0, "utf8"));
const field = (...names) => names.map((name) => payload[name]).find((value) => value !== undefined && value !== null);
const report = {
  id: process.env.LIFEGUARD_SESSION,
  source,
  tool: source.split("-")[0],
  event: field("hook_event_name", "type"),
  at: Date.now(),
  conversation_id: field("session_id", "thread-id"),
  transcript: field("transcript_path"),
  cwd: field("cwd"),
  model: field("model"),
};
const socket = connect(process.env.LIFEGUARD_SOCKET);
socket.write(`${JSON.stringify({ id: 1, method: "session.report", params: report })}\n`);
let text = "";
socket.on("data", (chunk) => {
  text += chunk;
  if (!text.includes("\n")) return;
  if (journal !== undefined) appendFileSync(journal, `${JSON.stringify({ payload, answer: JSON.parse(text) })}\n`);
  socket.destroy();
});
