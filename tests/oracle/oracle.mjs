// Asks graphql-js and our engine the same, and compares what they answer: parse errors, validation errors and results.
//
//   node oracle.mjs --driver PROGRAM [--seed N] [--count N]     documents made from the schema, half of them damaged
//   node oracle.mjs --driver PROGRAM --fixtures FILE...         documents written by hand
//
// The last line is `N passed, N failed`; what differs is printed before it. The answers are equal when messages, places
// and paths of the errors are, and the data with its key order. Validation errors may come in any order.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildSchema, execute, Kind, parse, print, validate, visit } from "graphql";

import { damaged } from "./damage.mjs";
import { Generator } from "./generate.mjs";
import { Random } from "./random.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const schema = buildSchema(readFileSync(join(here, "schema.graphql"), "utf8"));
const data = JSON.parse(readFileSync(join(here, "data.json"), "utf8"));

function fromData(value) {
  if (Array.isArray(value)) return value.map(fromData);
  if (value === null || typeof value !== "object") return value;
  if (value.$error) return new Error(value.$error);
  return data.objects[value.$ref];
}

const known = (type, field) => Object.hasOwn(data[type] ?? {}, field);

function fieldResolver(source, args, context, info) {
  const root = info.parentType === info.schema.getQueryType() || info.parentType === info.schema.getMutationType()
    || info.parentType === info.schema.getSubscriptionType();
  if (!root) return fromData(source[info.fieldName]);
  if (known(info.parentType.name, info.fieldName)) {
    const value = fromData(data[info.parentType.name][info.fieldName]);
    if (value instanceof Error) throw value;
    return value;
  }
  return String(info.returnType).startsWith("String") ? JSON.stringify(args) : null;
}

const plainError = ({ message, locations, path }) => ({ message, locations, path });

function plainErrors(errors) {
  return errors.map((error) => plainError(JSON.parse(JSON.stringify(error))));
}

function oracle({ query, variables, operationName }) {
  let document;
  try {
    document = parse(query);
  } catch (error) {
    return { errors: plainErrors([error]) };
  }
  let errors;
  try {
    errors = validate(schema, document);
  } catch {
    return null;  // graphql-js itself fails on @skip without its argument at the top of a subscription
  }
  if (errors.length > 0) return { errors: sorted(plainErrors(errors)) };
  const result = execute({ schema, document, variableValues: variables, operationName, fieldResolver,
                           typeResolver: (value) => value.__typename });
  const out = {};
  if (result.errors) out.errors = plainErrors(result.errors);
  if (result.data !== undefined) out.data = result.data;
  return out;
}

/// The document as graphql-js prints it; null when it cannot be read, or says what our tree does not keep.
function printed(query) {
  try {
    const document = parse(query);
    let kept = true;
    visit(document, { enter(node) {
      if (node.description) kept = false;
    } });
    const executable = document.definitions.every(
      ({ kind }) => kind === Kind.OPERATION_DEFINITION || kind === Kind.FRAGMENT_DEFINITION);
    return kept && executable ? print(document) : null;
  } catch {
    return null;
  }
}

const sorted = (errors) => errors.map((error) => JSON.stringify(error)).sort().map((text) => JSON.parse(text));

function ours(answer) {
  if (!answer.errors) return answer;
  const errors = answer.errors.map(plainError);
  const validation = !("data" in answer) && answer.errors[0].extensions.code === "GRAPHQL_VALIDATION_FAILED";
  return { ...answer, errors: validation ? sorted(errors) : errors };
}

function* generated(seed, count) {
  const random = new Random(seed);
  const generator = new Generator(random, schema);
  for (let i = 0; i < count; i += 1) {
    const request = generator.request();
    yield random.chance(0.4) ? request : damaged(random, random.chance(0.15) ? damaged(random, request) : request);
  }
}

/// Documents between lines of `# ----`; `# variables: {...}` and `# operation: NAME` lines belong to the one they stand in.
function* written(files) {
  for (const file of files) {
    for (const text of readFileSync(file, "utf8").split(/^# ----.*\n/m)) {
      if (!text.trim()) continue;
      const variables = /^# variables: (.*)$/m.exec(text);
      const operation = /^# operation: (.*)$/m.exec(text);
      yield { query: text, ...(variables && { variables: JSON.parse(variables[1]) }),
              ...(operation && { operationName: operation[1] }) };
    }
  }
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { driver: { type: "string" }, seed: { type: "string", default: "1" }, count: { type: "string", default: "1000" },
               fixtures: { type: "boolean" }, show: { type: "string", default: "10" } },
  });
  const requests = values.fixtures ? written(positionals) : generated(Number(values.seed), Number(values.count));
  const driver = spawn(values.driver, [join(here, "schema.graphql"), join(here, "data.json")],
                       { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve) => driver.on("close", resolve));
  const answers = createInterface({ input: driver.stdout })[Symbol.asyncIterator]();
  let [passed, failed] = [0, 0];
  const kinds = { valid: 0, refused: 0, syntax: 0 };
  for (const request of requests) {
    driver.stdin.write(`${JSON.stringify(request)}\n`);
    const line = await answers.next();
    if (line.done) break;
    const right = oracle(request);
    const read = JSON.parse(line.value);
    const answer = ours(read.answer);
    if (!right) continue;
    kinds[right.errors?.[0].message.startsWith("Syntax Error") ? "syntax" : "data" in right ? "valid" : "refused"] += 1;
    const layout = printed(request.query);
    const samePrint = layout === null || layout === read.printed;
    if (samePrint && JSON.stringify(answer) === JSON.stringify(right)) {
      passed += 1;
      continue;
    }
    failed += 1;
    if (failed <= Number(values.show)) {
      console.log(`---- ${JSON.stringify(request)}\n${request.query}\ngraphql-js: ${JSON.stringify(right)}\nours:       ${JSON.stringify(answer)}`);
      if (!samePrint) console.log(`printed:\n${layout}\nours:\n${read.printed}`);
    }
  }
  driver.stdin.end();
  const status = await ended;
  if (status !== 0) failed += 1;
  console.log(`valid ${kinds.valid}, refused ${kinds.refused}, syntax errors ${kinds.syntax}`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

await main();
