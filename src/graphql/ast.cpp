#include "graphql/ast.h"

#include <cstdio>
#include <utility>

namespace penstock::graphql {

std::string_view to_text(OperationType type) {
  switch (type) {
    case OperationType::query:
      return "query";
    case OperationType::mutation:
      return "mutation";
    case OperationType::subscription:
      return "subscription";
  }
  return "";
}

void print_string(std::string& out, std::string_view text) {
  static constexpr std::string_view kFrom = "\b\t\n\f\r\"\\";
  static constexpr std::string_view kTo = "btnfr\"\\";
  out += '"';
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (const auto known = kFrom.find(c); known != std::string_view::npos) {
      out += '\\';
      out += kTo[known];
    } else if (code < 0x20 || code == 0x7F) {
      char shown[8];
      std::snprintf(shown, sizeof shown, "\\u%04X", code);
      out += shown;
    } else {
      out += c;
    }
  }
  out += '"';
}

namespace {

/// As graphql-js lays a block string out: on lines of its own unless it is short and plain.
void print_block_string(std::string& out, std::string_view text) {
  constexpr std::size_t kShort = 70;
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  bool indented = text.find('\n') != std::string_view::npos;  // all lines but the first
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    const bool empty = at + 1 == text.size() || text[at + 1] == '\n';
    if (!empty && !is_blank(text[at + 1])) indented = false;
  }
  const bool one_line = text.find('\n') == std::string_view::npos;
  const bool ends_in_quotes = text.ends_with("\"\"\"");
  const bool needs_end = (text.ends_with('"') && !ends_in_quotes) || text.ends_with('\\');
  const bool on_lines = !one_line || text.size() > kShort || needs_end || indented || ends_in_quotes;
  const bool starts_blank = one_line && !text.empty() && is_blank(text.front());
  out += "\"\"\"";
  if ((on_lines && !starts_blank) || indented) out += '\n';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool quotes = text.substr(i).starts_with("\"\"\"");
    out += quotes ? "\\\"\"\"" : std::string(1, text[i]);
    if (quotes) i += 2;
  }
  if (on_lines || needs_end) out += '\n';
  out += "\"\"\"";
}

void print(std::string& out, const ValueNode& value) {
  using Kind = ValueNode::Kind;
  const char* between = "";
  switch (value.kind) {
    case Kind::variable:
      out += '$';
      out += value.text;
      return;
    case Kind::string:
      return value.block ? print_block_string(out, value.string) : print_string(out, value.string);
    case Kind::list:
      out += '[';
      for (const ValueNode& item : value.items) {
        out += std::exchange(between, ", ");
        print(out, item);
      }
      out += ']';
      return;
    case Kind::object:
      out += '{';
      for (const ObjectFieldNode& field : value.fields) {
        out += std::exchange(between, ", ");
        out += field.name;
        out += ": ";
        print(out, *field.value);
      }
      out += '}';
      return;
    default:
      out += value.text;
  }
}

}  // namespace

std::string print(const ValueNode& value) {
  std::string out;
  print(out, value);
  return out;
}

std::string print(const TypeNode& type) {
  switch (type.kind) {
    case TypeNode::Kind::named:
      return std::string(type.name);
    case TypeNode::Kind::list:
      return "[" + print(*type.of) + "]";
    case TypeNode::Kind::non_null:
      return print(*type.of) + "!";
  }
  return "";
}

}  // namespace penstock::graphql
