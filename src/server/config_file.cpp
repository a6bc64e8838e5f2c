#include "server/config_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>

#include "base/text.h"

namespace penstock::server {
namespace {

Result<toml::table> read_toml(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) return fail(Errc::invalid, "cannot read the configuration file " + file + ": " + std::strerror(errno));
  try {
    return toml::parse(stream, file);
  } catch (const toml::parse_error& error) {
    return fail(Errc::invalid, file + ": " + std::string(error.description()) + " (line " +
                                   std::to_string(error.source().begin.line) + ")");
  }
}

std::optional<std::string> text_of(const toml::node& value) {
  if (const auto* string = value.as_string()) return string->get();
  if (const auto* yes = value.as_boolean()) return yes->get() ? "true" : "false";
  if (const auto* integer = value.as_integer()) return std::to_string(integer->get());
  if (const auto* real = value.as_floating_point()) return fmt::format("{}", real->get());
  return std::nullopt;
}

/// Nothing: a part is no text, number, true or false.
std::optional<std::string> list_of(const toml::node& value) {
  std::vector<std::string> parts;
  bool understood = true;
  const auto add = [&](const std::string& before, const toml::node& part) {
    const auto text = text_of(part);
    understood = understood && text.has_value();
    parts.push_back(before + text.value_or(""));
  };
  if (const auto* list = value.as_array()) {
    for (const auto& part : *list) add("", part);
  } else if (const auto* table = value.as_table()) {
    for (const auto& [key, part] : *table) add(std::string(key.str()) + "=", part);
  } else {
    return text_of(value);
  }
  if (!understood) return std::nullopt;
  return join(parts, ",");
}

Result<std::vector<KeyedTexts>> read_nodes(const toml::node& content, const std::string& file) {
  const Error bad{Errc::invalid, file + ": nodes look like [[node]] name = \"...\", with two brackets"};
  const auto* list = content.as_array();
  if (!list) return tl::unexpected<Error>(bad);
  std::vector<KeyedTexts> nodes;
  for (const auto& one : *list) {
    const auto* table = one.as_table();
    if (!table) return tl::unexpected<Error>(bad);
    KeyedTexts texts;
    for (const auto& [key, value] : *table) {
      auto text = value.is_table() ? std::nullopt : list_of(value);
      if (!text) return fail(Errc::invalid, file + ": [[node]]: " + std::string(key.str()) + " is not understood");
      texts.emplace_back(key.str(), std::move(*text));
    }
    nodes.push_back(std::move(texts));
  }
  return nodes;
}

}  // namespace

Result<ConfigFile> read_config_file(const std::string& file) {
  const auto parsed = read_toml(file);
  if (!parsed) return tl::unexpected<Error>(parsed.error());
  ConfigFile out;
  for (const auto& [section, content] : *parsed) {
    const std::string name(section.str());
    if (name == "node") {
      auto nodes = read_nodes(content, file);
      if (!nodes) return tl::unexpected<Error>(nodes.error());
      out.nodes = std::move(*nodes);
      continue;
    }
    const auto* table = content.as_table();
    if (!table) {
      return fail(Errc::invalid,
                  file + ": \"" + name + "\" stands outside a section; settings look like [server] listen = \"...\"");
    }
    for (const auto& [key, value] : *table) {
      std::string setting = name + "." + std::string(key.str());
      auto text = setting == "gpus.types" ? list_of(value) : text_of(value);
      if (!text) return fail(Errc::invalid, file + ": " + setting + " must be a text, a number, true or false");
      out.settings.emplace_back(std::move(setting), std::move(*text));
    }
  }
  return out;
}

}  // namespace penstock::server
