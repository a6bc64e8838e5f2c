// A typed client that npm graphql-codegen generates from the introspection of a running server, for the operations of
// operations.graphql: TypeScript accepts it, and what it sends works. Prints one JSON line for each case:
// {"name", "ok", "detail"}.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { codegen } from "@graphql-codegen/core";
import * as typescript from "@graphql-codegen/typescript";
import * as documents from "@graphql-codegen/typed-document-node";
import * as operations from "@graphql-codegen/typescript-operations";
import { assertValidSchema, buildClientSchema, getIntrospectionQuery, parse, print, printSchema } from "graphql";
import ts from "typescript";

const { PENSTOCK_URL, PENSTOCK_API_KEY } = process.env;
const here = fileURLToPath(new URL(".", import.meta.url));
const plugins = { typescript, operations, documents };

async function send(query, variables, key = PENSTOCK_API_KEY) {
  const answer = await fetch(`${PENSTOCK_URL}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await answer.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

function generate(schema, filename, ...names) {
  const document = parse(readFileSync(join(here, "operations.graphql"), "utf8"));
  return codegen({
    filename,
    schema: parse(printSchema(schema)),
    documents: [{ location: "operations.graphql", document }],
    config: { scalars: { DateTime: "string" }, strictScalars: false },
    plugins: names.map((name) => ({ [name]: {} })),
    pluginMap: plugins,
  });
}

/// What the compiler says against `files`, {name: text}, which lie in this folder for it.
function complaints(files) {
  const options = { strict: true, noEmit: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext,
                    moduleResolution: ts.ModuleResolutionKind.Bundler, types: [] };
  const texts = new Map(Object.entries(files).map(([name, text]) => [join(here, name), text]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (path) => texts.has(path) || fileExists(path);
  host.readFile = (path) => texts.get(path) ?? readFile(path);
  host.getSourceFile = (path, version) => {
    const text = host.readFile(path);
    return text === undefined ? undefined : ts.createSourceFile(path, text, version);
  };
  const program = ts.createProgram([...texts.keys()], options, host);
  return ts.getPreEmitDiagnostics(program).map((found) => ts.flattenDiagnosticMessageText(found.messageText, "\n"));
}

/// A program that uses the client.
const user = (lines) => `
  import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
  import * as client from "./client";
  declare function send<R, V>(document: TypedDocumentNode<R, V>, variables: V): Promise<R>;
  export async function use() { ${lines} }`;

const right = user(`
  const { saveTemplate } = await send(client.SaveTemplateDocument, {
    input: { name: "t", imageName: "i", containerDiskInGb: 5, volumeInGb: 0, isServerless: true } });
  const { saveEndpoint } = await send(client.SaveEndpointDocument, {
    input: { name: "e", templateId: saveTemplate?.id, gpuIds: "AMPERE_16", flashBootType: "FLASHBOOT" } });
  const workers: number | null | undefined = saveEndpoint?.workersMax;
  const { myself } = await send(client.EndpointsDocument, {});
  const states = myself?.endpoints?.flatMap((one) => one?.pods?.map((pod) => pod?.desiredStatus));
  return [workers, states, saveEndpoint?.id && (await send(client.DeleteEndpointDocument, { id: saveEndpoint.id }))];`);

const wrong = user(`
  const { saveEndpoint } = await send(client.SaveEndpointDocument, { input: { name: 7, gpuIds: "AMPERE_16" } });
  await send(client.SaveEndpointDocument, { input: { name: "e", flashBootType: "SOMETIMES" } });
  await send(client.DeleteEndpointDocument, {});
  return saveEndpoint?.nothing;`);

const schema = buildClientSchema(await send(getIntrospectionQuery({ descriptions: true, specifiedByUrl: true,
  directiveIsRepeatable: true, schemaDescription: true, inputValueDeprecation: true, oneOf: true }), {}, null));
const client = await generate(schema, "client.ts", "operations", "documents");

const cases = {
  introspection_gives_a_valid_schema() {
    assertValidSchema(schema);
  },

  async types_of_the_whole_schema() {
    const types = await generate(schema, "types.ts", "typescript");
    assert.deepEqual(complaints({ "types.ts": types }), []);
    for (const name of ["EndpointInput", "Endpoint", "PodTemplate"]) assert.match(types, new RegExp(`export type ${name} = `));
  },

  typed_client() {
    assert.deepEqual(complaints({ "client.ts": client, "user.ts": right }), []);
  },

  wrong_uses_of_the_client_are_found() {
    const found = complaints({ "client.ts": client, "user.ts": wrong });
    assert.equal(found.length, 4, found.join("\n"));
    assert.match(found.join("\n"), /'number' is not assignable to type 'string'[^]*SOMETIMES[^]*'id' is missing[^]*'nothing'/);
  },

  async generated_documents_run() {
    const { outputText } = ts.transpileModule(client, { compilerOptions: { module: ts.ModuleKind.ESNext } });
    const made = await import(`data:text/javascript,${encodeURIComponent(outputText)}`);
    const run = (document, variables) => send(print(document), variables);
    const name = `typed client ${process.pid}`;
    const { saveTemplate } = await run(made.SaveTemplateDocument, {
      input: { name, imageName: "example/worker:1", containerDiskInGb: 5, volumeInGb: 0, isServerless: true },
    });
    const settings = { name, templateId: saveTemplate.id, gpuIds: "AMPERE_16", workersMin: 0, workersMax: 0 };
    const { saveEndpoint } = await run(made.SaveEndpointDocument, { input: settings });
    const { myself } = await run(made.EndpointsDocument, {});
    assert.equal(myself.endpoints.find((one) => one.id === saveEndpoint.id).templateId, saveTemplate.id);
    assert.deepEqual(await run(made.DeleteEndpointDocument, { id: saveEndpoint.id }), { deleteEndpoint: null });
    await run(made.DeleteTemplateDocument, { name });
    assert.ok((await run(made.GpuTypesDocument, {})).gpuTypes.length > 0);
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
