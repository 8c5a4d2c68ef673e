// Calls a slow tool of the server that its arguments start, with the npm client SDK.
//
// PEERS is the folder with the SDK. Writes one line for every step of progress and one for the answer.
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.PEERS, "package.json"));
const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = require("@modelcontextprotocol/sdk/client/stdio.js");

const [command, ...args] = process.argv.slice(2);
const transport = new StdioClientTransport({ command, args, env: process.env });
const client = new Client({ name: "farpipe-tests", version: "1" });
client.onerror = (error) => console.log(`error ${error}`);
await client.connect(transport);
const { tools } = await client.listTools();
console.log(`tools ${tools.length > 0}`);
const result = await client.callTool(
  { name: "trigger-long-running-operation", arguments: { duration: 2, steps: 4 } },
  undefined,
  { onprogress: ({ progress }) => console.log(`progress ${progress}`) },
);
console.log(`answer ${result.content[0].text}`);
await client.close();
console.log("closed");
