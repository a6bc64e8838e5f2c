// Documents that are valid by the schema, or nearly always: whether two fields may share a name is left to chance.

import {
  getNamedType, isAbstractType, isCompositeType, isEnumType, isInputObjectType, isLeafType, isListType, isNonNullType,
  isRequiredArgument,
} from "graphql";

const STRINGS = ['"a"', '""', '"caf\\u00e9"', '"\\uD83D\\uDE00"', '"\\u{1F600}"', '"tab\\t\\"q\\" \\\\ \\/"', '"日本"',
  '"""block"""', '"""\n  two\n    lines\n  """', '"""a \\""" b"""', '"p1"'];
const PAYLOAD_STRINGS = ["a", "", "é", "😀", 'q"\\', "p1"];

export class Generator {
  constructor(random, schema) {
    this.random = random;
    this.schema = schema;
  }

  /// {query, variables?, operationName?}
  request() {
    this.fragments = new Map();
    this.operations = 0;
    const texts = [];
    const count = this.random.chance(0.1) ? 2 : 1;
    const names = [];
    let variables = {};
    for (let i = 0; i < count; i += 1) {
      const made = this.operation(count > 1);
      texts.push(made.text);
      names.push(made.name);
      variables = { ...variables, ...made.payload };
    }
    for (const fragment of this.fragments.values()) texts.push(fragment.text);
    if (this.random.chance(0.2)) texts.reverse();
    const request = { query: texts.join(this.random.pick(["\n", " ", "\n# next\n", ",\n"])) };
    if (Object.keys(variables).length > 0 || this.random.chance(0.1)) request.variables = variables;
    if (count > 1 ? this.random.chance(0.8) : names[0] && this.random.chance(0.2)) {
      request.operationName = this.random.chance(0.95) ? this.random.pick(names) : "Nobody";
    }
    return request;
  }

  operation(named) {
    this.variables = new Map();
    this.payload = {};
    const kind = this.random.pick(["query", "query", "query", "query", "mutation", "subscription"]);
    const root = { query: "getQueryType", mutation: "getMutationType", subscription: "getSubscriptionType" }[kind];
    const selections = this.selections(this.schema[root](), kind === "subscription" ? 9 : 0, kind === "subscription");
    const directives = this.marks(kind.toUpperCase());
    this.operations += 1;
    const name = named || this.random.chance(0.4) ? `Op${this.operations}` : "";
    const definitions = [...this.variables.values()].map((variable) => variable.text).join(this.random.pick([", ", " "]));
    const shorthand = kind === "query" && !name && !definitions && !directives && this.random.chance(0.7);
    const head = shorthand ? "" : `${kind} ${name}${definitions ? `(${definitions})` : ""}${directives} `;
    return { text: head + selections, name, payload: this.payload };
  }

  selections(type, depth, single = false) {
    const count = single ? 1 : 1 + this.random.below(depth > 3 ? 2 : 4);
    const parts = [];
    for (let i = 0; i < count; i += 1) parts.push(this.selection(type, depth, single));
    return `{ ${parts.join(this.random.pick([" ", ", ", "\n  "]))} }`;
  }

  selection(type, depth, single) {
    if (!single && depth < 6 && this.random.chance(0.15)) return this.inlineFragment(type, depth);
    if (!single && depth < 6 && this.random.chance(0.12)) return this.spread(type, depth);
    return this.field(type, depth, single);
  }

  field(type, depth, single) {
    const fields = type.getFields ? Object.values(type.getFields()) : [];
    const leaves = fields.filter((field) => isLeafType(getNamedType(field.type)));
    const usable = depth > 4 ? leaves : fields;
    if (usable.length === 0 || (!single && this.random.chance(0.06))) return this.aliased("__typename", 0.2);
    const field = this.random.pick(usable);
    const inner = getNamedType(field.type);
    const below = isCompositeType(inner) ? ` ${this.selections(inner, depth + 1)}` : "";
    const args = this.args(field.args);
    return this.aliased(field.name, args ? 0.5 : 0.15) + args + this.directives("FIELD", single) + below;
  }

  aliased(name, share) {
    return this.random.chance(share) ? `${this.random.pick(["a", "b", "c", "d", "x1", "name"])}${this.random.below(30)}: ${name}` : name;
  }

  inlineFragment(type, depth) {
    const bare = this.random.chance(0.2);
    const target = bare ? type : this.related(type);
    const condition = bare ? "" : ` on ${target.name}`;
    return `...${condition}${this.directives("INLINE_FRAGMENT")} ${this.selections(target, depth + 1)}`;
  }

  spread(type, depth) {
    const known = [...this.fragments.values()].filter((one) => one.done && one.target === type.name);
    if (known.length > 0 && this.random.chance(0.5)) {
      return `...${this.random.pick(known).name}${this.directives("FRAGMENT_SPREAD")}`;
    }
    const target = this.related(type);
    const name = `F${this.fragments.size}`;
    const entry = { name, target: target.name, done: false, text: "" };
    this.fragments.set(name, entry);
    const selections = this.selections(target, depth + 2);
    entry.text = `fragment ${name} on ${target.name}${this.marks("FRAGMENT_DEFINITION")} ${selections}`;
    entry.done = this.variables.size === 0;
    return `...${name}${this.directives("FRAGMENT_SPREAD")}`;
  }

  /// A type whose objects this one may be.
  related(type) {
    const objects = isAbstractType(type) ? this.schema.getPossibleTypes(type) : [type];
    const one = this.random.pick(objects);
    const choices = [type, one, ...one.getInterfaces()];
    return this.random.pick(choices);
  }

  directives(place, plain = false) {
    let text = "";
    if (!plain && this.random.chance(0.08)) {
      const condition = this.random.chance(0.5) ? this.random.pick(["true", "false"])
        : this.variable("Boolean!", true, () => this.random.chance(0.5));
      text += ` @${this.random.pick(["skip", "include"])}(if: ${condition})`;
    }
    if (place === "FIELD" && this.random.chance(0.02)) text += " @once";
    return text + this.marks(place);
  }

  marks() {
    if (!this.random.chance(0.04)) return "";
    const weight = this.random.chance(0.5) ? `, weight: ${this.random.below(9)}` : "";
    return ` @tag(name: "t"${weight})`.repeat(1 + this.random.below(2));
  }

  args(defs) {
    const chosen = defs.filter((def) => isRequiredArgument(def) || this.random.chance(defs.length > 5 ? 0.2 : 0.5));
    if (chosen.length === 0) return "";
    if (this.random.chance(0.2)) chosen.reverse();
    const parts = chosen.map((def) => `${def.name}: ${this.value(def.type, 0, def.defaultValue !== undefined)}`);
    return `(${parts.join(this.random.pick([", ", " "]))})`;
  }

  variable(typeText, required, payload) {
    const name = `v${this.variables.size}`;
    const fallback = !required && this.random.chance(0.3);
    this.variables.set(name, { text: `$${name}: ${typeText}${fallback ? " = null" : ""}${this.marks("VARIABLE_DEFINITION")}` });
    if (required || this.random.chance(0.8)) this.payload[name] = payload();
    return `$${name}`;
  }

  value(type, depth, hasDefault = false) {
    if (this.random.chance(depth === 0 ? 0.25 : 0.08)) {
      const required = isNonNullType(type);
      return this.variable(String(type), required, () => this.payloadOf(type, 0));
    }
    if (isNonNullType(type)) return this.value1(type.ofType, depth);
    if (this.random.chance(0.08)) return "null";
    return this.value1(type, depth, hasDefault);
  }

  value1(type, depth) {
    if (isListType(type)) {
      if (this.random.chance(0.15)) return this.value1(isNonNullType(type.ofType) ? type.ofType.ofType : type.ofType, depth);
      const items = Array.from({ length: this.random.below(3) }, () => this.value(type.ofType, depth + 1));
      return `[${items.join(", ")}]`;
    }
    if (isInputObjectType(type)) return this.inputObject(type, depth);
    if (isEnumType(type)) return this.random.pick(type.getValues()).name;
    return this.scalar(type.name);
  }

  inputObject(type, depth) {
    const fields = Object.values(type.getFields());
    if (type.isOneOf) {
      const field = this.random.pick(fields);
      return `{ ${field.name}: ${this.value1(field.type, depth + 1)} }`;
    }
    const chosen = fields.filter((field) => isRequiredArgument(field) || this.random.chance(depth > 1 ? 0.1 : 0.4));
    return `{ ${chosen.map((field) => `${field.name}: ${this.value(field.type, depth + 1)}`).join(", ")} }`;
  }

  scalar(name) {
    const { random } = this;
    switch (name) {
      case "Int":
        return random.pick(["0", "1", "-7", "2147483647", "-2147483648", "12345678"]);
      case "Float":
        return random.pick(["0", "1.5", "-2.25e2", "3", "1e3", "0.1"]);
      case "Boolean":
        return random.pick(["true", "false"]);
      case "ID":
        return random.pick([...STRINGS, "1", "42"]);
      case "String":
        return random.pick(STRINGS);
      default:
        return random.pick(["1", "2.5", '"x"', "true", "null", "WORD", "[1, [2]]", '{ a: 1, b: { c: "d" } }', "[]", "{}"]);
    }
  }

  payloadOf(type, depth) {
    const { random } = this;
    if (isNonNullType(type)) return this.payload1(type.ofType, depth);
    return random.chance(0.1) ? null : this.payload1(type, depth);
  }

  payload1(type, depth) {
    const { random } = this;
    if (isListType(type)) {
      if (random.chance(0.15)) return this.payload1(isNonNullType(type.ofType) ? type.ofType.ofType : type.ofType, depth);
      return Array.from({ length: random.below(3) }, () => this.payloadOf(type.ofType, depth + 1));
    }
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields());
      if (type.isOneOf) {
        const field = random.pick(fields);
        return { [field.name]: this.payload1(field.type, depth + 1) };
      }
      const chosen = fields.filter((field) => isRequiredArgument(field) || random.chance(depth > 1 ? 0.1 : 0.4));
      return Object.fromEntries(chosen.map((field) => [field.name, this.payloadOf(field.type, depth + 1)]));
    }
    if (isEnumType(type)) return random.pick(type.getValues()).name;
    switch (type.name) {
      case "Int":
        return random.pick([0, 1, -7, 2147483647, 5]);
      case "Float":
        return random.pick([0, 1.5, -225, 1000, 0.1]);
      case "Boolean":
        return random.chance(0.5);
      case "ID":
        return random.pick([...PAYLOAD_STRINGS, 1, 42]);
      case "String":
        return random.pick(PAYLOAD_STRINGS);
      default:
        return random.pick([1, 2.5, "x", true, [1, [2]], { a: 1, b: { c: "d" } }, [], {}]);
    }
  }
}
