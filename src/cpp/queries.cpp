#include "queries.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "scorer.hpp"

namespace docstore {
namespace {

// A panel costs as much as its lanes, `few` as much as its queries and a good
// deal for each: so many queries left over are better off with `few`.
constexpr std::size_t kMostForFew = 6;

// The unit to take next when so many queries are left.
Unit next_unit(std::size_t left) {
  if (left <= kMostForFew) return {0, std::min(left, kFewQueries), 0, 0, 0};
  for (const std::size_t lanes : {std::size_t{16}, std::size_t{32}}) {
    if (left <= lanes + kMostForFew) return {0, std::min(left, lanes), lanes, 0, 0};
  }
  return {0, std::min(left, kPanelLanes), kPanelLanes, 0, 0};
}

std::size_t round_up(std::size_t n, std::size_t step) { return (n + step - 1) / step * step; }

}  // namespace

Queries::Queries(const double* data, std::size_t count, std::size_t dim, const Metric& metric)
    : data_(data),
      count_(count),
      dim_(dim),
      padded_(round_up(dim, kQueryPadding)),
      metric_(metric),
      bounds_(metric.filter, dim) {
  squared_lengths_.reserve(count);
  lengths_.reserve(count);
  slacks_.reserve(count);
  for (std::size_t q = 0; q < count; ++q) {
    const double squared = dot(vector(q), vector(q), dim);
    check_vector(vector(q), dim, squared, metric, -1 - static_cast<std::int64_t>(q));
    squared_lengths_.push_back(squared);
    lengths_.push_back(std::sqrt(squared));
    slacks_.push_back(bounds_.slack(squared));
  }
  plan();
  if (bounds_.filter() != Filter::kNone) pack();
}

void Queries::plan() {
  std::size_t lanes = 0;
  for (std::size_t first = 0; first < count_;) {
    Unit unit = next_unit(count_ - first);
    unit.first = first;
    unit.lane0 = lanes;
    unit.offset = floats_;
    first += unit.count;
    lanes += round_up(std::max(unit.lanes, unit.count), 16);
    floats_ += unit.lanes == 0 ? unit.count * padded_ : unit.lanes * dim_;
    floats_ = round_up(floats_, 16);
    units_.push_back(unit);
  }
}

void Queries::pack() {
  buffer_ = Buffer::make(floats_ * sizeof(float));
  std::memset(buffer_->data(), 0, floats_ * sizeof(float));
  for (const Unit& unit : units_) {
    float* to = reinterpret_cast<float*>(buffer_->data()) + unit.offset;
    const std::size_t between = unit.lanes == 0 ? 1 : unit.lanes;
    for (std::size_t i = 0; i < unit.count; ++i) {
      const double* from = vector(unit.first + i);
      const double scale = bounds_.query_scale(squared_lengths_[unit.first + i]);
      if (scale == 0) continue;
      float* column = to + (unit.lanes == 0 ? i * padded_ : i);
      for (std::size_t j = 0; j < dim_; ++j)
        column[j * between] = static_cast<float>(from[j] * scale);
    }
  }
}

}  // namespace docstore
