#include "scorer.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "errors.hpp"
#include "queries.hpp"

namespace docstore {
namespace {

std::string describe(std::int64_t row) {
  return row < 0 ? "query " + std::to_string(-1 - row) : "the vector at " + std::to_string(row);
}

// What the bounds of the metric's filter are about, from the raw score.
double value_of(Filter filter, double raw, const Queries& queries, std::size_t query) {
  switch (filter) {
    case Filter::kInner: {
      const double length = queries.length(query);
      return length > 0 ? raw / length : 0.0;
    }
    case Filter::kCosine:
      return raw;
    case Filter::kSquared:
      return 0.5 * (queries.squared_length(query) - raw);
    case Filter::kNone:
      break;
  }
  return 0.0;
}

}  // namespace

void check_vector(const double* x, std::size_t dim, double squared, const Metric& metric,
                  std::int64_t row) {
  if (!std::isfinite(squared)) {
    const bool finite = std::all_of(x, x + dim, [](double v) { return std::isfinite(v); });
    throw InvalidVector(describe(row) + (finite ? " is too long: its squared length overflows"
                                                : " holds NaN or infinity"),
                        row);
  }
  if (metric.filter == Filter::kCosine && squared < std::numeric_limits<double>::min()) {
    throw InvalidVector(describe(row) + " has length zero, so it has no cosine with any other",
                        row);
  }
}

Candidates::Candidates(const Rows& rows, const std::uint8_t* mask)
    : rows_(rows), chosen_(mask != nullptr) {
  if (!chosen_) return;
  const std::size_t n = rows.size();
  std::size_t i = 0;
  while (i < n) {
    std::uint64_t eight = 0;
    if (n - i >= sizeof eight) std::memcpy(&eight, mask + i, sizeof eight);
    const std::size_t end = std::min(n, i + sizeof eight);
    if (eight == 0 && end == i + sizeof eight) {
      i = end;
      continue;
    }
    for (; i < end; ++i) {
      if (mask[i] != 0) positions_.push_back(static_cast<std::int64_t>(i));
    }
  }
}

Scorer::Scorer(const Candidates& candidates, const Queries& queries)
    : candidates_(candidates), queries_(queries), vector_(queries.dim()) {}

Scored Scorer::score(std::size_t query, std::int64_t row) {
  const std::size_t dim = queries_.dim();
  const Metric& metric = queries_.metric();
  const double* q = queries_.vector(query);
  load(candidates_.at(static_cast<std::size_t>(row)), dim, vector_.data());
  const double xx = metric.filter == Filter::kCosine ? dot(vector_.data(), vector_.data(), dim) : 0;
  const double raw = metric.raw(vector_.data(), q, dim, xx, queries_.squared_length(query));
  const double distance = metric.distance(raw);
  if (std::isnan(distance)) {
    // Its squared length was fine a moment ago, or it was never looked at.
    check(static_cast<std::size_t>(row));
    const std::int64_t position = candidates_.position(static_cast<std::size_t>(row));
    throw InvalidVector(describe(position) + " has no distance", position);
  }
  return {distance, value_of(metric.filter, raw, queries_, query), row};
}

void Scorer::check(std::size_t row) {
  load(candidates_.at(row), queries_.dim(), vector_.data());
  const double squared = dot(vector_.data(), vector_.data(), queries_.dim());
  check_vector(vector_.data(), queries_.dim(), squared, queries_.metric(),
               candidates_.position(row));
}

}  // namespace docstore
