#include "server/volumes.h"

#include <filesystem>
#include <optional>
#include <vector>

#include "base/log.h"

namespace penstock::server {
namespace {

namespace fs = std::filesystem;

// No id begins so.
constexpr std::string_view kDoomed = ".deleted-";

/// Removes file by file, so that a stop need not wait for the whole tree.
void remove_tree(const fs::path& root, const std::stop_token& stop) {
  std::error_code failed;
  std::vector<fs::path> folders{root};
  for (auto it = fs::recursive_directory_iterator(root, failed); it != fs::recursive_directory_iterator();) {
    if (stop.stop_requested()) return;
    const fs::directory_entry entry = *it;
    std::error_code ignored;
    if (entry.is_directory(ignored) && !entry.is_symlink(ignored)) {
      folders.push_back(entry.path());
    } else {
      fs::remove(entry.path(), ignored);
    }
    it.increment(failed);
    if (failed) break;
  }
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) {
    if (stop.stop_requested()) return;
    fs::remove(*folder, failed);
  }
  if (fs::exists(root, failed)) log::warn("the deleted network volume in {} could not be removed whole", root.string());
}

}  // namespace

Volumes::Volumes(std::string folder) : folder_(std::move(folder)) {
  take_leftovers();
  worker_ = std::jthread([this](std::stop_token stop) { work(std::move(stop)); });
}

Volumes::~Volumes() = default;  // the thread is told to stop, and joined

Result<std::string> Volumes::directory(const VolumeId& id) const {
  const std::string path = folder_ + "/" + id.str();
  std::error_code failed;
  fs::create_directories(path, failed);
  if (failed) {
    return fail(Errc::unavailable,
                "the directory " + path + " of a network volume cannot be made: " + failed.message());
  }
  return path;
}

void Volumes::remove(const VolumeId& id) {
  const std::string path = folder_ + "/" + id.str();
  std::string away = folder_ + "/" + std::string(kDoomed) + id.str();
  std::error_code failed;
  if (!fs::exists(path, failed)) return;
  fs::rename(path, away, failed);
  if (failed) {
    log::warn("the network volume in {} cannot be removed: {}", path, failed.message());
    return;
  }
  const std::lock_guard lock(mutex_);
  doomed_.push_back(std::move(away));
  wake_.notify_one();
}

std::vector<VolumeId> Volumes::present() const {
  std::vector<VolumeId> ids;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_, ignored)) {
    auto id = VolumeId::parse(entry.path().filename().string());
    if (id) ids.push_back(std::move(*id));
  }
  return ids;
}

void Volumes::take_leftovers() {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_, ignored)) {
    if (entry.path().filename().string().starts_with(kDoomed)) doomed_.push_back(entry.path().string());
  }
}

void Volumes::work(std::stop_token stop) {
  while (true) {
    std::unique_lock lock(mutex_);
    if (!wake_.wait(lock, stop, [this] { return !doomed_.empty(); })) return;
    const std::string path = std::move(doomed_.front());
    doomed_.pop_front();
    lock.unlock();
    remove_tree(path, stop);
  }
}

}  // namespace penstock::server
