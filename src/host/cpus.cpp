#include "host/cpus.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "base/text.h"

namespace penstock::host {
namespace {

/// One logical CPU: a paragraph of the file.
struct Thread {
  std::string name;
  std::string vendor;
  std::string core;  // socket and core within it
};

struct Model {
  std::string vendor;
  int threads = 0;
  std::set<std::string> cores;
};

std::string maker(const std::string& vendor) {
  if (vendor == "GenuineIntel") return "Intel";
  if (vendor == "AuthenticAMD") return "AMD";
  return vendor;
}

Thread read_thread(std::string_view paragraph) {
  Thread thread;
  std::string socket;
  for (const auto line : split_list(paragraph, '\n')) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const auto key = trim(line.substr(0, colon));
    const std::string value(trim(line.substr(colon + 1)));
    if (key == "model name" || key == "Processor") thread.name = value;
    if (key == "vendor_id") thread.vendor = value;
    if (key == "physical id") socket = value;
    if (key == "core id") thread.core = socket + "/" + value;
  }
  return thread;
}

}  // namespace

std::vector<Cpu> parse_cpuinfo(std::string_view text) {
  std::map<std::string, Model> models;
  while (!text.empty()) {
    const auto end = std::min(text.find("\n\n"), text.size());
    const Thread thread = read_thread(text.substr(0, end));
    text.remove_prefix(std::min(end + 2, text.size()));
    if (thread.name.empty()) continue;
    Model& model = models[thread.name];
    model.vendor = thread.vendor;
    ++model.threads;
    // A machine that does not number its cores has one thread on each.
    model.cores.insert(thread.core.empty() ? "#" + std::to_string(model.threads) : thread.core);
  }
  std::vector<Cpu> out;
  for (const auto& [name, model] : models) {
    const int cores = static_cast<int>(model.cores.size());
    out.push_back({name, maker(model.vendor), cores, std::max(1, model.threads / cores)});
  }
  return out;
}

std::vector<Cpu> find_cpus() {
  std::ifstream file("/proc/cpuinfo");
  std::ostringstream text;
  text << file.rdbuf();
  return parse_cpuinfo(text.str());
}

}  // namespace penstock::host
