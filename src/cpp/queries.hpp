#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "bounds.hpp"
#include "buffer.hpp"
#include "distance.hpp"

namespace docstore {

// Queries that go through a kernel together: a panel of `lanes` columns, or
// one to kFewQueries vectors when lanes is 0.
struct Unit {
  std::size_t first;   // query
  std::size_t count;   // queries
  std::size_t lanes;   // 0, 16, 32 or 48
  std::size_t lane0;   // where its thresholds begin; each unit's on a cache line
  std::size_t offset;  // where its floats begin
};

// The queries of one search, checked and packed for the kernels. The float64
// values stay the caller's; the packed floats are owned. Immutable after
// construction, any thread.
class Queries {
 public:
  // `data` is count x dim. Throws InvalidVector(-1 - q) for a query that
  // cannot be compared under the metric.
  Queries(const double* data, std::size_t count, std::size_t dim, const Metric& metric);

  std::size_t size() const { return count_; }
  std::size_t dim() const { return dim_; }
  const Metric& metric() const { return metric_; }
  const Bounds& bounds() const { return bounds_; }
  const std::vector<Unit>& units() const { return units_; }

  const double* vector(std::size_t query) const { return data_ + query * dim_; }
  double squared_length(std::size_t query) const { return squared_lengths_[query]; }
  double length(std::size_t query) const { return lengths_[query]; }
  double slack(std::size_t query) const { return slacks_[query]; }

  const float* packed(const Unit& unit) const {
    return reinterpret_cast<const float*>(buffer_->data()) + unit.offset;
  }
  std::size_t padded() const { return padded_; }

 private:
  void plan();
  void pack();

  const double* data_;
  std::size_t count_;
  std::size_t dim_;
  std::size_t padded_;
  const Metric& metric_;
  Bounds bounds_;
  std::vector<double> squared_lengths_;
  std::vector<double> lengths_;
  std::vector<double> slacks_;
  std::vector<Unit> units_;
  std::size_t floats_ = 0;
  std::shared_ptr<Buffer> buffer_;
};

}  // namespace docstore
