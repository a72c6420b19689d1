#include <cmath>
#include <cstring>

#include "dtype.hpp"
#include "kernels.hpp"

namespace docstore {
namespace {

// Four floats side by side; compilers make one vector register of them.
struct V {
  struct Vec {
    float lane[4];
  };
  static constexpr std::size_t kWidth = 4;
  static constexpr int kRows = 2, kVecs48 = 4, kVecs32 = 4, kVecs16 = 4;

  static Vec zero() { return {{0, 0, 0, 0}}; }
  static Vec set1(float x) { return {{x, x, x, x}}; }
  static Vec load(const float* p) { return {{p[0], p[1], p[2], p[3]}}; }
  static Vec load_part(const float* p, std::size_t n) {
    Vec v = zero();
    for (std::size_t i = 0; i < n; ++i) v.lane[i] = p[i];
    return v;
  }
  static void store(float* p, Vec v) { std::memcpy(p, v.lane, sizeof v.lane); }
  static Vec fma(Vec a, Vec b, Vec c) {
    for (int i = 0; i < 4; ++i) c.lane[i] += a.lane[i] * b.lane[i];
    return c;
  }
  static Vec add(Vec a, Vec b) {
    for (int i = 0; i < 4; ++i) a.lane[i] += b.lane[i];
    return a;
  }
  static float sum(Vec v) { return (v.lane[0] + v.lane[2]) + (v.lane[1] + v.lane[3]); }
  static unsigned not_less(Vec a, Vec b) {
    unsigned mask = 0;
    for (unsigned i = 0; i < 4; ++i) mask |= static_cast<unsigned>(!(a.lane[i] < b.lane[i])) << i;
    return mask;
  }
  static Vec inverse_root(Vec v) {
    for (float& x : v.lane) x = 1.0f / std::sqrt(x);
    return v;
  }
};

#include "kernels_body.hpp"

void half(const std::byte* from, std::size_t count, float* to) {
  for (std::size_t i = 0; i < count; ++i) {
    std::uint16_t bits;
    std::memcpy(&bits, from + i * sizeof bits, sizeof bits);
    to[i] = half_to_float(bits);
  }
}

constexpr Kernels kTable = {InstructionSet::kPortable, tile<V>,   few<V>, norms<V>,
                            inverse_roots<V>,          select<V>, half,   nullptr};

}  // namespace

const Kernels* portable_kernels() noexcept { return &kTable; }

}  // namespace docstore
