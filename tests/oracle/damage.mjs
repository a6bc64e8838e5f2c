// One edit at a time that makes a valid request wrong, most of the time.

import { Lexer, Source, TokenKind } from "graphql";

const PIECES = ["{", "}", "(", ")", "[", "]", "$", "!", ":", "=", "@", "...", "&", "|", "#\n", "name", "__typename", "on",
  "fragment", "query", "mutation", "subscription", "type T { a: Int }", "extend type Dog { a: Int }", "null", "true", "WORD",
  "7", "-1.5", "01", "1a", "1.", '"text"', '"open', '"""open', '"bad \\q"', '"\\u12"', '"\\uD800"', "$v0", "$nobody",
  "@skip(if: true)", "@include", "@once", "@nobody", "@tag(name: \"x\")", "...F0", "...Nobody", "... on Dog { name }",
  "... on Nobody { name }", "... on Mood { name }", "\u0007", "é", "😀", "'", "3000000000", "1e400", ".5", "%"];

const NAMES = ["Dog", "Cat", "Person", "Pet", "Named", "Node", "Robot", "Mood", "PetFilter", "Place", "Query", "Int", "String",
  "dog", "dogs", "pets", "name", "nick", "mood", "barks", "meows", "owner", "puppies", "size", "must", "friends", "best",
  "echo", "strict", "filter", "place", "int", "lat", "lon", "ids", "if", "id", "F0", "Op1", "v0", "v1", "nothing_like_it"];

function tokensOf(text) {
  const lexer = new Lexer(new Source(text));
  const tokens = [];
  for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) {
    if (token.kind !== TokenKind.COMMENT) tokens.push(token);
  }
  return tokens;
}

function misspelt(random, name) {
  const at = random.below(name.length);
  const kinds = [
    () => name.slice(0, at) + name.slice(at + 1),
    () => name.slice(0, at) + random.pick([..."aeinrtXZ_9"]) + name.slice(at),
    () => name.slice(0, at) + random.pick([..."aeinrtXZ_"]) + name.slice(at + 1),
    () => name.toUpperCase(),
    () => name + name,
  ];
  return random.pick(kinds)() || "z";
}

const edits = {
  remove: (random, text, token) => text.slice(0, token.start) + text.slice(token.end),
  repeat: (random, text, token) => `${text.slice(0, token.end)} ${text.slice(token.start)}`,
  insert: (random, text, token) => `${text.slice(0, token.start)} ${random.pick(PIECES)} ${text.slice(token.start)}`,
  replace: (random, text, token) => text.slice(0, token.start) + random.pick(PIECES) + text.slice(token.end),
  rename: (random, text, token) => text.slice(0, token.start) + random.pick(NAMES) + text.slice(token.end),
  misspell: (random, text, token) =>
    text.slice(0, token.start) + misspelt(random, text.slice(token.start, token.end)) + text.slice(token.end),
  cut: (random, text, token) => text.slice(0, token.start),
};

function swap(random, text, tokens) {
  const [a, b] = [random.pick(tokens), random.pick(tokens)].sort((x, y) => x.start - y.start);
  if (a === b) return text;
  const part = (token) => text.slice(token.start, token.end);
  return text.slice(0, a.start) + part(b) + text.slice(a.end, b.start) + part(a) + text.slice(b.end);
}

function damagedText(random, text) {
  let tokens = [];
  try {
    tokens = tokensOf(text);
  } catch {
    return text;  // damaged before
  }
  if (tokens.length === 0) return random.pick(PIECES);
  if (random.chance(0.1)) return swap(random, text, tokens);
  if (random.chance(0.05)) {
    const at = random.below(text.length + 1);
    return text.slice(0, at) + random.pick([..."{}()\"\\#\u0001é,"]) + text.slice(at);
  }
  const names = tokens.filter((token) => token.kind === TokenKind.NAME);
  const onName = names.length > 0 && random.chance(0.5);
  const edit = onName ? random.pick(["rename", "misspell", "remove", "repeat", "insert"])
    : random.pick(["remove", "repeat", "insert", "replace", "cut"]);
  return edits[edit](random, text, random.pick(onName ? names : tokens));
}

const WRONG = [null, 1.5, -3, "text", "", true, [], {}, ["x"], { lat: "no" }, { lat: 1, extra: 2 }, 3000000000, "CALM", "calm", [[1]],
  { name: 7 }, { ids: [null] }, { number: 1, text: "b" }, { number: null }];

function damagedVariables(random, variables) {
  const names = Object.keys(variables);
  const copy = structuredClone(variables);
  const name = names.length > 0 ? random.pick(names) : "v0";
  if (random.chance(0.3)) delete copy[name];
  else copy[name] = structuredClone(random.pick(WRONG));
  return copy;
}

export function damaged(random, request) {
  const out = { ...request };
  if (request.variables && random.chance(0.25)) out.variables = damagedVariables(random, request.variables);
  else out.query = damagedText(random, request.query);
  return out;
}
