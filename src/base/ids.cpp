#include "base/ids.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace penstock {
namespace {

constexpr std::array<bool, 256> make_id_characters() {
  std::array<bool, 256> is{};
  for (const unsigned char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")) {
    is[c] = true;
  }
  return is;
}

constexpr std::array<bool, 256> kIdCharacters = make_id_characters();

template <class Number>
std::uint64_t number_at(const char* at) {
  Number number = 0;
  std::memcpy(&number, at, sizeof number);
  return number;
}

/// Every bit of the result depends on every bit of both.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

bool is_id(std::string_view text) noexcept {
  if (text.empty() || text.size() > 128) return false;
  bool is = true;
  for (const char c : text) is &= kIdCharacters[static_cast<unsigned char>(c)];
  return is;
}

std::size_t IdHash::operator()(std::string_view id) const noexcept {
  // As wyhash does it, sixteen characters at a time; some may be seen twice at the end.
  static constexpr std::uint64_t kOdd[] = {0xa0761d6478bd642f, 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3};
  const char* at = id.data();
  const std::size_t size = id.size();
  std::uint64_t hash = size ^ kOdd[0];
  std::size_t left = size;
  for (; left > 16; left -= 16, at += 16) {
    hash = mix(number_at<std::uint64_t>(at) ^ kOdd[1], number_at<std::uint64_t>(at + 8) ^ hash);
  }
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  if (left >= 8) {
    first = number_at<std::uint64_t>(at);
    last = number_at<std::uint64_t>(at + left - 8);
  } else if (left >= 4) {
    first = number_at<std::uint32_t>(at);
    last = number_at<std::uint32_t>(at + left - 4);
  } else {
    for (; left > 0; --left) first = first << 8 | static_cast<unsigned char>(*at++);
  }
  return mix(first ^ kOdd[2], last ^ hash);
}

}  // namespace penstock
