import { useEffect, useState } from "react";
import { whatIsWrongWith } from "./fetcher.js";
import { showChosenTheme } from "./state.js";

/// Asks for a key until the server takes one. `firstProblem`: why the last one is no longer good.
export function KeyForm({ firstProblem, onKey }) {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(firstProblem);
  useEffect(showChosenTheme, []);

  const submit = async (event) => {
    event.preventDefault();
    const key = text.trim();
    if (!key) return setProblem("Enter an API key.");
    setBusy(true);
    const wrong = await whatIsWrongWith(key);
    setBusy(false);
    if (wrong) setProblem(wrong);
    else onKey(key);
  };

  return (
    <main className="key-page">
      <form className="key-form" onSubmit={submit}>
        <h1>Penstock GraphQL</h1>
        <p>
          Explore and run the API of this server. The editor sends your API key with every operation; it is kept in this
          tab only.
        </p>
        <label htmlFor="key">API key</label>
        <input
          id="key"
          type="password"
          autoComplete="off"
          autoFocus
          spellCheck={false}
          placeholder="rpa_…"
          value={text}
          aria-invalid={Boolean(problem)}
          aria-describedby="key-problem"
          onChange={(event) => {
            setText(event.target.value);
            setProblem("");
          }}
        />
        <p id="key-problem" className="key-problem" role="alert">
          {problem}
        </p>
        <button type="submit" disabled={busy}>
          {busy ? "Checking…" : "Open the editor"}
        </button>
        <p className="key-hint">
          The server printed an admin key when it first started; <code>PENSTOCK_BOOTSTRAP_KEY</code> sets one.
        </p>
      </form>
    </main>
  );
}
