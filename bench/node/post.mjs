// Node's AWS SDK v3 with a fixed number of concurrent requests over kept-alive connections. Reads its
// job from standard input and prints a sample, as the clients in Python do.

import { readFileSync } from "node:fs";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";

import {
  ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} from "@aws-sdk/client-apigatewaymanagementapi";
import { NodeHttpHandler } from "@smithy/node-http-handler";

const PAYLOAD = '{"type":"counter-update","value":1234567}';

const job = JSON.parse(readFileSync(0, "utf8"));
const ids = Array.from({ length: job.posts }, (_, number) => `Rk3sYd2oFi${String(number).padStart(5, "0")}=`);
const kept = { keepAlive: true, maxSockets: job.concurrency };
const client = new ApiGatewayManagementApiClient({
  region: "eu-central-1",
  endpoint: job.endpoint,
  credentials: {
    accessKeyId: "AKIDEXAMPLEAKIDEXAMP",
    secretAccessKey: "not-a-secret/not-a-secret/not-a-secret12",
    sessionToken: "T".repeat(800),
  },
  requestHandler: new NodeHttpHandler({
    httpAgent: new HttpAgent(kept),
    httpsAgent: new HttpsAgent({ ...kept, ca: readFileSync(job.authority) }),
  }),
});

async function postToAll(ids) {
  const shared = ids.values();
  let delivered = 0;
  async function worker() {
    for (const ConnectionId of shared) {
      const response = await client.send(new PostToConnectionCommand({ ConnectionId, Data: PAYLOAD }));
      if (response.$metadata.httpStatusCode === 200) delivered += 1;
    }
  }
  await Promise.all(Array.from({ length: job.concurrency }, worker));
  return delivered;
}

const seconds = ({ user, system }) => (user + system) / 1e6;

if (job.warm) await postToAll(ids);
const start = performance.now();
const before = process.cpuUsage();
const delivered = await postToAll(ids);
const cpu = seconds(process.cpuUsage(before));
const wall = (performance.now() - start) / 1000;
if (delivered !== ids.length) throw new Error(`only ${delivered} of ${ids.length} were delivered`);
console.log(
  JSON.stringify({
    cpu_us: (cpu / ids.length) * 1e6,
    wall,
    peak_mb: process.resourceUsage().maxRSS / 1024,
  }),
);
process.exit(0);
