#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace docstore {

// A row that the float32 pass could not rule out: its value (Filter in
// distance.hpp) lies in [lower - slack, upper + slack], with the slack of the
// query.
struct Candidate {
  float upper;
  float lower;
  std::int64_t row;
};

// A row with its score in float64; `value` is what the bounds are about.
struct Scored {
  double distance;
  double value;
  std::int64_t row;
};

// The order of results: by distance, equal ones by position.
inline bool nearer(const Scored& a, const Scored& b) {
  return a.distance < b.distance || (a.distance == b.distance && a.row < b.row);
}

// The largest float that is not above x; -infinity when x is below all of
// them or NaN.
inline float round_down(double x) {
  constexpr double kMost = std::numeric_limits<float>::max();
  if (!(x >= -kMost)) return -std::numeric_limits<float>::infinity();
  if (x >= kMost) return std::numeric_limits<float>::max();
  const float rounded = static_cast<float>(x);
  return static_cast<double>(rounded) <= x
             ? rounded
             : std::nextafter(rounded, -std::numeric_limits<float>::infinity());
}

// The best k rows of one query, while rows come in: candidates that are not
// scored yet, and rows that are, of which it keeps the best k. Rows that
// cannot be among the best k any more are dropped whenever `capacity`
// candidates have come together; when the bounds cannot tell enough of them
// apart, all are scored, so that no row is scored twice and memory stays
// bounded however many rows tie. Not for use by two threads at once.
//
// `score` is callable as Scored(std::int64_t row) and may throw.
class TopK {
 public:
  TopK(std::size_t k, std::size_t rows)
      : k_(k), capacity_(k >= rows ? rows + 1 : std::min(rows + 1, 2 * k + 24)) {}

  // Candidates with a smaller upper bound need not be added.
  float threshold() const { return threshold_; }

  // True when it is time to compact.
  bool add(const Candidate& candidate) {
    if (open_.capacity() == 0) open_.reserve(std::min<std::size_t>(capacity_, 4096));
    open_.push_back(candidate);
    return open_.size() >= capacity_;
  }

  template <class Score>
  void compact(double slack, Score&& score) {
    prune(slack);
    if (open_.size() > k_ + (capacity_ - std::min(k_, capacity_)) / 2) settle(slack, score);
  }

  // Takes over what another one has found among other rows.
  void absorb(const TopK& other) {
    open_.insert(open_.end(), other.open_.begin(), other.open_.end());
    closed_.insert(closed_.end(), other.closed_.begin(), other.closed_.end());
    threshold_ = std::max(threshold_, other.threshold_);
  }

  // The best k, or all when there are fewer, in the order of results.
  template <class Score>
  const std::vector<Scored>& finish(double slack, Score&& score) {
    prune(slack);
    settle(slack, score);
    std::sort(closed_.begin(), closed_.end(), nearer);
    return closed_;
  }

 private:
  void prune(double slack) {
    if (open_.size() >= k_) {
      const auto kth = open_.begin() + static_cast<std::ptrdiff_t>(k_ - 1);
      std::nth_element(open_.begin(), kth, open_.end(),
                       [](const Candidate& a, const Candidate& b) { return a.lower > b.lower; });
      raise(static_cast<double>(kth->lower) - 2 * slack);
    }
    std::erase_if(open_, [&](const Candidate& c) { return c.upper < threshold_; });
  }

  template <class Score>
  void settle(double slack, Score&& score) {
    closed_.reserve(closed_.size() + open_.size());
    for (const Candidate& candidate : open_) closed_.push_back(score(candidate.row));
    open_.clear();
    if (closed_.size() < k_) return;
    const auto end = closed_.begin() + static_cast<std::ptrdiff_t>(k_);
    std::nth_element(closed_.begin(), end - 1, closed_.end(), nearer);
    closed_.erase(end, closed_.end());
    double worst = std::numeric_limits<double>::infinity();
    for (const Scored& scored : closed_) worst = std::min(worst, scored.value);
    raise(worst - slack);
  }

  void raise(double value) { threshold_ = std::max(threshold_, round_down(value)); }

  std::size_t k_;
  std::size_t capacity_;
  float threshold_ = -std::numeric_limits<float>::infinity();
  std::vector<Candidate> open_;
  std::vector<Scored> closed_;
};

}  // namespace docstore
