#include <algorithm>
#include <random>
#include <vector>

#include "check.hpp"
#include "order.hpp"

using docstore::disk::RowOrder;
using Rows = std::vector<std::int64_t>;

namespace {

void check_same(const RowOrder& order, const Rows& model) {
  CHECK_EQ(order.size(), model.size());
  if (order.size() != model.size()) return;
  Rows all(model.size());
  order.copy(0, all);
  CHECK(all == model);
  for (std::size_t i = 0; i < model.size(); i += 1 + model.size() / 50) {
    CHECK_EQ(order.at(i), model[i]);
    CHECK_EQ(order.position_of(model[i]), static_cast<std::int64_t>(i));
    Rows part(std::min<std::size_t>(7, model.size() - i));
    order.copy(i, part);
    CHECK(std::equal(part.begin(), part.end(), model.begin() + static_cast<std::ptrdiff_t>(i)));
  }
}

// The order and a plain vector go through the same changes.
class Pair {
 public:
  explicit Pair(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t limit) { return random_() % limit; }

  Rows fresh(std::size_t count) {
    Rows rows(count);
    for (auto& row : rows) row = next_ += 1 + static_cast<std::int64_t>(below(3));
    return rows;
  }

  void insert(std::size_t count) {
    const Rows rows = fresh(count);
    const std::size_t at = below(3) == 0 ? model_.size() : below(model_.size() + 1);
    order_.insert(at, rows);
    model_.insert(model_.begin() + static_cast<std::ptrdiff_t>(at), rows.begin(), rows.end());
  }

  void erase(std::size_t count) {
    Rows gone;
    for (std::size_t i = 0; i < count && !model_.empty(); ++i) {
      gone.push_back(model_[below(model_.size())]);
    }
    order_.erase(gone);
    std::erase_if(model_, [&](std::int64_t row) {
      return std::find(gone.begin(), gone.end(), row) != gone.end();
    });
    for (const std::int64_t row : gone) CHECK_EQ(order_.position_of(row), -1);
  }

  void shuffle() {
    std::shuffle(model_.begin(), model_.end(), random_);
    order_.assign(model_);
  }

  void step() {
    const std::size_t kind = below(100);
    if (kind < 50)
      insert(1);
    else if (kind < 60)
      insert(1 + below(40));
    else if (kind < 62)
      insert(1500 + below(6000));
    else if (kind < 90)
      erase(1);
    else if (kind < 97)
      erase(1 + below(30));
    else if (kind < 99)
      erase(model_.size() / 2);
    else
      shuffle();
  }

  void check() const { check_same(order_, model_); }

 private:
  std::mt19937 random_;
  std::int64_t next_ = 0;
  RowOrder order_;
  Rows model_;
};

}  // namespace

TEST(random_changes_follow_a_vector) {
  for (unsigned seed = 0; seed < 12; ++seed) {
    Pair pair(seed);
    for (int i = 0; i < 250; ++i) {
      pair.step();
      pair.check();
    }
  }
}

TEST(an_empty_order_knows_no_row) {
  RowOrder order;
  CHECK_EQ(order.size(), 0u);
  CHECK_EQ(order.position_of(3), -1);
  CHECK_EQ(order.position_of(-1), -1);
  order.erase(Rows{1, 2});
  order.insert(0, Rows{});
  CHECK_EQ(order.size(), 0u);
}

TEST(inserting_at_the_front_again_and_again) {
  RowOrder order;
  for (std::int64_t row = 0; row < 20000; ++row) order.insert(0, Rows{row});
  CHECK_EQ(order.size(), 20000u);
  for (std::int64_t row = 0; row < 20000; row += 777) CHECK_EQ(order.position_of(row), 19999 - row);
}

TEST(what_was_cleared_can_be_filled_again) {
  RowOrder order;
  order.insert(0, Rows{5, 6, 7});
  order.clear();
  CHECK(!order.contains(6));
  order.insert(0, Rows{7, 5});
  CHECK_EQ(order.at(0), 7);
  CHECK_EQ(order.position_of(5), 1);
}

TEST_MAIN()
