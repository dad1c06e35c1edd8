// Runs in a session of the daemon under test: an agent that has `lifeguard mcp` as its server, calls tools, and prints what they said.
// mcp-inside.mjs LAUNCHER NAME JSON [NAME JSON …]: a line of JSON for each call.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const [launcher, ...calls] = process.argv.slice(2);
const client = new Client({ name: "inside", version: "0" });
await client.connect(new StdioClientTransport({ command: process.execPath, args: [launcher, "mcp"], env: process.env }));
const said = [{ instructions: client.getInstructions() }];
for (let at = 0; at < calls.length; at += 2) {
  const { content, isError } = await client.callTool({ name: calls[at], arguments: JSON.parse(calls[at + 1]) });
  said.push({ text: content[0].text, isError: isError === true });
}
await client.close();
console.log(JSON.stringify(said));
