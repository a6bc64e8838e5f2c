// graphile-worker on PostgreSQL. It keeps no results: the task writes its output into a table and notifies, the client
// listens and reads it.
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";

const CONNECTIONS_MAX = 20;

const urlOf = (port) => `postgres://postgres@127.0.0.1:${port}/postgres`;

function pool(port) {
  const connections = new pg.Pool({ connectionString: urlOf(port), max: CONNECTIONS_MAX });
  connections.on("error", () => {}); // they break when the run ends
  return connections;
}

export async function worker({ port, workers }, answer) {
  const pgPool = pool(port);
  await pgPool.query("CREATE TABLE results (id bigint PRIMARY KEY, output jsonb NOT NULL)");
  const job = ({ id, input }) =>
    pgPool.query({
      name: "finish",
      text: "WITH stored AS (INSERT INTO results VALUES ($1, $2)) SELECT pg_notify('results', $1::text)",
      values: [id, JSON.stringify(answer(input))],
    });
  await run({
    pgPool,
    noHandleSignals: true,
    taskList: { job: async (task) => void (await job(task)) },
    logger: new Logger(() => () => {}),
    preset: {
      worker: {
        concurrentJobs: workers, maxPoolSize: CONNECTIONS_MAX, pollInterval: 1000, localQueue: { size: workers },
        completeJobBatchDelay: 0, failJobBatchDelay: 0,
      },
    },
  });
}

export async function client({ port }) {
  const pgPool = pool(port);
  const utilities = await makeWorkerUtils({ pgPool });
  const waiting = new Map();
  const listener = new pg.Client({ connectionString: urlOf(port) });
  listener.on("notification", ({ payload }) => {
    waiting.get(payload)?.();
    waiting.delete(payload);
  });
  await listener.connect();
  await listener.query("LISTEN results");
  return async (id, input, acknowledged) => {
    const finished = new Promise((resolve) => waiting.set(String(id), resolve));
    await utilities.addJob("job", { id, input });
    acknowledged();
    await finished;
    const found = await pgPool.query({ name: "read", text: "SELECT output FROM results WHERE id = $1", values: [id] });
    const { tag, o } = found.rows[0].output; // jsonb has an order of its own
    return { tag, o };
  };
}
