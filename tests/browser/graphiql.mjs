// A user's visit to /graphql in Chromium, step after step. Prints one JSON line for each: {"name", "ok", "detail"}; of a
// step that fails there is a picture in REPORTS. CREATE is the documentation's mutation, CREATED what it must answer.

import assert from "node:assert/strict";
import { join } from "node:path";
import { chromium } from "playwright-core";

const { PENSTOCK_URL, PENSTOCK_API_KEY, CREATE, CREATED, REPORTS } = process.env;
const DEADLINE_MS = 20_000;

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  // No name resolves: what the page would load from elsewhere fails as it does without a network.
  args: ["--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
         ...(process.getuid() === 0 ? ["--no-sandbox"] : [])],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
context.setDefaultTimeout(DEADLINE_MS);
const page = await context.newPage();

const requests = [];
const complaints = [];
context.on("request", (request) => requests.push(request.url()));
page.on("pageerror", (error) => complaints.push(String(error)));
page.on("console", (message) => {
  if (message.type() === "error" && !message.text().includes("status of 401")) complaints.push(message.text());
});

async function until(condition, what) {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) assert.fail(`waited for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const alert = page.getByRole("alert");
const keyField = page.getByLabel("API key");
const editor = page.getByLabel("Query Editor").locator(".CodeMirror").first();

async function enterKey(key) {
  await keyField.fill(key);
  await page.getByRole("button", { name: "Open the editor" }).click();
}

const textOf = (selector) => page.locator(selector).first().evaluate((element) => element.CodeMirror.getValue());

/// What the response pane shows, parsed; nothing while it shows no JSON.
async function shown() {
  try {
    return JSON.parse(await textOf(".result-window .CodeMirror, .graphiql-response .CodeMirror"));
  } catch {
    return undefined;
  }
}

/// Types the operation into the editor, runs it with the keyboard, and waits until `accept` takes what is shown.
async function run(query, accept, what) {
  await editor.click();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(query);
  await page.keyboard.press("Control+Enter");
  return until(async () => {
    const result = await shown();
    return result && accept(result) ? result : undefined;
  }, what);
}

async function graphql(query) {
  const answer = await fetch(`${PENSTOCK_URL}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${PENSTOCK_API_KEY}` },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = await answer.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

const stored = () => page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));

let endpoint;

const steps = {
  async the_page_asks_for_the_key() {
    const answer = await page.goto(`${PENSTOCK_URL}/graphql`);
    assert.match(answer.headers()["content-type"], /^text\/html/);
    await keyField.waitFor();
    assert.match(await page.title(), /Penstock/);
    assert.equal(await page.locator(".graphiql-container").count(), 0);
  },

  async it_is_dark_where_the_system_is() {
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.emulateMedia({ colorScheme: "dark" });
    assert.notEqual(await background(), light);
    await page.emulateMedia({ colorScheme: "light" });
  },

  async a_wrong_key_is_told_in_words() {
    await enterKey("rpa_nobody_has_this_key");
    await alert.getByText("This server does not know that key").waitFor();
    await enterKey("two words");
    await alert.getByText("no spaces").waitFor();
    assert.equal(await page.locator(".graphiql-container").count(), 0);
  },

  async the_right_key_opens_the_editor() {
    await enterKey(PENSTOCK_API_KEY);
    await editor.waitFor();
    await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
    await page.getByRole("link", { name: "EndpointInput", exact: true }).waitFor();
    await page.getByRole("button", { name: "Hide Documentation Explorer" }).click();
  },

  async the_documentations_mutation_runs() {
    const { data: made } = await run(
      `mutation { saveTemplate(input: { name: "from a browser", imageName: "example/worker:1", dockerArgs: "",
         containerDiskInGb: 5, volumeInGb: 0, env: [], isServerless: true }) { id } }`,
      (result) => result.data?.saveTemplate,
      "the template",
    );
    const { data } = await run(
      CREATE.replace("YOUR_TEMPLATE_ID", made.saveTemplate.id),
      (result) => result.data?.saveEndpoint,
      "the endpoint",
    );
    const { id, templateId, ...settings } = data.saveEndpoint;
    assert.match(id, /^[a-z0-9]{14}$/);
    assert.equal(templateId, made.saveTemplate.id);
    assert.deepEqual(settings, JSON.parse(CREATED));
    endpoint = data.saveEndpoint;
  },

  async a_mistake_is_shown() {
    const { errors } = await run("{ nothing }", (result) => result.errors, "an error");
    assert.equal(errors[0].message, 'Cannot query field "nothing" on type "Query".');
  },

  async a_subscription_shows_events() {
    const event = (kind) => (result) => result.data?.endpointEvents?.kind === kind;
    const query = `subscription { endpointEvents(id: "${endpoint.id}") { kind endpoint { workersMax } } }`;
    const first = await run(query, event("CURRENT"), "the endpoint as it is");
    assert.equal(first.data.endpointEvents.endpoint.workersMax, endpoint.workersMax);
    const { name, gpuIds, templateId } = endpoint;
    await graphql(`mutation { saveEndpoint(input: { id: "${endpoint.id}", name: "${name}", gpuIds: "${gpuIds}",
      templateId: "${templateId}", workersMin: 0, workersMax: 0 }) { id } }`);
    const saved = await until(async () => {
      const result = await shown();
      return event("SAVED")(result) && result;
    }, "the change");
    assert.equal(saved.data.endpointEvents.endpoint.workersMax, 0);
    await page.getByRole("button", { name: "Stop query" }).waitFor();
    await graphql(`mutation { deleteEndpoint(id: "${endpoint.id}") }`);
    await until(async () => event("DELETED")(await shown()), "the last event");
    await page.getByRole("button", { name: "Execute query" }).waitFor();
  },

  async the_key_stays_for_this_tab_only() {
    await page.reload();
    await editor.waitFor();
    const [local, session] = JSON.parse(await stored());
    assert.ok(Object.values(session).includes(PENSTOCK_API_KEY));
    assert.ok(!JSON.stringify(local).includes(PENSTOCK_API_KEY), JSON.stringify(local));
    await page.getByRole("button", { name: "Change key" }).click();
    await keyField.waitFor();
    assert.ok(!(await stored()).includes(PENSTOCK_API_KEY));
  },

  async a_key_that_is_no_longer_known_is_told() {
    await enterKey(PENSTOCK_API_KEY);
    await editor.waitFor();
    await page.evaluate((key) => {
      for (const [name, value] of Object.entries(sessionStorage)) if (value === key) sessionStorage[name] = "rpa_deleted";
    }, PENSTOCK_API_KEY);
    await page.reload();
    await alert.getByText("This server does not know that key").waitFor();
    assert.ok(!(await stored()).includes("rpa_deleted"));
  },

  async a_link_fills_the_editor_and_runs_nothing() {
    const query = 'mutation { deleteTemplate(templateName: "from a browser") }';
    await page.goto("about:blank");
    await page.goto(`${PENSTOCK_URL}/graphql#query=${encodeURIComponent(query)}`);
    await enterKey(PENSTOCK_API_KEY);
    await until(async () => (await textOf(".graphiql-query-editor .CodeMirror")) === query, "the query of the link");
    assert.equal(await shown(), undefined);
    await editor.click();
    await page.keyboard.press("Control+Enter");
    await until(async () => (await shown())?.data?.deleteTemplate === null, "the answer");
  },

  nobody_else_was_asked_for_anything() {
    assert.ok(requests.length > 10);
    const origin = `${PENSTOCK_URL}/`;
    assert.deepEqual(requests.filter((url) => !url.startsWith(origin) && !url.startsWith("data:")), []);
    assert.deepEqual(complaints, []);
  },
};

for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
    console.log(JSON.stringify({ name, ok: true, detail: "" }));
  } catch (error) {
    await page.screenshot({ path: join(REPORTS, `graphiql-${name}.png`) });
    console.log(JSON.stringify({ name, ok: false, detail: String(error.stack ?? error) }));
  }
}
await browser.close();
