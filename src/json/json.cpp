#include "json/json.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace penstock::json {
namespace {

template <class Number>
std::string_view digits(Number value, char (&buffer)[32]) {
  const auto end = std::to_chars(std::begin(buffer), std::end(buffer), value);
  ENSURE(end.ec == std::errc());
  return {buffer, static_cast<std::size_t>(end.ptr - buffer)};
}

void write_double(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char buffer[32];
  const std::string_view text = digits(value, buffer);
  out += text;
  // Without these it would be read back as an integer.
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void write_value(std::string& out, const Value& value) {
  if (const bool* boolean = value.as_bool()) {
    out += *boolean ? "true" : "false";
  } else if (const std::int64_t* integer = value.as_int()) {
    char buffer[32];
    out += digits(*integer, buffer);
  } else if (const double* number = value.as_double()) {
    write_double(out, *number);
  } else if (const std::string* text = value.as_string()) {
    write_string(out, *text);
  } else if (const Array* array = value.as_array()) {
    out += '[';
    for (std::size_t i = 0; i < array->size(); ++i) {
      if (i > 0) out += ',';
      write_value(out, (*array)[i]);
    }
    out += ']';
  } else if (const Object* object = value.as_object()) {
    out += '{';
    for (std::size_t i = 0; i < object->size(); ++i) {
      if (i > 0) out += ',';
      write_string(out, (*object)[i].first);
      out += ':';
      write_value(out, (*object)[i].second);
    }
    out += '}';
  } else {
    out += "null";
  }
}

/// How many bytes at the start surely need no escape, looked at eight at a time.
std::size_t plain_length(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHigh = 0x8080808080808080;
  const auto has_zero = [](std::uint64_t bytes) { return (bytes - kOnes) & ~bytes & kHigh; };
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, text.data() + at, 8);
    const std::uint64_t control = (bytes - kOnes * 0x20) & ~bytes & kHigh;
    if (control | has_zero(bytes ^ (kOnes * '"')) | has_zero(bytes ^ (kOnes * '\\'))) break;
  }
  return at;
}

}  // namespace

const Value* Value::find(std::string_view key) const {
  const Object* object = as_object();
  if (object == nullptr) return nullptr;
  for (const auto& [name, value] : *object) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::string_view Value::type_name() const {
  static constexpr std::string_view kNames[] = {"null", "boolean", "number", "number", "string", "array", "object"};
  return kNames[data_.index()];
}

void write_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;  // start of the run that needs no escape
  for (std::size_t i = plain_length(text); i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    out += '\\';
    switch (c) {
      case '"':
        out += '"';
        break;
      case '\\':
        out += '\\';
        break;
      case '\b':
        out += 'b';
        break;
      case '\f':
        out += 'f';
        break;
      case '\n':
        out += 'n';
        break;
      case '\r':
        out += 'r';
        break;
      case '\t':
        out += 't';
        break;
      default:
        out += "u00";
        out += kHex[c >> 4];
        out += kHex[c & 0xf];
    }
  }
  out.append(text, plain);
  out += '"';
}

std::string write(const Value& value) {
  std::string out;
  write_value(out, value);
  return out;
}

}  // namespace penstock::json
