#include "distance.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace docstore {
namespace {

constexpr std::size_t kLanes = 8;

double sum(const double (&lane)[kLanes]) {
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

double inner(const double* x, const double* q, std::size_t dim, double, double) {
  return dot(x, q, dim);
}

double squared(const double* x, const double* q, std::size_t dim, double, double) {
  return squared_distance(x, q, dim);
}

double cosine(const double* x, const double* q, std::size_t dim, double xx, double qq) {
  // One root of the product gives exactly 1 for equal vectors; two roots do
  // not overflow.
  const double product = xx * qq;
  const bool fits = product >= std::numeric_limits<double>::min() &&
                    product <= std::numeric_limits<double>::max();
  return dot(x, q, dim) / (fits ? std::sqrt(product) : std::sqrt(xx) * std::sqrt(qq));
}

double identity(double raw) { return raw; }
double one_minus(double raw) { return 1.0 - raw; }
double root(double raw) { return std::sqrt(raw); }

// Rounding may take a cosine a little outside of [-1, 1].
double one_minus_clamped(double raw) { return std::clamp(1.0 - raw, 0.0, 2.0); }

constexpr Metric kMetrics[] = {
    {"cosine", Filter::kCosine, cosine, one_minus_clamped},
    {"euclidean", Filter::kSquared, squared, root},
    {"sqeuclidean", Filter::kSquared, squared, identity},
    {"ip", Filter::kInner, inner, one_minus},
};

}  // namespace

std::span<const Metric> metrics() noexcept { return kMetrics; }

const Metric* find_metric(std::string_view name) noexcept {
  const auto* found = std::find_if(std::begin(kMetrics), std::end(kMetrics),
                                   [&](const Metric& metric) { return metric.name == name; });
  return found == std::end(kMetrics) ? nullptr : found;
}

double dot(const double* x, const double* y, std::size_t dim) noexcept {
  double lane[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) lane[l] += x[i + l] * y[i + l];
  }
  for (std::size_t l = 0; i + l < dim; ++l) lane[l] += x[i + l] * y[i + l];
  return sum(lane);
}

double squared_distance(const double* x, const double* y, std::size_t dim) noexcept {
  double lane[kLanes] = {};
  const auto add = [&](std::size_t at, std::size_t l) {
    const double difference = x[at] - y[at];
    lane[l] += difference * difference;
  };
  std::size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) add(i + l, l);
  }
  for (std::size_t l = 0; i + l < dim; ++l) add(i + l, l);
  return sum(lane);
}

}  // namespace docstore
