// The published graphql-sse client against a running server, whose endpoint ENDPOINT has no workers and is deleted at the
// end. Prints one JSON line for each case: {"name", "ok", "detail"}.

import assert from "node:assert/strict";
import { createClient } from "graphql-sse";

const { PENSTOCK_URL, PENSTOCK_API_KEY, ENDPOINT } = process.env;
const headers = { Authorization: `Bearer ${PENSTOCK_API_KEY}` };
const client = createClient({ url: `${PENSTOCK_URL}/graphql`, headers, retryAttempts: 0 });

async function jobs(method, path, body) {
  const answer = await fetch(`${PENSTOCK_URL}/v2/${ENDPOINT}/${path}`, { method, headers, body });
  assert.equal(answer.status, 200);
  return answer.json();
}

async function graphql(query) {
  const answer = await fetch(`${PENSTOCK_URL}/graphql`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ query }),
  });
  return answer.json();
}

async function first(query, variables) {
  for await (const result of client.iterate({ query, variables })) return result;
}

/// Listens until the server completes; `onConnected` runs when the stream is open.
async function listen(query, onConnected) {
  const results = [];
  const connected = createClient({
    url: `${PENSTOCK_URL}/graphql`,
    headers,
    retryAttempts: 0,
    on: { connected: () => setTimeout(onConnected, 0) },
  });
  for await (const result of connected.iterate({ query })) results.push(result);
  return results;
}

const cases = {
  async query_as_events() {
    assert.deepEqual(await first("{ __typename }"), { data: { __typename: "Query" } });
  },

  async mutation_as_events() {
    const result = await first("mutation { deleteTemplate(templateName: \"no such template\") }");
    assert.equal(result.errors[0].message, "Template not found");
  },

  async refused_document() {
    const result = await first("subscription { nothing }");
    assert.equal(result.errors[0].message, 'Cannot query field "nothing" on type "Subscription".');
    assert.equal(result.data, undefined);
  },

  async unknown_endpoint() {
    const result = await first("subscription ($id: String!) { jobEvents(endpointId: $id) { id } }", { id: "nobody" });
    assert.equal(result.errors[0].message, "Endpoint not found");
  },

  async current_comes_first() {
    const query = `subscription { endpointEvents(id: "${ENDPOINT}") { kind endpointId endpoint { id workersMax } } }`;
    const { data } = await first(query);
    assert.deepEqual(data.endpointEvents, {
      kind: "CURRENT",
      endpointId: ENDPOINT,
      endpoint: { id: ENDPOINT, workersMax: 0 },
    });
  },

  async a_jobs_life_until_the_endpoint_goes() {
    const query = `subscription { jobEvents(endpointId: "${ENDPOINT}") { id status retries executionTime } }`;
    const ids = [];
    const results = await listen(query, async () => {
      ids.push((await jobs("POST", "run", '{"input":1}')).id);
      await jobs("POST", `cancel/${ids[0]}`);
      const { errors } = await graphql(`mutation { deleteEndpoint(id: "${ENDPOINT}") }`);
      assert.equal(errors, undefined);
    });
    assert.deepEqual(
      results.map((result) => result.data.jobEvents),
      [
        { id: ids[0], status: "IN_QUEUE", retries: 0, executionTime: null },
        { id: ids[0], status: "CANCELLED", retries: 0, executionTime: 0 },
      ],
    );
  },
};

for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
    console.log(JSON.stringify({ name, ok: true, detail: "" }));
  } catch (error) {
    console.log(JSON.stringify({ name, ok: false, detail: String(error.stack ?? error) }));
  }
}
