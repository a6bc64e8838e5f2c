// The GraphQL-over-HTTP audits of npm graphql-http against a running server. Prints one JSON line for each:
// {"name", "ok", "detail"}.

import { auditServer } from "graphql-http";

const { PENSTOCK_URL, PENSTOCK_API_KEY } = process.env;

function withKey(url, options = {}) {
  return fetch(url, { ...options, headers: { ...options.headers, authorization: `Bearer ${PENSTOCK_API_KEY}` } });
}

const results = await auditServer({ url: `${PENSTOCK_URL}/graphql`, fetchFn: withKey });
for (const { id, name, status, reason } of results) {
  console.log(JSON.stringify({ name: `${id} ${name}`, ok: status === "ok", detail: reason ?? "" }));
}
