// Drives the published OpenAI client for JavaScript against the OpenAI route. Prints one JSON line for each case:
// {"name", "ok", "detail"}. The route and the key come from the environment: BASE_URL, API_KEY.

import assert from "node:assert/strict";
import OpenAI from "openai";

const { BASE_URL, API_KEY } = process.env;
const ai = new OpenAI({ baseURL: BASE_URL, apiKey: API_KEY, maxRetries: 0, timeout: 30_000 });
const messages = [{ role: "user", content: "the quick brown føx 🦊" }];

const cases = {
  async dp_099_chat_completion() {
    const answer = await ai.chat.completions.create({ model: "echo", messages });
    assert.equal(answer.choices[0].message.content, "the quick brown føx 🦊");
    assert.match(answer._request_id, /^sync-/);
  },

  async dp_100_stream() {
    const stream = await ai.chat.completions.create({ model: "echo", messages, stream: true });
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0].delta.content;
    assert.equal(text, "the quick brown føx 🦊 ");
  },

  async dp_100_stream_that_is_left() {
    const stream = await ai.chat.completions.create({ model: "slow", messages, stream: true });
    for await (const chunk of stream) {
      assert.equal(chunk.choices[0].delta.content, "0 ");
      break;
    }
  },

  async dp_101_models() {
    const models = await ai.models.list();
    assert.deepEqual(models.data.map(({ id }) => id), ["echo"]);
  },

  async dp_102_error_of_vllm() {
    await assert.rejects(ai.chat.completions.create({ model: "missing", messages }), (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError, String(error));
      assert.match(error.message, /The model `missing` does not exist/);
      return true;
    });
  },

  async dp_102_error_in_mid_stream() {
    const stream = await ai.chat.completions.create({ model: "late", messages, stream: true });
    await assert.rejects(async () => {
      for await (const chunk of stream) assert.equal(chunk.choices[0].delta.content, "the ");
    });
  },

  async wrong_key() {
    const stranger = new OpenAI({ baseURL: BASE_URL, apiKey: "wrong", maxRetries: 0 });
    await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
  },
};

for (const [name, check] of Object.entries(cases)) {
  const result = { name, ok: true, detail: "" };
  try {
    await check();
  } catch (error) {
    result.ok = false;
    result.detail = String(error?.stack ?? error);
  }
  process.stdout.write(JSON.stringify(result) + "\n");
}
process.exit(0);
