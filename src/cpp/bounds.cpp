#include "bounds.hpp"

#include <cmath>
#include <limits>

namespace docstore {
namespace {

// Rounding unit of float32; the safety factor covers the terms of second
// order, which stay below 0.02 of the first up to kMostDims.
constexpr double kUnit = 0x1p-24;
constexpr double kUnit64 = 0x1p-53;
constexpr double kSafety = 1.05;
constexpr std::size_t kMostDims = std::size_t{1} << 17;

}  // namespace

Bounds::Bounds(Filter filter, std::size_t dim)
    : filter_(dim > kMostDims ? Filter::kNone : filter),
      dim_(static_cast<double>(dim)),
      least_(filter == Filter::kCosine ? 0x1p-80f : 0.0f),
      row_error_(static_cast<float>(kSafety * kUnit *
                                    (filter == Filter::kSquared ? 0.5625 * dim_ + 16 : dim_ + 16))),
      tiny_(static_cast<float>(dim_ * 0x1p-120)) {}

double Bounds::slack(double squared_length) const {
  switch (filter_) {
    case Filter::kCosine:
      return kSafety * kUnit * (1.125 * dim_ + 16) + 0x1p-40;
    case Filter::kInner:
      // Distances are 1 - x.q, rounded: that may make values equal which
      // differ by a unit of 1, seen relative to the query's length.
      return 4 * kUnit64 / std::sqrt(squared_length);
    case Filter::kSquared:
      if (!(squared_length <= static_cast<double>(kMost))) break;
      return kSafety * kUnit * (0.5 * dim_ + 8) * squared_length + dim_ * 0x1p-120;
    case Filter::kNone:
      break;
  }
  return std::numeric_limits<double>::infinity();
}

double Bounds::query_scale(double squared_length) const {
  if (std::isinf(slack(squared_length))) return 0.0;
  return filter_ == Filter::kSquared ? 1.0 : 1.0 / std::sqrt(squared_length);
}

bool Bounds::row_terms(const Kernels& kernels, const float* norms, std::size_t count,
                       const RowTerms& out) const {
  bool plain = true;
  for (std::size_t i = 0; i < count; ++i) plain &= is_plain(norms[i]);
  switch (filter_) {
    case Filter::kCosine:
      kernels.inverse_roots(norms, count, out.scale);
      for (std::size_t i = 0; i < count; ++i) out.offset[i] = 0;
      for (std::size_t i = 0; i < count; ++i) out.width[i] = 0;
      break;
    case Filter::kInner:
      for (std::size_t i = 0; i < count; ++i) out.width[i] = norms[i] + tiny_;
      kernels.inverse_roots(out.width, count, out.offset);
      for (std::size_t i = 0; i < count; ++i) {
        out.offset[i] = row_error_ * (out.width[i] * out.offset[i]) + tiny_;
        out.width[i] = 2 * out.offset[i];
        out.scale[i] = 1;
      }
      break;
    case Filter::kSquared:
      for (std::size_t i = 0; i < count; ++i) {
        const float error = row_error_ * norms[i] + tiny_;
        out.offset[i] = error - 0.5f * norms[i];
        out.width[i] = 2 * error;
        out.scale[i] = 1;
      }
      break;
    case Filter::kNone:
      break;
  }
  return plain;
}

void Bounds::set_unbounded(const RowTerms& out, std::size_t row) {
  out.scale[row] = 0;
  out.offset[row] = std::numeric_limits<float>::infinity();
  out.width[row] = std::numeric_limits<float>::infinity();
}

}  // namespace docstore
