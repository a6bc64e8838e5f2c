#include "launch/cgroups.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/text.h"
#include "launch/spawn.h"

namespace penstock::launch {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kPeriodUs = 100'000;

Error refused(const std::string& what, int code) {
  return Error{Errc::unavailable, fmt::format("{}: {}", what, std::strerror(code))};
}

Result<void> make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return {};
  return tl::unexpected(refused("the control group " + path + " cannot be made", errno));
}

/// One write, as the kernel's files want it.
Result<void> put_text(const std::string& path, const std::string& text) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())) return {};
  return tl::unexpected(refused(path + " cannot be written", errno));
}

bool has_word(const std::string& path, std::string_view wanted) {
  std::ifstream file(path);
  for (std::string word; file >> word;) {
    if (word == wanted) return true;
  }
  return false;
}

/// The number behind `key` in a file with one key a line.
std::int64_t count_in(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  std::string word;
  std::int64_t value = 0;
  while (file >> word >> value) {
    if (word == key) return value;
  }
  return 0;
}

}  // namespace

bool is_group_name(std::string_view text) {
  // With a slash around it, each name stands between two of them.
  const std::string all = "/" + std::string(text) + "/";
  const auto has = [&](std::string_view part) { return all.find(part) != std::string::npos; };
  return !has("//") && !has("/./") && !has("/../") && !has("\n") && !has(std::string_view("\0", 1));
}

Cgroups::Cgroups(std::string group, std::string root) : group_(std::move(group)), root_(std::move(root)) {
  std::error_code ignored;
  if (group_.empty()) return;
  if (fs::exists(root_ + "/cgroup.controllers", ignored)) {
    version_ = Version::v2;
  } else if (fs::exists(root_ + "/cpu", ignored) && fs::exists(root_ + "/memory", ignored)) {
    version_ = Version::v1;
  }
}

std::vector<std::string> Cgroups::folders() const {
  if (version_ == Version::v2) return {root_ + "/" + group_};
  if (version_ == Version::v1) return {root_ + "/cpu/" + group_, root_ + "/memory/" + group_};
  return {};
}

/// Every group above those of the workers hands both controllers down.
Result<void> Cgroups::prepare_v2() const {
  std::string folder = root_;
  std::vector<std::string_view> names = split_list(group_, '/');
  for (std::size_t i = 0;; ++i) {
    for (const char* controller : {"cpu", "memory"}) {
      if (has_word(folder + "/cgroup.subtree_control", controller)) continue;
      if (!has_word(folder + "/cgroup.controllers", controller)) {
        return fail(Errc::unavailable, fmt::format("{} has no controller \"{}\" to hand down", folder, controller));
      }
      auto done = put_text(folder + "/cgroup.subtree_control", fmt::format("+{}", controller));
      if (!done) return done;
    }
    if (i == names.size()) return {};
    folder += "/" + std::string(names[i]);
    if (auto made = make_folder(folder); !made) return made;
  }
}

Result<void> Cgroups::prepare_v1() const {
  for (const char* controller : {"/cpu", "/memory"}) {
    std::string folder = root_ + controller;
    for (const std::string_view name : split_list(group_, '/')) {
      folder += "/" + std::string(name);
      if (auto made = make_folder(folder); !made) return made;
    }
  }
  return {};
}

Result<void> Cgroups::prepare() {
  if (prepared_) return {};
  if (version_ == Version::none) {
    return fail(Errc::unavailable, group_.empty() ? "workers.cgroup is off" : root_ + " shows no control groups");
  }
  if (auto done = version_ == Version::v2 ? prepare_v2() : prepare_v1(); !done) return done;
  prepared_ = true;
  // What earlier servers left behind goes; the kernel keeps those that have processes.
  for (const std::string& folder : folders()) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      if (entry.is_directory(ignored)) ::rmdir(entry.path().c_str());
    }
  }
  return {};
}

Result<void> Cgroups::put(const WorkerId& worker, pid_t process, const ResourceLimits& limits) {
  if (auto done = prepare(); !done) return done;
  const bool v2 = version_ == Version::v2;
  std::vector<std::pair<std::string, std::string>> texts;
  const std::string cpu = folders().front() + "/" + worker.str();
  const std::string memory = folders().back() + "/" + worker.str();
  if (limits.vcpus > 0 && v2) {
    texts.emplace_back(cpu + "/cpu.max", fmt::format("{} {}", limits.vcpus * kPeriodUs, kPeriodUs));
  } else if (limits.vcpus > 0) {
    texts.emplace_back(cpu + "/cpu.cfs_period_us", std::to_string(kPeriodUs));
    texts.emplace_back(cpu + "/cpu.cfs_quota_us", std::to_string(limits.vcpus * kPeriodUs));
  }
  if (limits.memory_bytes > 0) {
    texts.emplace_back(memory + (v2 ? "/memory.max" : "/memory.limit_in_bytes"), std::to_string(limits.memory_bytes));
  }
  // A worker that lost one of its processes is ended as a whole.
  if (limits.memory_bytes > 0 && v2) texts.emplace_back(memory + "/memory.oom.group", "1");
  for (const std::string& folder : folders()) {
    if (auto made = make_folder(folder + "/" + worker.str()); !made) return made;
    texts.emplace_back(folder + "/" + worker.str() + "/cgroup.procs", std::to_string(process));
  }
  for (const auto& [path, text] : texts) {
    if (auto done = put_text(path, text); !done) return done;
  }
  return {};
}

bool Cgroups::ran_out_of_memory(const WorkerId& worker) const {
  if (version_ == Version::none) return false;
  const char* file = version_ == Version::v2 ? "/memory.events" : "/memory.oom_control";
  return count_in(folders().back() + "/" + worker.str() + file, "oom_kill") > 0;
}

void Cgroups::remove(const WorkerId& worker) const {
  for (const std::string& folder : folders()) ::rmdir((folder + "/" + worker.str()).c_str());
}

}  // namespace penstock::launch
