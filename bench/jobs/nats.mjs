// NATS JetStream: a stream of jobs and one of results, in files, each with work-queue retention. Both kinds of publish are
// acknowledged by the server.
import { AckPolicy, connect, JSONCodec, RetentionPolicy, StorageType } from "nats";

const codec = JSONCodec();

async function open(port) {
  const connection = await connect({ servers: `127.0.0.1:${port}` });
  const manager = await connection.jetstreamManager();
  for (const name of ["jobs", "results"]) {
    await manager.streams.add({
      name, subjects: [name], storage: StorageType.File, retention: RetentionPolicy.Workqueue,
    });
    await manager.consumers.add(name, { durable_name: name, ack_policy: AckPolicy.Explicit, max_ack_pending: 1000 });
  }
  const stream = connection.jetstream();
  const consume = async (name, max_messages) => (await stream.consumers.get(name, name)).consume({ max_messages });
  return { stream, consume };
}

async function each(messages, handle) {
  for await (const message of messages) handle(message, codec.decode(message.data));
}

export async function worker({ port, workers }, answer) {
  const { stream, consume } = await open(port);
  each(await consume("jobs", Math.max(workers, 2)), async (message, job) => {
    await stream.publish("results", codec.encode({ id: job.id, output: answer(job.input) }));
    message.ack();
  });
}

export async function client({ port }) {
  const { stream, consume } = await open(port);
  const waiting = new Map();
  each(await consume("results", 256), (message, result) => {
    message.ack();
    waiting.get(result.id)(result.output);
    waiting.delete(result.id);
  });
  return async (id, input, acknowledged) => {
    const output = new Promise((resolve) => waiting.set(id, resolve));
    await stream.publish("jobs", codec.encode({ id, input }));
    acknowledged();
    return output;
  };
}
