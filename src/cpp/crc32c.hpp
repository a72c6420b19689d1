#pragma once

#include <cstddef>
#include <cstdint>

namespace docstore {

// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78) of `size` bytes at
// `data`: the checksum of every docstore format. To go on from an earlier part,
// pass its result as `seed`: crc32c(ab) == crc32c(b, crc32c(a)). Pure and safe
// to call from any thread; uses the processor's instruction where there is one.
std::uint32_t crc32c(const void* data, std::size_t size, std::uint32_t seed = 0) noexcept;

// The same value, computed by tables only; for tests.
std::uint32_t crc32c_portable(const void* data, std::size_t size, std::uint32_t seed = 0) noexcept;

}  // namespace docstore
