#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace docstore {

// How the float32 pass of a search bounds a metric. What it computes is a
// value that grows as rows get nearer: the dot product with the unit query,
// the cosine, or x.q - |x|^2 / 2. kNone: no such pass, every row is scored in
// float64.
enum class Filter { kNone, kInner, kCosine, kSquared };

// One metric. All of docstore knows the metrics by this table alone: a new one
// is one function and one row in distance.cpp.
struct Metric {
  std::string_view name;
  Filter filter;
  // The raw score of a row and a query in float64, with the squared lengths of
  // both: an inner product, a cosine, a squared distance ...
  double (*raw)(const double* x, const double* q, std::size_t dim, double xx, double qq);
  // The distance that users see, from the raw score. Smaller is nearer.
  double (*distance)(double raw);
};

// Immutable, any thread.
std::span<const Metric> metrics() noexcept;

// nullptr when there is no such metric.
const Metric* find_metric(std::string_view name) noexcept;

// Sums in float64, in one fixed order that does not depend on the processor,
// so that scores are the same everywhere.
double dot(const double* x, const double* y, std::size_t dim) noexcept;
double squared_distance(const double* x, const double* y, std::size_t dim) noexcept;

}  // namespace docstore
