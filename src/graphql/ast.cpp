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

namespace {

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

void print(std::string& out, const ValueNode& value) {
  using Kind = ValueNode::Kind;
  const char* between = "";
  switch (value.kind) {
    case Kind::variable:
      out += '$';
      out += value.text;
      return;
    case Kind::string:
      return print_string(out, value.string);
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
