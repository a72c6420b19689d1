#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "distance.hpp"
#include "kernels.hpp"
#include "rows.hpp"

namespace docstore {

struct SearchOptions {
  int threads = 0;                     // 0: thread_count()
  const std::uint8_t* mask = nullptr;  // a byte per position; 0 leaves it out
  const Kernels* with = nullptr;       // nullptr: kernels()
};

// `width` results for each query, one query after the other, best first.
struct Neighbours {
  std::size_t width = 0;
  std::vector<std::int64_t> positions;
  std::vector<float> distances;
};

// The min(k, candidates) nearest rows of each of the `count` queries (count x
// rows.dim(), float64). The result is that of scoring every row in float64 and
// sorting by distance, then position; see docs/search.md for how it comes
// about without doing so.
//
// Throws InvalidArgument when k is 0, InvalidVector for a row that takes part,
// or a query, that cannot be compared (the lowest such query or position). The
// memory of all arguments must stay valid meanwhile; if another thread changes
// the values in it, the result is of some mixture of old and new, or
// InvalidVector. Any number of threads may search at once.
Neighbours search_exact(const Rows& rows, const double* queries, std::size_t count, std::size_t k,
                        const Metric& metric, const SearchOptions& options = {});

// All distances in float64: out[q * rows.size() + r].
void pairwise(const Rows& rows, const double* queries, std::size_t count, const Metric& metric,
              int threads, double* out);

}  // namespace docstore
