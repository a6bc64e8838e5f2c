import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { GraphiQL } from "graphiql";
import "graphiql/graphiql.css";
import "./page.css";
import { KeyForm } from "./key_form.jsx";
import { makeFetcher, UNKNOWN_KEY } from "./fetcher.js";
import { keptKey, linkedOperation } from "./state.js";

const WELCOME = `# Ctrl-Enter runs the operation at the cursor.
# Ctrl-Space completes what you type.
# The book on the left shows the schema.

query Endpoints {
  myself {
    endpoints {
      id
      name
      workersMin
      workersMax
      pods {
        desiredStatus
      }
    }
  }
}
`;

function Editor({ apiKey, onLeave, onUnknownKey }) {
  const [fetcher] = useState(() => makeFetcher(apiKey, onUnknownKey));
  const [linked] = useState(linkedOperation);
  return (
    <GraphiQL
      fetcher={fetcher}
      defaultQuery={WELCOME}
      query={linked.query}
      variables={linked.variables}
      inputValueDeprecation
      schemaDescription
      shouldPersistHeaders={false}
    >
      <GraphiQL.Logo>
        <span className="page-name">Penstock</span>
        <code className="page-key" title="The key that this page sends">
          {apiKey.length > 12 ? `${apiKey.slice(0, 4)}…${apiKey.slice(-4)}` : "…"}
        </code>
        <button type="button" className="page-leave" onClick={onLeave}>
          Change key
        </button>
      </GraphiQL.Logo>
    </GraphiQL>
  );
}

function Page() {
  const [apiKey, setKey] = useState(keptKey.read);
  const [problem, setProblem] = useState("");
  const enter = (key, why = "") => {
    keptKey.write(key);
    setProblem(why);
    setKey(key);
  };
  if (!apiKey) return <KeyForm firstProblem={problem} onKey={enter} />;
  return <Editor apiKey={apiKey} onLeave={() => enter("")} onUnknownKey={() => enter("", UNKNOWN_KEY)} />;
}

createRoot(document.getElementById("page")).render(
  <StrictMode>
    <Page />
  </StrictMode>,
);
