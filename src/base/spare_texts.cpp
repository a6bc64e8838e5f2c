#include "base/spare_texts.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace penstock {
namespace {

constexpr std::size_t kBytesMin = 2 * 1024;  // a usual answer with its head
constexpr std::size_t kBytesMax = 8 * 1024;
constexpr std::size_t kSpareMax = 256;

thread_local std::vector<std::string> spare;

}  // namespace

std::string take_text(std::size_t bytes) {
  std::string text;
  if (!spare.empty() && spare.back().capacity() >= bytes) {
    text.swap(spare.back());
    spare.pop_back();
  } else {
    text.reserve(std::max(bytes, kBytesMin));
  }
  return text;
}

void give_text(std::string text) {
  if (text.capacity() < kBytesMin || text.capacity() > kBytesMax || spare.size() == kSpareMax) return;
  text.clear();
  spare.push_back(std::move(text));
}

}  // namespace penstock
