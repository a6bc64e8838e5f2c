// beanstalkd, by its text protocol. A job goes to the tube `jobs`; its result is itself a job, in the tube `results`.
import net from "node:net";

const RESULT_CONNECTIONS_MAX = 8;
const RUN_SECONDS_MAX = 120;

/// Sends commands in one write; each gets its answer in order.
class Connection {
  #socket;
  #waiting = [];
  #unread = Buffer.alloc(0);

  constructor(port) {
    this.#socket = net.connect(port, "127.0.0.1");
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (bytes) => this.#receive(bytes));
  }

  /// `answers`: one function (line, body) per command in `text`.
  send(text, answers) {
    this.#waiting.push(...answers);
    this.#socket.write(text, "latin1");
  }

  #receive(bytes) {
    this.#unread = this.#unread.length ? Buffer.concat([this.#unread, bytes]) : bytes;
    for (;;) {
      const end = this.#unread.indexOf("\r\n");
      if (end < 0) return;
      const line = this.#unread.toString("latin1", 0, end);
      let [size, body] = [end + 2, null];
      if (line.startsWith("RESERVED ")) {
        const bodyEnd = size + Number(line.split(" ")[2]);
        if (this.#unread.length < bodyEnd + 2) return;
        body = JSON.parse(this.#unread.toString("latin1", size, bodyEnd));
        size = bodyEnd + 2;
      }
      this.#unread = this.#unread.subarray(size);
      this.#waiting.shift()(line, body);
    }
  }
}

const expect = (word) => (line) => {
  if (!line.startsWith(word)) throw Error(`beanstalkd answered "${line}" instead of ${word}`);
};
const idOf = (line) => line.split(" ")[1];

function put(value) {
  const text = JSON.stringify(value);
  return `put 0 0 ${RUN_SECONDS_MAX} ${text.length}\r\n${text}\r\n`;
}

export async function worker({ port, workers }, answer) {
  for (let i = 0; i < workers; ++i) {
    const connection = new Connection(port);
    const take = (line, job) => {
      const result = put({ id: job.id, output: answer(job.input) });
      connection.send(`${result}delete ${idOf(line)}\r\nreserve\r\n`, [expect("INSERTED"), expect("DELETED"), take]);
    };
    connection.send("use results\r\nwatch jobs\r\nignore default\r\nreserve\r\n",
      [expect("USING"), expect("WATCHING"), expect("WATCHING"), take]);
  }
}

export async function client({ port, clients }) {
  const waiting = new Map();
  for (let i = 0; i < Math.min(clients, RESULT_CONNECTIONS_MAX); ++i) {
    const results = new Connection(port);
    const take = (line, result) => {
      results.send(`delete ${idOf(line)}\r\nreserve\r\n`, [expect("DELETED"), take]);
      waiting.get(result.id)(result.output);
      waiting.delete(result.id);
    };
    results.send("watch results\r\nignore default\r\nreserve\r\n", [expect("WATCHING"), expect("WATCHING"), take]);
  }
  const jobs = new Connection(port);
  jobs.send("use jobs\r\n", [expect("USING")]);
  return (id, input, acknowledged) =>
    new Promise((resolve, reject) => {
      waiting.set(id, resolve);
      jobs.send(put({ id, input }), [
        (line) => (line.startsWith("INSERTED") ? acknowledged() : reject(Error(`beanstalkd answered "${line}"`))),
      ]);
    });
}
