// How the page talks to the server it came from.

import { getOperationAST, parse } from "graphql";
import { createClient } from "graphql-sse";

const PATH = "/graphql";

export const UNKNOWN_KEY = "This server does not know that key. It may be mistyped, or it was deleted.";

function headersWith(key, more = {}) {
  return { Authorization: `Bearer ${key}`, ...more };
}

async function post(parameters, headers) {
  const answer = await fetch(PATH, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(parameters),
    credentials: "omit",
  });
  return { status: answer.status, result: await answer.json() };
}

/// Nothing when the server takes the key; otherwise why not, in words.
export async function whatIsWrongWith(key) {
  if (!/^[\x21-\x7e]+$/.test(key)) return "A key has no spaces and no other letters than those of ASCII.";
  try {
    const { status, result } = await post({ query: "{ myself { id } }" }, headersWith(key));
    if (status === 401) return UNKNOWN_KEY;
    if (result.errors) return `The server refused: ${result.errors[0].message}`;
    return undefined;
  } catch (error) {
    return `The server did not answer (${error.message}). Is it still running?`;
  }
}

/// The operation to run. GraphiQL learns of another operation name a moment after the text was edited, so a name that the
/// text has not is an old one.
function operationOf({ query, operationName }) {
  try {
    const document = parse(query);
    return getOperationAST(document, operationName) ?? getOperationAST(document);
  } catch {
    return undefined; // the server says what is wrong with the text
  }
}

/// For GraphiQL: operations by POST, subscriptions as server-sent events. `onUnknownKey`: the server took the key when it
/// was entered, but does no more.
export function makeFetcher(key, onUnknownKey) {
  return (given, options = {}) => {
    const headers = headersWith(key, options.headers);
    const operation = operationOf(given);
    const parameters = operation ? { ...given, operationName: operation.name?.value } : given;
    if (operation?.operation === "subscription") {
      return createClient({ url: PATH, headers, credentials: "omit", retryAttempts: 0 }).iterate(parameters);
    }
    return post(parameters, headers).then(({ status, result }) => {
      if (status === 401) onUnknownKey();
      return result;
    });
  };
}
