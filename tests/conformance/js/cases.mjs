// Drives the published JavaScript client against a running server. Prints one JSON line for each case:
// {"name", "ok", "detail"}, among lines that the client itself prints. Endpoints come from the environment: MOCK (plain SDK workers), STREAM (generator workers that
// aggregate), IDLE (no workers at all).

import assert from "node:assert/strict";
import runpodSdk from "runpod-sdk";

const { PENSTOCK_URL, PENSTOCK_API_KEY, MOCK, STREAM, IDLE } = process.env;
const baseUrl = `${PENSTOCK_URL}/v2`;
const sdk = runpodSdk(PENSTOCK_API_KEY, { baseUrl });
const mock = sdk.endpoint(MOCK);
const streaming = sdk.endpoint(STREAM);
const idle = sdk.endpoint(IDLE);

const requests = [];
const realFetch = globalThis.fetch;
globalThis.fetch = async (url, options) => {
  const answer = await realFetch(url, options);
  requests.push({ url: String(url), status: answer.status });
  return answer;
};

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function untilDone(endpoint, id) {
  for (let tries = 0; tries < 300; tries += 1) {
    const status = await endpoint.status(id);
    if (status.completed) return status;
    await sleep(200);
  }
  throw new Error(`job ${id} did not end in a minute`);
}

async function streamOf(id) {
  const elements = [];
  for await (const element of streaming.stream(id)) elements.push(element);
  return elements;
}

const seven = [0, 1, 2, 3, 4, 5, 6].map((n) => ({ n }));

const cases = {
  async dp_001_run() {
    const answer = await idle.run({ input: { a: 1 } });
    assert.match(answer.id, /^[A-Za-z0-9_-]+$/);
    assert.equal(answer.status, "IN_QUEUE");
  },

  async dp_003_wrong_key_rejects() {
    const stranger = runpodSdk("wrong", { baseUrl }).endpoint(IDLE);
    await assert.rejects(stranger.health());
  },

  async dp_004_unknown_endpoint_rejects() {
    await assert.rejects(sdk.endpoint("nosuchendpoint").run({ input: {} }));
  },

  async dp_005_status_right_after_run() {
    const { id } = await idle.run({ input: {} });
    const status = await idle.status(id);
    assert.equal(status.id, id);
    assert.deepEqual([status.started, status.completed, status.succeeded], [true, false, false]);
  },

  async dp_016_run_sync() {
    const result = await mock.runSync({ input: { mock_return: { a: [1, null, "x"] } } });
    assert.deepEqual(result.output, { a: [1, null, "x"] });
    assert.ok(result.id.startsWith("sync-"));
  },

  async dp_020_run_sync_longer_than_the_job() {
    const result = await mock.runSync({ input: { mock_return: "late", mock_delay: 3 } }, 20000);
    assert.equal(result.output, "late");
    assert.deepEqual([result.completed, result.succeeded], [true, true]);
  },

  async dp_021_run_sync_goes_on_with_status_sync() {
    requests.length = 0;
    const first = await idle.runSync({ input: {} }, 1000);
    assert.equal(first.completed, false);
    assert.ok(requests.some(({ url }) => url.includes("/status-sync/") && url.includes("wait=1000")));
    assert.ok(requests.every(({ status }) => status === 200), JSON.stringify(requests));
  },

  async dp_021_status_sync_holds() {
    const { id } = await mock.run({ input: { mock_return: "held", mock_delay: 2 } });
    const result = await mock.statusSync(id, 30000);
    assert.deepEqual([result.output, result.completed, result.succeeded], ["held", true, true]);
  },

  async dp_023_failed_job() {
    const result = await mock.runSync({ input: { mock_error: "on purpose" } });
    assert.deepEqual([result.status, result.completed, result.succeeded], ["FAILED", true, false]);
    assert.equal(typeof result.error, "string");
  },

  async dp_024_stream_of_a_queued_job_is_held() {
    const { id } = await idle.run({ input: {} });
    requests.length = 0;
    const elements = [];
    for await (const element of idle.stream(id, 1)) elements.push(element);
    assert.deepEqual(elements, []);
    assert.equal(requests.length, 1);
  },

  async dp_026_stream_yields_every_element() {
    const { id } = await streaming.run({ input: { mock_chunks: seven, mock_chunk_delay: 0.3 } });
    requests.length = 0;
    assert.deepEqual(await streamOf(id), seven.map((output) => ({ output })));
    assert.ok(requests.length <= 12, `${requests.length} requests for 7 chunks: a hot loop`);
  },

  async dp_027_stream_after_the_end() {
    const { id } = await streaming.run({ input: { mock_chunks: seven } });
    await untilDone(streaming, id);
    assert.deepEqual(await streamOf(id), seven.map((output) => ({ output })));
    assert.deepEqual(await streamOf(id), []);
  },

  async dp_031_stream_of_a_plain_handler() {
    const { id } = await mock.run({ input: { mock_return: "plain" } });
    const elements = [];
    for await (const element of mock.stream(id)) elements.push(element);
    assert.deepEqual(elements, []);
  },

  async dp_032_cancel() {
    const { id } = await idle.run({ input: {} });
    const answer = await idle.cancel(id);
    assert.equal(answer.id, id);
    assert.equal(answer.status, "CANCELLED");
    const status = await idle.status(id);
    assert.deepEqual([status.completed, status.succeeded], [true, false]);
  },

  async dp_038_purge_queue() {
    await idle.purgeQueue();
    await idle.run({ input: {} });
    await idle.run({ input: {} });
    assert.deepEqual(await idle.purgeQueue(), { removed: 2, status: "completed" });
  },

  async dp_039_health() {
    const health = await mock.health();
    for (const name of ["completed", "failed", "inProgress", "inQueue", "retried"]) {
      assert.ok(Number.isInteger(health.jobs[name]), name);
    }
    for (const name of ["idle", "initializing", "ready", "running", "throttled", "unhealthy"]) {
      assert.ok(Number.isInteger(health.workers[name]), name);
    }
  },
};

for (const [name, check] of Object.entries(cases)) {
  const result = { name, ok: true, detail: "" };
  try {
    await check();
  } catch (error) {
    result.ok = false;
    result.detail = String(error?.stack ?? error);
  }
  process.stdout.write(JSON.stringify(result) + "\n");
}
