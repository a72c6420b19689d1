#include "kernels.hpp"

#if defined(__aarch64__) || defined(_M_ARM64)

#include <arm_neon.h>

#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace docstore {
namespace {

struct V {
  using Vec = float32x4_t;
  static constexpr std::size_t kWidth = 4;
  static constexpr int kRows = 4, kVecs48 = 6, kVecs32 = 4, kVecs16 = 4;

  static Vec zero() { return vdupq_n_f32(0.0f); }
  static Vec set1(float x) { return vdupq_n_f32(x); }
  static Vec load(const float* p) { return vld1q_f32(p); }
  static Vec load_part(const float* p, std::size_t n) {
    float part[4] = {};
    for (std::size_t i = 0; i < n; ++i) part[i] = p[i];
    return vld1q_f32(part);
  }
  static void store(float* p, Vec v) { vst1q_f32(p, v); }
  static Vec fma(Vec a, Vec b, Vec c) { return vfmaq_f32(c, a, b); }
  static Vec add(Vec a, Vec b) { return vaddq_f32(a, b); }
  static float sum(Vec v) { return vaddvq_f32(v); }
  static unsigned not_less(Vec a, Vec b) {
    const uint32_t weights[4] = {1, 2, 4, 8};
    return vaddvq_u32(vbicq_u32(vld1q_u32(weights), vcltq_f32(a, b)));
  }
  static Vec inverse_root(Vec v) { return vdivq_f32(set1(1.0f), vsqrtq_f32(v)); }
};

#include "kernels_body.hpp"

void half(const std::byte* from, std::size_t count, float* to) {
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const uint8x8_t bits = vld1_u8(reinterpret_cast<const uint8_t*>(from + 2 * i));
    vst1q_f32(to + i, vcvt_f32_f16(vreinterpret_f16_u8(bits)));
  }
  if (i == count) return;
  const auto* bytes = reinterpret_cast<const uint8_t*>(from);
  uint8_t part[8] = {};
  for (std::size_t b = 2 * i; b < 2 * count; ++b) part[b - 2 * i] = bytes[b];
  float rest[4];
  vst1q_f32(rest, vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(part))));
  for (std::size_t j = 0; i + j < count; ++j) to[i + j] = rest[j];
}

constexpr Kernels kTable = {InstructionSet::kNeon, tile<V>,   few<V>, norms<V>,
                            inverse_roots<V>,      select<V>, half,   nullptr};

}  // namespace

const Kernels* neon_kernels() noexcept { return &kTable; }

}  // namespace docstore

#else

namespace docstore {
const Kernels* neon_kernels() noexcept { return nullptr; }
}  // namespace docstore

#endif
