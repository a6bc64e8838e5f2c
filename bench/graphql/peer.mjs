// One GraphQL server of the npm world, with the same fields and the same data in memory as the benchmark asks of
// Penstock. `node peer.mjs KIND FIXTURE`: KIND is graphql-http, yoga or mercurius; FIXTURE is a JSON file with the list of
// endpoints. Prints {"url": ...} when it serves; ends with SIGTERM.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { buildSchema } from "graphql";

const [kind, fixture] = process.argv.slice(2);

const sdl = `
  input EndpointInput {
    id: String name: String! templateId: String gpuIds: String networkVolumeId: String locations: String
    idleTimeout: Int scalerType: String scalerValue: Int workersMin: Int workersMax: Int
  }
  type Endpoint {
    id: String name: String templateId: String gpuIds: String networkVolumeId: String locations: String
    idleTimeout: Int scalerType: String scalerValue: Int workersMin: Int workersMax: Int createdAt: String
  }
  type User { endpoints: [Endpoint]! }
  type Query { myself: User }
  type Mutation { saveEndpoint(input: EndpointInput!): Endpoint! }
`;

const endpoints = new Map(JSON.parse(readFileSync(fixture, "utf8")).map((one) => [one.id, one]));

function saveEndpoint({ input }) {
  const saved = { ...endpoints.get(input.id), ...input };
  endpoints.set(saved.id, saved);
  return saved;
}

const myself = () => ({ endpoints: [...endpoints.values()] });
const resolvers = { Query: { myself }, Mutation: { saveEndpoint: (_, args) => saveEndpoint(args) } };

// Every server looks at the key before anything else, as ours does.
const hasKey = (request) => (request.headers.authorization ?? "").startsWith("Bearer rpa_");

function serve(handler) {
  const server = createServer((request, response) => {
    if (hasKey(request)) return handler(request, response);
    response.writeHead(401).end();
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
}

const kinds = {
  async "graphql-http"() {
    const { createHandler } = await import("graphql-http/lib/use/http");
    return serve(createHandler({ schema: buildSchema(sdl), rootValue: { myself, saveEndpoint } }));
  },

  async yoga() {
    const { createSchema, createYoga } = await import("graphql-yoga");
    return serve(createYoga({ schema: createSchema({ typeDefs: sdl, resolvers }), logging: false, graphiql: false,
                              landingPage: false }));
  },

  async mercurius() {
    const { default: fastify } = await import("fastify");
    const { default: mercurius } = await import("mercurius");
    const app = fastify();
    app.addHook("onRequest", async (request, reply) => {
      if (!hasKey(request)) return reply.code(401).send({});
    });
    await app.register(mercurius, { schema: sdl, resolvers, jit: 1 });
    await app.listen({ port: 0, host: "127.0.0.1" });
    return app.server.address().port;
  },
};

const port = await kinds[kind]();
process.on("SIGTERM", () => process.exit(0));
console.log(JSON.stringify({ url: `http://127.0.0.1:${port}` }));
