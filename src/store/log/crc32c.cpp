#include "store/log/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace penstock::store {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // reflected

constexpr std::array<std::uint32_t, 256> kTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0);
    table[byte] = value;
  }
  return table;
}();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(std::uint32_t seed, const void* bytes,
                                                             std::size_t size) noexcept {
  const auto* next = static_cast<const unsigned char*>(bytes);
  std::uint64_t value = ~seed;
  for (; size >= 8; size -= 8, next += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, next, 8);
    value = _mm_crc32_u64(value, word);
  }
  auto rest = static_cast<std::uint32_t>(value);
  for (; size > 0; --size, ++next) rest = _mm_crc32_u8(rest, *next);
  return ~rest;
}
#endif

}  // namespace

std::uint32_t crc32c_portable(std::uint32_t seed, const void* bytes, std::size_t size) noexcept {
  const auto* next = static_cast<const unsigned char*>(bytes);
  std::uint32_t value = ~seed;
  for (; size > 0; --size, ++next) value = (value >> 8) ^ kTable[(value ^ *next) & 0xff];
  return ~value;
}

std::uint32_t crc32c(std::uint32_t seed, const void* bytes, std::size_t size) noexcept {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return crc32c_sse42(seed, bytes, size);
#endif
  return crc32c_portable(seed, bytes, size);
}

}  // namespace penstock::store
