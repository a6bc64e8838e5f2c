#include "server/script.h"

#include <yaml-cpp/yaml.h>

#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "base/number.h"
#include "base/text.h"

namespace penstock::server {
namespace {

using Effects = Script::Effects;
using Rule = Script::Rule;
using Range = Script::Range;

constexpr std::string_view kFlashBootMark = " -fb";  // clients add it to the name of an endpoint

/// Thrown inside parse() only.
struct Refused {
  int line;
  std::string what;
};

[[noreturn]] void refuse(const YAML::Node& node, const std::string& what) {
  throw Refused{node.Mark().line + 1, what};
}

std::string scalar(const YAML::Node& node, const std::string& key) {
  if (!node.IsScalar()) refuse(node, key + " must be a single value");
  return node.Scalar();
}

std::int64_t number(const YAML::Node& node, const std::string& key, std::int64_t low, std::int64_t high) {
  const std::string text = scalar(node, key);
  const auto value = parse_number<std::int64_t>(text);
  if (!value || *value < low || *value > high) {
    refuse(node, key + " is \"" + text + "\"; a whole number from " + std::to_string(low) + " to " +
                     std::to_string(high) + " is accepted");
  }
  return *value;
}

std::optional<Millis> duration(std::string_view text) {
  constexpr std::int64_t kMost = 31'536'000'000;  // a year
  static const std::pair<std::string_view, std::int64_t> units[] = {
      {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}};
  for (const auto& [unit, scale] : units) {
    if (!text.ends_with(unit)) continue;
    const auto value = parse_number<std::int64_t>(text.substr(0, text.size() - unit.size()));
    if (!value) continue;
    if (*value < 0 || *value > kMost / scale) return std::nullopt;
    return Millis{*value * scale};
  }
  return text == "0" ? std::optional(Millis{0}) : std::nullopt;
}

Range range(const YAML::Node& node, const std::string& key) {
  const std::string text = scalar(node, key);
  const auto dots = text.find("..");
  const auto low = duration(text.substr(0, dots));
  const auto high = dots == std::string::npos ? low : duration(text.substr(dots + 2));
  if (!low || !high || *low > *high) {
    refuse(node,
           key + " is \"" + text + "\"; a time such as 500ms, 2s, 1m, 1h, or a range such as 500ms..2s is accepted");
  }
  return {*low, *high};
}

json::Value plain(const std::string& text) {
  if (text == "null" || text == "~" || text.empty()) return {};
  if (text == "true") return true;
  if (text == "false") return false;
  if (const auto value = parse_number<std::int64_t>(text)) return *value;
  if (const auto real = parse_number<double>(text)) return *real;
  return text;
}

json::Value value_of(const YAML::Node& node) {
  if (node.IsSequence()) {
    json::Array out;
    for (const auto& item : node) out.push_back(value_of(item));
    return out;
  }
  if (node.IsMap()) {
    json::Object out;
    for (const auto& member : node) out.emplace_back(member.first.Scalar(), value_of(member.second));
    return out;
  }
  if (!node.IsScalar()) return {};
  return node.Tag() == "!" ? json::Value(node.Scalar()) : plain(node.Scalar());  // "!": it stood in quotes
}

/// Walks the keys of a map; `known` says which there are.
template <class Visit>
void each_key(const YAML::Node& node, const std::string& what, const std::vector<std::string_view>& known,
              Visit&& visit) {
  if (!node.IsMap()) refuse(node, what + " must be a map of " + join(known, ", "));
  std::set<std::string> seen;
  for (const auto& member : node) {
    const std::string key = scalar(member.first, "a key");
    if (std::ranges::find(known, key) == known.end()) {
      const auto near = nearest(key, known);
      refuse(member.first,
             "unknown key \"" + key + "\" of " + what +
                 (near.empty() ? "; known are " + join(known, ", ") : "; did you mean \"" + std::string(near) + "\"?"));
    }
    if (!seen.insert(key).second) refuse(member.first, "key \"" + key + "\" is there twice");
    visit(key, member.second);
  }
}

bool read_effect(Effects& out, const std::string& key, const YAML::Node& node) {
  if (key == "loading") {
    out.loading = range(node, key);
  } else if (key == "fails") {
    out.start_failure = scalar(node, key);
  } else if (key == "crashes") {
    out.crash_code = static_cast<int>(number(node, key, 0, 255));
  } else if (key == "execution") {
    out.execution = range(node, key);
  } else if (key == "output") {
    out.output = value_of(node);
  } else if (key == "error") {
    out.error = scalar(node, key);
  } else if (key == "dies") {
    out.death_code = static_cast<int>(number(node, key, 0, 255));
  } else if (key == "hangs") {
    const std::string text = scalar(node, key);
    if (text != "true" && text != "false") refuse(node, "hangs is \"" + text + "\"; true or false is accepted");
    out.hangs = text == "true";
  } else {
    return false;
  }
  return true;
}

std::vector<Rule> read_rules(const YAML::Node& node, const std::string& key,
                             const std::vector<std::string_view>& known) {
  if (!node.IsSequence()) refuse(node, key + " must be a list of rules");
  constexpr std::int64_t kMany = 1'000'000'000;
  std::vector<Rule> rules;
  for (const auto& item : node) {
    Rule& rule = rules.emplace_back();
    each_key(item, "a rule of " + key, known, [&](const std::string& name, const YAML::Node& value) {
      if (name == "start" || name == "job") {
        rule.nth = number(value, name, 1, kMany);
      } else if (name == "every") {
        rule.every = number(value, name, 1, kMany);
      } else if (name == "input") {
        const json::Value wanted = value_of(value);
        if (!wanted.as_object()) refuse(value, "input must be a map of members that a job's input has");
        rule.input = *wanted.as_object();
      } else {
        read_effect(rule.effects, name, value);
      }
    });
  }
  return rules;
}

Script::Behaviour read_behaviour(const YAML::Node& node, const std::string& what) {
  Script::Behaviour out;
  each_key(node, what, {"loading", "execution", "output", "starts", "jobs"},
           [&](const std::string& key, const YAML::Node& value) {
             if (key == "starts") {
               out.starts = read_rules(value, key, {"start", "every", "loading", "fails", "crashes"});
             } else if (key == "jobs") {
               out.jobs =
                   read_rules(value, key, {"job", "every", "input", "execution", "output", "error", "dies", "hangs"});
             } else {
               read_effect(out.always, key, value);
             }
           });
  return out;
}

template <class Value>
void over(std::optional<Value>& base, const std::optional<Value>& more) {
  if (more) base = more;
}

void lay_over(Effects& base, const Effects& more) {
  over(base.loading, more.loading);
  over(base.start_failure, more.start_failure);
  over(base.crash_code, more.crash_code);
  over(base.execution, more.execution);
  over(base.output, more.output);
  over(base.error, more.error);
  over(base.death_code, more.death_code);
  over(base.hangs, more.hangs);
}

bool has_members(const core::Bytes& input, const json::Object& wanted) {
  const auto value = json::parse(*input);
  if (!value) return false;
  return std::ranges::all_of(wanted, [&](const json::Member& member) {
    const json::Value* own = value->find(member.first);
    return own && *own == member.second;
  });
}

bool fits(const Rule& rule, std::int64_t count, const core::Bytes& input) {
  if (rule.nth && *rule.nth != count) return false;
  if (rule.every && count % *rule.every != 0) return false;
  return rule.input.empty() || (input && has_members(input, rule.input));
}

Effects effects_for(const Effects& all, const Effects& own, const std::vector<Rule>& rules, std::int64_t count,
                    const core::Bytes& input) {
  Effects out = all;
  lay_over(out, own);
  for (const Rule& rule : rules) {
    if (!fits(rule, count, input)) continue;
    lay_over(out, rule.effects);
    break;
  }
  return out;
}

}  // namespace

Result<Script> Script::load(const std::string& file) {
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) return fail(Errc::invalid, "cannot read the script " + file + ": " + std::strerror(errno));
  return parse(text.str(), file);
}

Result<Script> Script::parse(const std::string& text, const std::string& file) {
  Script script;
  try {
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return script;
    each_key(root, "a script", {"start", "seed", "workers", "endpoints"},
             [&](const std::string& key, const YAML::Node& node) {
               if (key == "start") {
                 const auto begin = parse_iso8601(scalar(node, key));
                 if (!begin) refuse(node, "start must be an instant such as 2026-01-01T00:00:00Z");
                 script.begin_ = *begin;
               } else if (key == "seed") {
                 script.random_ = SeededRandom(static_cast<std::uint64_t>(number(node, key, 0, INT64_MAX)));
               } else if (key == "workers") {
                 script.all_ = read_behaviour(node, "workers");
               } else {
                 if (!node.IsMap()) refuse(node, "endpoints must be a map by their names");
                 for (const auto& one : node) {
                   const std::string name = scalar(one.first, "the name of an endpoint");
                   script.endpoints_[name] = read_behaviour(one.second, "endpoint \"" + name + "\"");
                 }
               }
             });
    return script;
  } catch (const Refused& refused) {
    return fail(Errc::invalid, file + ":" + std::to_string(refused.line) + ": " + refused.what);
  } catch (const YAML::Exception& error) {
    return fail(Errc::invalid, file + ":" + std::to_string(error.mark.line + 1) + ": " + error.msg);
  }
}

const Script::Behaviour& Script::behaviour_of(const std::string& name, const EndpointId& id) const {
  static const Behaviour kNone;
  std::string_view bare = name;
  if (bare.ends_with(kFlashBootMark)) bare.remove_suffix(kFlashBootMark.size());
  for (const std::string& key : {name, std::string(bare), id.str()}) {
    if (const auto found = endpoints_.find(key); found != endpoints_.end()) return found->second;
  }
  return kNone;
}

Millis Script::draw(const std::optional<Range>& range) {
  if (!range) return Millis{0};
  const auto span = static_cast<std::uint64_t>((range->high - range->low).count());
  return range->low + Millis{span == 0 ? 0 : static_cast<std::int64_t>(random_.below(span + 1))};
}

launch::WorkerPlan Script::plan_worker(const std::string& endpoint_name, const EndpointId& endpoint) {
  const Behaviour& own = behaviour_of(endpoint_name, endpoint);
  const std::int64_t count = ++counts_[endpoint].starts;
  const Effects effects =
      effects_for(all_.always, own.always, own.starts.empty() ? all_.starts : own.starts, count, nullptr);
  return {effects.start_failure, draw(effects.loading), effects.crash_code};
}

launch::JobPlan Script::plan_job(const std::string& endpoint_name, const EndpointId& endpoint,
                                 const core::HandOut& job) {
  const Behaviour& own = behaviour_of(endpoint_name, endpoint);
  const std::int64_t count = ++counts_[endpoint].jobs;
  const Effects effects =
      effects_for(all_.always, own.always, own.jobs.empty() ? all_.jobs : own.jobs, count, job.input);
  launch::JobPlan plan;
  plan.execution = draw(effects.execution);
  if (effects.output) plan.output = core::bytes(json::write(*effects.output));
  plan.error = effects.error;
  plan.death_code = effects.death_code;
  plan.hangs = effects.hangs.value_or(false);
  return plan;
}

}  // namespace penstock::server
