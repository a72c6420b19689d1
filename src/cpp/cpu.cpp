#include "cpu.hpp"

#if defined(_MSC_VER) && defined(_M_X64)
#include <immintrin.h>
#include <intrin.h>
#endif

namespace docstore {
namespace {

#if defined(__x86_64__)

bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("f16c");
}

bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

bool has_avx512vnni() { return has_avx512() && __builtin_cpu_supports("avx512vnni"); }

#elif defined(_MSC_VER) && defined(_M_X64)

bool bits(int leaf, int reg, unsigned mask) {
  int out[4];
  __cpuidex(out, leaf, 0);
  return (static_cast<unsigned>(out[reg]) & mask) == mask;
}

// The operating system must save the wide registers too: XCR0.
bool saves(unsigned mask) {
  constexpr unsigned kOsxsave = 1u << 27;
  return bits(1, 2, kOsxsave) && (_xgetbv(0) & mask) == mask;
}

bool has_avx2() {
  constexpr unsigned kFma = 1u << 12, kAvx = 1u << 28, kF16c = 1u << 29, kAvx2 = 1u << 5;
  return saves(0x6) && bits(1, 2, kFma | kAvx | kF16c) && bits(7, 1, kAvx2);
}

bool has_avx512() {
  constexpr unsigned kF = 1u << 16, kDq = 1u << 17, kBw = 1u << 30, kVl = 1u << 31;
  return has_avx2() && saves(0xe6) && bits(7, 1, kF | kDq | kBw | kVl);
}

bool has_avx512vnni() { return has_avx512() && bits(7, 2, 1u << 11); }

#else

bool has_avx2() { return false; }
bool has_avx512() { return false; }
bool has_avx512vnni() { return false; }

#endif

}  // namespace

bool cpu_supports(InstructionSet set) noexcept {
  switch (set) {
    case InstructionSet::kPortable:
      return true;
    case InstructionSet::kNeon:
#if defined(__aarch64__) || defined(_M_ARM64)
      return true;
#else
      return false;
#endif
    case InstructionSet::kAvx2:
      return has_avx2();
    case InstructionSet::kAvx512:
      return has_avx512();
    case InstructionSet::kAvx512Vnni:
      return has_avx512vnni();
  }
  return false;
}

std::string_view name_of(InstructionSet set) noexcept {
  switch (set) {
    case InstructionSet::kPortable:
      return "portable";
    case InstructionSet::kNeon:
      return "neon";
    case InstructionSet::kAvx2:
      return "avx2";
    case InstructionSet::kAvx512:
      return "avx512";
    case InstructionSet::kAvx512Vnni:
      return "avx512vnni";
  }
  return "portable";
}

}  // namespace docstore
