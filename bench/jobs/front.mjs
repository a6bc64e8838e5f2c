// The job path's routes over BullMQ, as one would build them with Fastify: node front.mjs REDIS_PORT WORKERS.
// Prints a line of JSON with its URL when it serves.
import { Job, Queue, QueueEvents, Worker } from "bullmq";
import Fastify from "fastify";

// Each fetcher is a BullMQ worker with a blocking connection of its own. More than these bring nothing.
const FETCHERS_MAX = 8;
const TOKEN = "front";

const [redisPort, workers] = process.argv.slice(2).map(Number);
const connection = { host: "127.0.0.1", port: redisPort };
const queue = new Queue("bench", { connection });
const events = new QueueEvents("bench", { connection });
for (const emitter of [queue, events]) emitter.setMaxListeners(0);
await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);

const polls = []; // of workers that wait for a job
const idleFetchers = []; // fetchers that wait for a poll
const held = new Map(); // jobs that were handed out

function nextPoll() {
  const poll = polls.shift();
  return poll ? Promise.resolve(poll) : new Promise((resolve) => idleFetchers.push(resolve));
}

async function fetchForever() {
  const worker = new Worker("bench", null, { connection });
  worker.on("error", () => {}); // connections break when the run ends
  for (;;) {
    const poll = await nextPoll();
    let job;
    while (!job) job = await worker.getNextJob(TOKEN, { block: true });
    held.set(job.id, job);
    poll({ id: job.id, input: job.data });
  }
}

for (let i = 0; i < Math.min(workers, FETCHERS_MAX); ++i) fetchForever();

const completed = (id, output) => ({ delayTime: 1, executionTime: 1, id, output, status: "COMPLETED", workerId: "w1" });
const server = Fastify({ logger: false, keepAliveTimeout: 60_000 });

server.addHook("onRequest", (request, reply, done) => {
  if (request.headers.authorization?.startsWith("Bearer ")) return done();
  reply.code(401).send({ error: "no key" });
});

let workersAttached = 0;
server.post("/penstock/v1/endpoints/:endpoint/workers", async () => {
  const id = `w${++workersAttached}`;
  const base = `${server.listeningOrigin}/v2/bench`;
  return {
    workerId: id,
    environment: {
      RUNPOD_WEBHOOK_GET_JOB: `${base}/job-take/${id}?gpu=none`,
      RUNPOD_WEBHOOK_POST_OUTPUT: `${base}/job-done/${id}/$ID?gpu=none`,
      RUNPOD_AI_API_KEY: "Bearer none",
    },
  };
});
server.delete("/penstock/v1/endpoints/:endpoint/workers/:worker", async () => ({}));

server.post("/v2/:endpoint/run", async (request) => {
  const job = await queue.add("job", request.body.input);
  return { id: job.id, status: "IN_QUEUE" };
});

server.post("/v2/:endpoint/runsync", async (request) => {
  const job = await queue.add("job", request.body.input);
  return completed(job.id, await job.waitUntilFinished(events));
});

server.get("/v2/:endpoint/status/:id", async (request, reply) => {
  const job = await Job.fromId(queue, request.params.id);
  if (!job) return reply.code(404).send({ error: "no such job" });
  if (job.finishedOn) return completed(job.id, job.returnvalue);
  return { id: job.id, status: job.processedOn ? "IN_PROGRESS" : "IN_QUEUE" };
});

server.get(
  "/v2/:endpoint/job-take/:worker",
  () =>
    new Promise((resolve) => {
      const fetcher = idleFetchers.shift();
      if (fetcher) fetcher(resolve);
      else polls.push(resolve);
    }),
);

server.post("/v2/:endpoint/job-done/:worker/:id", async (request) => {
  const job = held.get(request.params.id);
  held.delete(request.params.id);
  await job.moveToCompleted(request.body.output, TOKEN, false);
  return {};
});

await server.listen({ host: "127.0.0.1", port: 0 });
console.log(JSON.stringify({ url: server.listeningOrigin, pid: process.pid }));
