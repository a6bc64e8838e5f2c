#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock::store {

/// CRC-32C (Castagnoli) of `size` bytes, going on from `seed`, which is the result for what came before. Uses the
/// processor's instruction where it has one.
std::uint32_t crc32c(std::uint32_t seed, const void* bytes, std::size_t size) noexcept;

/// The same without that instruction. For tests, and for processors without it.
std::uint32_t crc32c_portable(std::uint32_t seed, const void* bytes, std::size_t size) noexcept;

}  // namespace penstock::store
