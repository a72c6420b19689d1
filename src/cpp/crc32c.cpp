#include "crc32c.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace docstore {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78u;

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

// Table k maps a byte to its effect after k more zero bytes, so that eight
// bytes are looked up at once.
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1u) ? kPolynomial : 0u);
    tables[0][byte] = value;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xFFu];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

using Kernel = std::uint32_t (*)(const unsigned char*, std::size_t, std::uint32_t) noexcept;

std::uint32_t run_tables(const unsigned char* at, std::size_t size, std::uint32_t state) noexcept {
  while (size >= 8) {
    // Assembled byte by byte: the same on machines of either byte order.
    const std::uint32_t low =
        state ^ (static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8 |
                 static_cast<std::uint32_t>(at[2]) << 16 | static_cast<std::uint32_t>(at[3]) << 24);
    state = kTables[7][low & 0xFFu] ^ kTables[6][(low >> 8) & 0xFFu] ^
            kTables[5][(low >> 16) & 0xFFu] ^ kTables[4][low >> 24] ^ kTables[3][at[4]] ^
            kTables[2][at[5]] ^ kTables[1][at[6]] ^ kTables[0][at[7]];
    at += 8;
    size -= 8;
  }
  for (; size > 0; ++at, --size) state = (state >> 8) ^ kTables[0][(state ^ *at) & 0xFFu];
  return state;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) std::uint32_t run_hardware(const unsigned char* at,
                                                             std::size_t size,
                                                             std::uint32_t state) noexcept {
  std::uint64_t wide = state;
  for (; size >= 8; at += 8, size -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  state = static_cast<std::uint32_t>(wide);
  for (; size > 0; ++at, --size) state = _mm_crc32_u8(state, *at);
  return state;
}

Kernel choose() noexcept {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.2") ? &run_hardware : &run_tables;
}

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

std::uint32_t run_hardware(const unsigned char* at, std::size_t size,
                           std::uint32_t state) noexcept {
  for (; size >= 8; at += 8, size -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    state = __crc32cd(state, word);
  }
  for (; size > 0; ++at, --size) state = __crc32cb(state, *at);
  return state;
}

Kernel choose() noexcept { return &run_hardware; }

#else

Kernel choose() noexcept { return &run_tables; }

#endif

}  // namespace

std::uint32_t crc32c(const void* data, std::size_t size, std::uint32_t seed) noexcept {
  static const Kernel kernel = choose();
  return ~kernel(static_cast<const unsigned char*>(data), size, ~seed);
}

std::uint32_t crc32c_portable(const void* data, std::size_t size, std::uint32_t seed) noexcept {
  return ~run_tables(static_cast<const unsigned char*>(data), size, ~seed);
}

}  // namespace docstore
