#include "graphql/print.h"

namespace penstock::graphql {
namespace {

constexpr std::size_t kLineMax = 80;  // a field's arguments stand on lines of their own beyond it

std::string indented(std::string_view text) {
  std::string out = "  ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out;
}

/// UTF-16 units, which JavaScript counts.
std::size_t length(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80) count += byte >= 0xF0 ? 2 : 1;
  }
  return count;
}

std::string argument_list(const std::vector<ArgumentNode>& arguments, std::string_view between) {
  std::string out;
  for (const ArgumentNode& argument : arguments) {
    if (!out.empty()) out += between;
    out += std::string(argument.name) + ": " + print(argument.value);
  }
  return out;
}

/// Each with a space in front.
std::string directives(const std::vector<DirectiveNode>& nodes) {
  std::string out;
  for (const DirectiveNode& node : nodes) {
    out += " @" + std::string(node.name);
    if (!node.arguments.empty()) out += "(" + argument_list(node.arguments, ", ") + ")";
  }
  return out;
}

std::string selection_set(const std::vector<SelectionNode>& nodes);

std::string selection(const SelectionNode& node) {
  std::string out;
  if (node.kind == SelectionNode::Kind::fragment_spread)
    return "..." + std::string(node.name) + directives(node.directives);
  if (node.kind == SelectionNode::Kind::inline_fragment) {
    out = "...";
    if (!node.type_condition.empty()) out += " on " + std::string(node.type_condition);
  } else {
    if (!node.alias.empty()) out = std::string(node.alias) + ": ";
    out += node.name;
    if (!node.arguments.empty()) {
      const std::string line = out + "(" + argument_list(node.arguments, ", ") + ")";
      out = length(line) <= kLineMax ? line : out + "(\n" + indented(argument_list(node.arguments, "\n")) + "\n)";
    }
  }
  out += directives(node.directives);
  if (node.has_selections) out += " " + selection_set(node.selections);
  return out;
}

std::string selection_set(const std::vector<SelectionNode>& nodes) {
  std::string lines;
  for (const SelectionNode& node : nodes) {
    if (!lines.empty()) lines += '\n';
    lines += selection(node);
  }
  return "{\n" + indented(lines) + "\n}";
}

std::string variables(const std::vector<VariableNode>& nodes) {
  std::string out;
  for (const VariableNode& node : nodes) {
    out += out.empty() ? "(" : ", ";
    out += "$" + std::string(node.name) + ": " + print(node.type);
    if (node.default_value) out += " = " + print(*node.default_value);
    out += directives(node.directives);
  }
  return out.empty() ? out : out + ")";
}

std::string operation(const OperationNode& node) {
  std::string head(to_text(node.type));
  const std::string name_and_variables = std::string(node.name) + variables(node.variables);
  if (!name_and_variables.empty()) head += " " + name_and_variables;
  head += directives(node.directives);
  return (head == "query" ? "" : head + " ") + selection_set(node.selections);
}

std::string fragment(const FragmentNode& node) {
  return "fragment " + std::string(node.name) + " on " + std::string(node.type_condition) +
         directives(node.directives) + " " + selection_set(node.selections);
}

}  // namespace

std::string print(const Document& document) {
  // Operations and fragments may be mixed in the text.
  std::string out;
  std::size_t next = 0;
  const auto is_before = [](Location a, Location b) {
    return a.line < b.line || (a.line == b.line && a.column < b.column);
  };
  const auto add = [&](const std::string& definition) {
    if (!out.empty()) out += "\n\n";
    out += definition;
  };
  for (const OperationNode& node : document.operations) {
    while (next < document.fragments.size() && is_before(document.fragments[next].at, node.at)) {
      add(fragment(document.fragments[next++]));
    }
    add(operation(node));
  }
  while (next < document.fragments.size()) add(fragment(document.fragments[next++]));
  return out;
}

}  // namespace penstock::graphql
