#include "kernels.hpp"

#if defined(__x86_64__) || defined(_M_X64)

#include <immintrin.h>

#if defined(_MSC_VER)
#include <intrin.h>
#endif

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vnni,avx2,fma,bmi"))), \
                             apply_to = function)
#elif defined(__GNUC__)
// The intrinsics of GCC 12 use values on purpose that were never set.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vnni,avx2,fma,bmi")
#endif

namespace docstore {
namespace {

// As in kernels_body.hpp, no standard header may be included here.
constexpr std::size_t kWidth = 16;
constexpr int kRows = static_cast<int>(kTileRows);

DOCSTORE_INLINE __mmask16 first(std::size_t n) { return static_cast<__mmask16>((1u << n) - 1); }

DOCSTORE_INLINE unsigned lowest(unsigned mask) { return _tzcnt_u32(mask); }

// Adds the sums of the products of four neighbours. GCC 12 keeps a copy of the
// accumulators of the intrinsic in memory and moves them about in each step,
// which takes twice as long.
DOCSTORE_INLINE void add_products(__m512i& acc, __m512i row, __m512i lanes) {
#if defined(__GNUC__) && !defined(__clang__)
  asm("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(row), "v"(lanes));
#else
  acc = _mm512_dpbusd_epi32(acc, row, lanes);
#endif
}

DOCSTORE_INLINE __m512i four_everywhere(const std::uint8_t* components) {
#if defined(__GNUC__)
  int four;
  __builtin_memcpy(&four, components, sizeof four);
  return _mm512_set1_epi32(four);
#else
  return _mm512_set1_epi32(*reinterpret_cast<const int*>(components));
#endif
}

template <int N>
std::size_t tile_with(const Int8Tile& t, Hit* hits) {
  __m512i acc[kRows][N];
#pragma GCC unroll 8
  for (int v = 0; v < N; ++v) {
    const __m512i start = _mm512_loadu_si512(t.start + static_cast<std::size_t>(v) * kWidth);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) acc[r][v] = start;
  }
  const std::uint8_t* x = t.rows;
  const std::int8_t* p = t.panel;
  for (std::size_t g = 0; g < t.groups; ++g, x += 4, p += 4 * N * kWidth) {
    __m512i y[N];
#pragma GCC unroll 8
    for (int v = 0; v < N; ++v) y[v] = _mm512_loadu_si512(p + static_cast<std::size_t>(v) * 64);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const __m512i s = four_everywhere(x + static_cast<std::size_t>(r) * t.stride);
#pragma GCC unroll 8
      for (int v = 0; v < N; ++v) add_products(acc[r][v], s, y[v]);
    }
  }
  Hit* out = hits;
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    const __m512 scale = _mm512_set1_ps(t.scale[r]), error = _mm512_set1_ps(t.error[r]);
    const __m512 length = _mm512_set1_ps(t.length[r]), offset = _mm512_set1_ps(t.offset[r]);
#pragma GCC unroll 8
    for (int v = 0; v < N; ++v) {
      const std::size_t lane = static_cast<std::size_t>(v) * kWidth;
      const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(acc[r][v]), scale);
      __m512 spare = _mm512_fmadd_ps(length, _mm512_loadu_ps(t.lane_error + lane), offset);
      spare = _mm512_fmadd_ps(error, _mm512_loadu_ps(t.lane_length + lane), spare);
      const __m512 upper = _mm512_fmadd_ps(scaled, _mm512_loadu_ps(t.lane_scale + lane), spare);
      unsigned mask = _mm512_cmp_ps_mask(upper, _mm512_loadu_ps(t.threshold + lane), _CMP_NLT_UQ);
      for (; mask != 0; mask &= mask - 1) {
        *out++ = {static_cast<std::uint16_t>(r), static_cast<std::uint16_t>(lane + lowest(mask)),
                  0.0f};
      }
    }
  }
  return static_cast<std::size_t>(out - hits);
}

std::size_t tile(const Int8Tile& t, Hit* hits) {
  switch (t.lanes) {
    case 48:
      return tile_with<3>(t, hits);
    case 32:
      return tile_with<2>(t, hits);
    default:
      return tile_with<1>(t, hits);
  }
}

DOCSTORE_INLINE __m512 load_up_to(const float* row, std::size_t j, std::size_t dim) {
  if (j + kWidth <= dim) return _mm512_loadu_ps(row + j);
  return _mm512_maskz_loadu_ps(j < dim ? first(dim - j) : __mmask16{0}, row + j);
}

float largest(const float* row, std::size_t dim) {
  __m512 most = _mm512_setzero_ps();
  for (std::size_t j = 0; j < dim; j += kWidth) {
    most = _mm512_max_ps(most, _mm512_abs_ps(load_up_to(row, j, dim)));
  }
  return _mm512_reduce_max_ps(most);
}

// The error is measured in units of the scale, where it is about a third for
// each component: squares of small numbers would vanish. x / scale is off by
// at most 2^-16 there: 127 times two roundings.
Int8Row quantize(const float* row, std::size_t dim, std::size_t stride, std::uint8_t* to) {
  constexpr float kLeast = 0x1p-100f, kMost = 0x1p120f;
  const float most = largest(row, dim);
  const bool fits = most == 0.0f || (most >= kLeast && most <= kMost);
  const __m512 inverse = _mm512_set1_ps(fits && most > 0.0f ? 127.0f / most : 0.0f);
  __m512 squares = _mm512_setzero_ps();
  for (std::size_t j = 0; j < stride; j += kWidth) {
    const __m512 x = load_up_to(row, j, dim);
    const __m512i code = _mm512_cvtps_epi32(_mm512_mul_ps(x, inverse));
    const __m512 left = _mm512_fmsub_ps(x, inverse, _mm512_cvtepi32_ps(code));
    squares = _mm512_fmadd_ps(left, left, squares);
    const __m128i bytes = _mm512_cvtepi32_epi8(_mm512_add_epi32(code, _mm512_set1_epi32(128)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + j), bytes);
  }
  if (!fits) return {0.0f, _mm_cvtss_f32(_mm_castsi128_ps(_mm_set1_epi32(0x7f800000)))};
  const float scale = most / 127.0f;
  const __m128 sum = _mm_set_ss(_mm512_reduce_add_ps(squares));
  const __m128 components = _mm_set_ss(static_cast<float>(dim));
  const float residue = _mm_cvtss_f32(_mm_sqrt_ss(sum));
  const float drift = 0x1p-16f * _mm_cvtss_f32(_mm_sqrt_ss(components));
  return {scale, scale * (residue + drift) * (1 + 0x1p-10f)};
}

constexpr Int8Kernels kInt8 = {tile, quantize};

}  // namespace
}  // namespace docstore

#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif

namespace docstore {

const Kernels* avx512vnni_kernels() noexcept {
  static const Kernels table = [] {
    Kernels with = *avx512_kernels();
    with.set = InstructionSet::kAvx512Vnni;
    with.int8 = &kInt8;
    return with;
  }();
  return &table;
}

}  // namespace docstore

#else

namespace docstore {
const Kernels* avx512vnni_kernels() noexcept { return nullptr; }
}  // namespace docstore

#endif
