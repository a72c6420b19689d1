#pragma once

#include <cstddef>

#include "distance.hpp"
#include "kernels.hpp"

namespace docstore {

// What turns the float32 dot products of a block of rows into bounds of their
// values: see Tile. lower = upper - width.
struct RowTerms {
  float* scale;
  float* offset;
  float* width;
};

// The rounding errors of the float32 pass, bounded. The derivation is in
// docs/search.md; in short: a dot product of n terms has an error of at most
// gamma(n) |x||q| whatever the order of its sums (Higham, Accuracy and
// Stability of Numerical Algorithms, 2nd ed., section 3.1), and what belongs
// to the row goes into its terms, what belongs to the query into its slack.
// Immutable, any thread.
class Bounds {
 public:
  Bounds(Filter filter, std::size_t dim);

  // kNone when the bounds would be worth nothing: too many dimensions.
  Filter filter() const { return filter_; }

  // The part of the error that the query brings in, by its squared length;
  // infinite when it cannot be searched for in float32.
  double slack(double squared_length) const;

  // What the query is multiplied by for the float32 pass; 0 when its slack is
  // infinite.
  double query_scale(double squared_length) const;

  // Fills in the terms of `count` rows with these squared lengths. Returns
  // false when is_plain() is false for one of them.
  bool row_terms(const Kernels& kernels, const float* norms, std::size_t count,
                 const RowTerms& out) const;

  // Whether the bounds hold for a row with this squared length; not when it
  // is NaN, infinite, or so large or small that squares leave float32.
  bool is_plain(float norm) const { return norm >= least_ && norm <= kMost; }

  // What underflow may take from a squared length or a product.
  float underflow() const { return tiny_; }

  // Terms of a row that no bound rules out.
  static void set_unbounded(const RowTerms& out, std::size_t row);

 private:
  static constexpr float kMost = 0x1p120f;

  Filter filter_;
  double dim_;
  float least_;
  float row_error_;  // times |x| (inner) or |x|^2 (squared)
  float tiny_;       // underflow
};

}  // namespace docstore
