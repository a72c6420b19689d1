#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "distance.hpp"
#include "rows.hpp"
#include "topk.hpp"

namespace docstore {

class Queries;

// Throws InvalidVector(row) when a vector cannot be compared under the metric:
// it has NaN or infinity, its squared length overflows float64, or it has no
// direction and the metric needs one. `squared` is the squared length.
void check_vector(const double* x, std::size_t dim, double squared, const Metric& metric,
                  std::int64_t row);

// The rows that a search looks at: all positions of `rows`, or those that the
// mask leaves. A row of a search is a number below size(). Refers to `rows`;
// immutable, any thread.
class Candidates {
 public:
  // `mask` has a byte per position, or is nullptr.
  Candidates(const Rows& rows, const std::uint8_t* mask);

  std::size_t size() const { return chosen_ ? positions_.size() : rows_.size(); }
  const Rows& rows() const { return rows_; }

  std::int64_t position(std::size_t row) const {
    return chosen_ ? positions_[row] : static_cast<std::int64_t>(row);
  }
  bool is_plain_matrix() const { return !chosen_ && rows_.is_plain_matrix(); }
  RowRef at(std::size_t row) const { return rows_.at(static_cast<std::size_t>(position(row))); }

 private:
  const Rows& rows_;
  bool chosen_;
  std::vector<std::int64_t> positions_;
};

// Scores rows in float64, as the results are defined. Has scratch memory: one
// for each thread. Refers to its arguments.
class Scorer {
 public:
  Scorer(const Candidates& candidates, const Queries& queries);

  // Throws InvalidVector when the score is NaN.
  Scored score(std::size_t query, std::int64_t row);

  // Throws InvalidVector when the row cannot be searched.
  void check(std::size_t row);

 private:
  const Candidates& candidates_;
  const Queries& queries_;
  std::vector<double> vector_;
};

}  // namespace docstore
