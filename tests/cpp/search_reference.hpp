#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <random>
#include <string_view>
#include <vector>

#include "cpu.hpp"
#include "kernels.hpp"

// The definition of a search, as plainly as it can be written, and data for
// the tests that compare with it.
namespace docstore::testing {

inline double reference_distance(std::string_view metric, const double* x, const double* q,
                                 std::size_t dim) {
  long double dot = 0, xx = 0, qq = 0, squared = 0;
  for (std::size_t i = 0; i < dim; ++i) {
    const long double a = x[i], b = q[i];
    dot += a * b;
    xx += a * a;
    qq += b * b;
    squared += (a - b) * (a - b);
  }
  if (metric == "ip") return static_cast<double>(1 - dot);
  if (metric == "sqeuclidean") return static_cast<double>(squared);
  if (metric == "euclidean") return static_cast<double>(std::sqrt(squared));
  return std::clamp(static_cast<double>(1 - dot / std::sqrt(xx * qq)), 0.0, 2.0);
}

// The distances of all rows, and their order: nearest first, equal ones by row.
struct Reference {
  std::vector<double> distances;
  std::vector<std::int64_t> order;

  Reference(std::string_view metric, const std::vector<double>& rows, const double* query,
            std::size_t dim)
      : distances(dim == 0 ? 0 : rows.size() / dim), order(distances.size()) {
    for (std::size_t i = 0; i < distances.size(); ++i) {
      distances[i] = reference_distance(metric, rows.data() + i * dim, query, dim);
    }
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return distances[static_cast<std::size_t>(a)] < distances[static_cast<std::size_t>(b)];
    });
  }
};

inline std::vector<double> random_values(std::size_t count, unsigned seed, double scale = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal(0, scale);
  std::vector<double> values(count);
  // Rounded, so that the same values exist in float32 and float64.
  for (double& value : values) value = static_cast<double>(static_cast<float>(normal(generator)));
  return values;
}

template <class T>
std::vector<T> as(const std::vector<double>& values) {
  std::vector<T> out(values.size());
  std::transform(values.begin(), values.end(), out.begin(),
                 [](double v) { return static_cast<T>(v); });
  return out;
}

// Every kernel that this machine can run.
inline std::vector<const Kernels*> all_kernels() {
  std::vector<const Kernels*> all;
  for (const auto set : {InstructionSet::kPortable, InstructionSet::kNeon, InstructionSet::kAvx2,
                         InstructionSet::kAvx512, InstructionSet::kAvx512Vnni}) {
    if (const Kernels* found = kernels_for(set)) all.push_back(found);
  }
  return all;
}

}  // namespace docstore::testing
