#include "kernels.hpp"

#if defined(__x86_64__) || defined(_M_X64)

#include <immintrin.h>

#if defined(_MSC_VER)
#include <intrin.h>
#endif

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#endif

namespace docstore {
namespace {

struct V {
  using Vec = __m256;
  static constexpr std::size_t kWidth = 8;
  static constexpr int kRows = 4, kVecs48 = 3, kVecs32 = 2, kVecs16 = 2;

  static __m256i first(std::size_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }

  static Vec zero() { return _mm256_setzero_ps(); }
  static Vec set1(float x) { return _mm256_set1_ps(x); }
  static Vec load(const float* p) { return _mm256_loadu_ps(p); }
  static Vec load_part(const float* p, std::size_t n) { return _mm256_maskload_ps(p, first(n)); }
  static void store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
  static Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
  static Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
  static float sum(Vec v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
  }
  static unsigned not_less(Vec a, Vec b) {
    return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_NLT_UQ)));
  }
  static Vec inverse_root(Vec v) { return _mm256_div_ps(set1(1.0f), _mm256_sqrt_ps(v)); }
};

#include "kernels_body.hpp"

void half(const std::byte* from, std::size_t count, float* to) {
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 2 * i));
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(bits));
  }
  if (i == count) return;
  const auto* bytes = reinterpret_cast<const unsigned char*>(from);
  alignas(16) unsigned char bits[16] = {};
  for (std::size_t b = 2 * i; b < 2 * count; ++b) bits[b - 2 * i] = bytes[b];
  alignas(32) float rest[8];
  _mm256_store_ps(rest, _mm256_cvtph_ps(_mm_load_si128(reinterpret_cast<const __m128i*>(bits))));
  for (std::size_t j = 0; i + j < count; ++j) to[i + j] = rest[j];
}

constexpr Kernels kTable = {InstructionSet::kAvx2, tile<V>,   few<V>, norms<V>,
                            inverse_roots<V>,      select<V>, half,   nullptr};

}  // namespace
}  // namespace docstore

#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif

namespace docstore {
const Kernels* avx2_kernels() noexcept { return &kTable; }
}  // namespace docstore

#else

namespace docstore {
const Kernels* avx2_kernels() noexcept { return nullptr; }
}  // namespace docstore

#endif
