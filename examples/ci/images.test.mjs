// The same in JavaScript: `node --test`. `penstock` is taken from PATH, or from PENSTOCK_TEST_BINARY.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('faults.yaml', import.meta.url));
let server;
let url;
let key;

before(async () => {
  const binary = process.env.PENSTOCK_TEST_BINARY ?? 'penstock';
  const options = ['serve', '--ephemeral', '--clock', 'virtual', '--script', script, '--fake-gpus', '8xADA_24', '--listen', '127.0.0.1:0', '--json'];
  server = spawn(binary, [...options, '--log-level', 'error'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: server.stdout }), 'line');
  ({ url, apiKey: key } = JSON.parse(line));
});

after(async () => {
  server.kill();
  await once(server, 'exit');
});

async function call(method, path, body) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const answer = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
  assert.equal(answer.status, 200, `${method} ${path}: ${answer.status}`);
  return answer.json();
}

const advance = seconds => call('POST', '/penstock/v1/clock/advance', { seconds });

async function makeEndpoint(name, fields = {}) {
  const template = { name: `${name} template`, imageName: 'example/worker:1', dockerArgs: '', containerDiskInGb: 5, volumeInGb: 0, env: [] };
  const input = { name, gpuIds: 'ADA_24', workersMax: 3, idleTimeout: 5, template, ...fields };
  const query = 'mutation($input: EndpointInput!) { saveEndpoint(input: $input) { id } }';
  return (await call('POST', '/graphql', { query, variables: { input } })).data.saveEndpoint.id;
}

test('an image comes after a cold start, without waiting for it', async () => {
  const endpoint = await makeEndpoint('images');
  const { id } = await call('POST', `/v2/${endpoint}/run`, { input: { prompt: 'a boat' } });
  await advance(5);
  assert.equal((await call('GET', `/v2/${endpoint}/status/${id}`)).status, 'IN_QUEUE');
  await advance(10);
  const job = await call('GET', `/v2/${endpoint}/status/${id}`);
  assert.equal(job.status, 'COMPLETED');
  assert.deepEqual(job.output, { image: 'https://example.com/1.png' });
  assert.ok(job.delayTime >= 8000 && job.delayTime <= 12000, `${job.delayTime}`);
});

test('a request that waits is answered when time has gone on', async () => {
  const endpoint = await makeEndpoint('quick');
  const answer = call('POST', `/v2/${endpoint}/runsync`, { input: { n: 1 } });
  while ((await call('GET', `/v2/${endpoint}/health`)).jobs.inQueue === 0);  // it is there before time goes on
  await advance(3);
  assert.deepEqual((await answer).output, { n: 1 });
});
