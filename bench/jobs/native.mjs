// Load on a queue through its own client, without HTTP: node native.mjs worker|client QUEUE OPTIONS, with OPTIONS as JSON:
// {port, clients, workers, seconds, warmup, workerPid}. QUEUE is a module here with
//   client(options) -> submit(id, input, acknowledged), a promise of the output; acknowledged() is called when the queue
//                      has confirmed the submission
//   worker(options, answer): takes jobs, `workers` at a time, and gives answer(input) back as their output
// The worker prints a line of JSON when it is ready, the client one with its figures, in jobload's form.
import { readFileSync } from "node:fs";

const PAYLOAD_BYTES = 1024;
const TEXT = "The quick brown fox jumps over the lazy dog 0123456789. ";
const CLOCK_TICKS = 100;
const ERRORS_MAX = 100;

/// An object whose JSON has exactly PAYLOAD_BYTES, around a text that no two jobs share.
function payload(kind, tag) {
  const frame = JSON.stringify({ tag, [kind]: "" }).length;
  const fill = PAYLOAD_BYTES - frame;
  return { tag, [kind]: TEXT.repeat(Math.ceil(fill / TEXT.length)).slice(0, fill) };
}

const answer = (input) => payload("o", input.tag);
const now = () => process.hrtime.bigint();

function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

function ownCpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function percentiles(samples) {
  samples.sort((a, b) => a - b);
  const at = (share) => (samples.length ? samples[Math.max(0, Math.ceil(share * samples.length) - 1)] : 0);
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

async function load(submit, options) {
  const loadCpu = () => ownCpuSeconds() + cpuSeconds(options.workerPid);
  const found = { jobs: 0, errors: 0, first_error: "", whole: [], acknowledged: [] };
  let measuring = false;
  let ended = false;

  async function one(client, number) {
    const tag = `${client}-${number}`;
    const wanted = JSON.stringify(payload("o", tag));
    const began = now();
    const since = () => Number(now() - began) / 1e6;
    const output = await submit(client * 1e9 + number, payload("i", tag), () => {
      if (measuring) found.acknowledged.push(since());
    });
    if (JSON.stringify(output) !== wanted) throw Error(`job ${tag} came back as ${JSON.stringify(output)}`);
    if (!measuring) return;
    found.jobs += 1;
    found.whole.push(since());
  }

  async function client(number) {
    for (let job = 1; !ended; ++job) {
      try {
        await one(number, job);
      } catch (error) {
        found.first_error ||= String(error);
        found.errors += 1;
        if (found.errors > ERRORS_MAX) ended = true;
      }
    }
  }

  const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const clients = Array.from({ length: options.clients }, (_, number) => client(number + 1));
  await pause(options.warmup);
  const [began, cpu] = [now(), loadCpu()];
  measuring = true;
  await pause(options.seconds);
  measuring = false;
  ended = true;
  const seconds = Number(now() - began) / 1e9;
  const used = loadCpu() - cpu;
  // What is still in flight is part of the load, but only for so long.
  await Promise.race([Promise.all(clients), pause(10)]);
  return {
    clients: options.clients,
    workers: options.workers,
    seconds,
    jobs: found.jobs,
    jobs_per_s: found.jobs / seconds,
    job_ms: percentiles(found.whole),
    ack_ms: percentiles(found.acknowledged),
    load_cpu_us_per_job: (used * 1e6) / Math.max(1, found.jobs),
    errors: found.errors,
    first_error: found.first_error,
  };
}

const [role, name, text] = process.argv.slice(2);
const options = JSON.parse(text);
const queue = await import(`./${name}.mjs`);
if (role === "worker") {
  await queue.worker(options, answer);
  console.log(JSON.stringify({ pid: process.pid }));
} else {
  const figures = await load(await queue.client(options), options);
  console.log(JSON.stringify(figures));
  process.exit(0);
}
