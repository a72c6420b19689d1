#include "kernels.hpp"

#if defined(__x86_64__) || defined(_M_X64)

#include <immintrin.h>

#if defined(_MSC_VER)
#include <intrin.h>
#endif

#if defined(__clang__)
#pragma clang attribute push(                                                    \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), \
    apply_to = function)
#elif defined(__GNUC__)
// The intrinsics of GCC 12 use values on purpose that were never set.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")
#endif

namespace docstore {
namespace {

struct V {
  using Vec = __m512;
  static constexpr std::size_t kWidth = 16;
  static constexpr int kRows = 8, kVecs48 = 3, kVecs32 = 2, kVecs16 = 1;

  static __mmask16 first(std::size_t n) { return static_cast<__mmask16>((1u << n) - 1); }

  static Vec zero() { return _mm512_setzero_ps(); }
  static Vec set1(float x) { return _mm512_set1_ps(x); }
  static Vec load(const float* p) { return _mm512_loadu_ps(p); }
  static Vec load_part(const float* p, std::size_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
  static Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
  static Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
  static float sum(Vec v) { return _mm512_reduce_add_ps(v); }
  static unsigned not_less(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ); }
  static Vec inverse_root(Vec v) { return _mm512_div_ps(set1(1.0f), _mm512_sqrt_ps(v)); }
};

#include "kernels_body.hpp"

void half(const std::byte* from, std::size_t count, float* to) {
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + 2 * i));
    _mm512_storeu_ps(to + i, _mm512_cvtph_ps(bits));
  }
  if (i == count) return;
  const __mmask16 rest = V::first(count - i);
  const __m256i bits = _mm256_maskz_loadu_epi16(rest, from + 2 * i);
  _mm512_mask_storeu_ps(to + i, rest, _mm512_cvtph_ps(bits));
}

constexpr Kernels kTable = {InstructionSet::kAvx512, tile<V>,   few<V>, norms<V>,
                            inverse_roots<V>,        select<V>, half,   nullptr};

}  // namespace
}  // namespace docstore

#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif

namespace docstore {
const Kernels* avx512_kernels() noexcept { return &kTable; }
}  // namespace docstore

#else

namespace docstore {
const Kernels* avx512_kernels() noexcept { return nullptr; }
}  // namespace docstore

#endif
