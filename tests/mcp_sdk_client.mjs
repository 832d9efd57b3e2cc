// Drives an MCP server with the official TypeScript SDK; prints what it saw as one JSON object.
// Arguments: node_modules, command of the server.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const [modules, command] = process.argv.slice(2);
const require = createRequire(join(modules, "x.js"));
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const { Client } = await load("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = await load("@modelcontextprotocol/sdk/client/stdio.js");
const { ElicitRequestSchema } = await load("@modelcontextprotocol/sdk/types.js");

const seen = { questions: [], progress: [] };
const client = new Client({ name: "ts", version: "1" }, { capabilities: { elicitation: {} } });
client.setRequestHandler(ElicitRequestSchema, async (request) => {
  seen.questions.push(request.params.message);
  return { action: "accept", content: {} };
});
await client.connect(new StdioClientTransport({ command, env: process.env }));
seen.server = client.getServerVersion().name;
seen.tools = (await client.listTools()).tools.map((tool) => tool.name);
seen.resources = (await client.listResources().catch((error) => ({ resources: error.message }))).resources;

const ask = { "approval-policy": "untrusted", sandbox: "danger-full-access" };
const first = await client.callTool({ name: "codex", arguments: { prompt: "go", ...ask } }, undefined, {
  onprogress: (progress) => seen.progress.push(progress.message),
});
seen.first = first.structuredContent.content;
const { conversationId } = first.structuredContent;
const second = await client.callTool({ name: "codex-reply", arguments: { conversationId, prompt: "more" } });
seen.second = second.content[0].text;

const stop = new AbortController();
const given_up = client.callTool({ name: "codex", arguments: { prompt: "long" } }, undefined, {
  signal: stop.signal,
  onprogress: () => stop.abort("enough"),
});
seen.givenUp = await given_up.then(() => "answered", (error) => String(error).includes("enough"));
seen.after = await client.ping().then(() => "pong");
await client.close();
console.log(JSON.stringify(seen));
