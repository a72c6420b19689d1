#include "topk.hpp"

#include <random>

#include "check.hpp"

using namespace docstore;

namespace {

// Feeds values through a TopK as a search would, with errors inside of the
// bounds, and compares with a sort.
void check_stream(std::size_t rows, std::size_t k, double error, int distinct, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> values(rows);
  for (double& v : values) {
    v = uniform(generator);
    if (distinct > 0) v = std::floor(v * distinct);
  }
  const double slack = error / 2;
  std::size_t scored = 0;
  const auto score = [&](std::int64_t row) {
    ++scored;
    const double value = values[static_cast<std::size_t>(row)];
    return Scored{-value, value, row};
  };
  TopK halves[2] = {TopK(k, rows), TopK(k, rows)};
  for (std::size_t row = 0; row < rows; ++row) {
    TopK& top = halves[row % 2];
    const double seen = values[row] + error * uniform(generator) / 2;
    const auto upper = static_cast<float>(seen + error), lower = static_cast<float>(seen - error);
    if (upper < top.threshold()) continue;
    if (top.add({upper, lower, static_cast<std::int64_t>(row)})) top.compact(slack, score);
  }
  halves[0].absorb(halves[1]);
  const std::vector<Scored>& found = halves[0].finish(slack, score);
  std::vector<Scored> expected;
  for (std::size_t row = 0; row < rows; ++row) {
    expected.push_back({-values[row], values[row], static_cast<std::int64_t>(row)});
  }
  std::sort(expected.begin(), expected.end(), nearer);
  CHECK_EQ(found.size(), std::min(k, rows));
  for (std::size_t i = 0; i < found.size(); ++i) CHECK_EQ(found[i].row, expected[i].row);
  CHECK(scored <= rows);  // no row is scored twice
}

}  // namespace

TEST(finds_what_a_sort_finds) {
  unsigned seed = 0;
  for (const std::size_t rows : {1, 2, 30, 100, 3000}) {
    for (const std::size_t k : {1, 2, 10, 100, 5000}) {
      for (const double error : {1e-6, 0.01, 10.0}) {
        for (const int distinct : {0, 1, 3}) check_stream(rows, k, error, distinct, ++seed);
      }
    }
  }
}

TEST(good_bounds_leave_little_to_score) {
  std::size_t scored = 0;
  TopK top(10, 100000);
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> uniform(0, 1);
  const auto score = [&](std::int64_t row) {
    ++scored;
    return Scored{static_cast<double>(row), 0, row};
  };
  for (std::int64_t row = 0; row < 100000; ++row) {
    const float value = uniform(generator);
    if (value < top.threshold()) continue;
    if (top.add({value, value, row})) top.compact(1e-7, score);
  }
  CHECK_EQ(top.finish(1e-7, score).size(), 10);
  CHECK(scored <= 12);
}

TEST(rounds_down) {
  std::mt19937_64 generator(2);
  std::normal_distribution<double> normal(0, 1e3);
  for (int i = 0; i < 100000; ++i) {
    const double x = normal(generator);
    const float down = round_down(x);
    CHECK(down <= x && std::nextafter(down, INFINITY) > x);
  }
  CHECK_EQ(round_down(1e300), std::numeric_limits<float>::max());
  CHECK_EQ(round_down(INFINITY), std::numeric_limits<float>::max());
  CHECK_EQ(round_down(-1e300), -INFINITY);
  CHECK_EQ(round_down(NAN), -INFINITY);
}

TEST_MAIN()
