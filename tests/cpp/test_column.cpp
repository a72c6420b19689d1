#include "column.hpp"

#include <atomic>
#include <limits>
#include <thread>
#include <vector>

#include "check.hpp"
#include "errors.hpp"

using namespace docstore;

namespace {

const std::byte* bytes(const std::vector<float>& values) {
  return reinterpret_cast<const std::byte*>(values.data());
}

std::size_t append(Column& column, const std::vector<float>& values) {
  const auto stride = static_cast<std::ptrdiff_t>(column.line_bytes());
  return column.append(bytes(values), stride, values.size() / column.dim());
}

float at(const Column::Snapshot& snapshot, std::size_t i) {
  return reinterpret_cast<const float*>(snapshot.buffer->data())[i];
}

}  // namespace

TEST(lines_are_packed_and_aligned) {
  for (const std::size_t dim : {1, 3, 16, 100}) {
    Column column(DType::kFloat32, dim);
    std::vector<float> all;
    for (std::size_t count = 0; count < 40; ++count) {
      std::vector<float> block(count * dim);
      for (float& v : block) all.push_back(v = static_cast<float>(all.size()));
      CHECK_EQ(append(column, block), (all.size() - block.size()) / dim);
    }
    const Column::Snapshot snapshot = column.snapshot();
    CHECK_EQ(snapshot.lines, column.size());
    CHECK_EQ(reinterpret_cast<std::uintptr_t>(snapshot.buffer->data()) % 64, 0);
    for (std::size_t i = 0; i < all.size(); ++i) CHECK_EQ(at(snapshot, i), all[i]);
  }
}

TEST(any_stride) {
  Column column(DType::kFloat32, 2);
  const std::vector<float> values = {0, 1, 2, 3, 4, 5};
  column.append(bytes(values) + 4 * sizeof(float), -8, 3);
  column.append(bytes(values), 0, 2);
  const Column::Snapshot s = column.snapshot();
  const float expected[] = {4, 5, 2, 3, 0, 1, 0, 1, 0, 1};
  for (std::size_t i = 0; i < 10; ++i) CHECK_EQ(at(s, i), expected[i]);
}

TEST(snapshots_never_change) {
  Column column(DType::kFloat32, 1);
  append(column, {1, 2, 3, 4});
  const Column::Snapshot first = column.snapshot();
  const std::int64_t lines[] = {1, 3};
  const std::vector<float> other = {20, 40};
  column.set(lines, bytes(other), sizeof(float), 2);
  const Column::Snapshot second = column.snapshot();
  column.truncate(1);
  append(column, {7, 8});
  const Column::Snapshot third = column.snapshot();
  append(column, std::vector<float>(100000, 9.0f));
  for (std::size_t i = 0; i < 4; ++i) CHECK_EQ(at(first, i), static_cast<float>(i + 1));
  CHECK_EQ(at(second, 1), 20.0f);
  CHECK_EQ(at(second, 2), 3.0f);
  CHECK_EQ(at(second, 3), 40.0f);
  CHECK_EQ(third.lines, 3);
  CHECK_EQ(at(third, 0), 1.0f);
  CHECK_EQ(at(third, 1), 7.0f);
}

TEST(nothing_is_copied_without_need) {
  Column column(DType::kFloat32, 1);
  append(column, {1, 2, 3, 4, 5, 6});
  append(column, {7});
  const Buffer* before = column.snapshot().buffer.get();
  const std::int64_t line[] = {0};
  const std::vector<float> value = {9};
  column.set(line, bytes(value), sizeof(float), 1);  // no snapshot lives
  column.truncate(2);
  append(column, {5});
  const Column::Snapshot held = column.snapshot();
  append(column, {6});  // behind what the snapshot shows
  CHECK(held.buffer.get() == before);
  CHECK(column.snapshot().buffer.get() == before);
}

TEST(bad_arguments_change_nothing) {
  CHECK_THROWS(InvalidArgument, Column(DType::kFloat32, 0));
  CHECK_THROWS(InvalidArgument,
               Column(DType::kFloat64, std::numeric_limits<std::size_t>::max() / 4));
  Column column(DType::kFloat32, 1);
  append(column, {1, 2});
  const std::vector<float> other = {5, 6};
  for (const std::int64_t bad : {-1, 2}) {
    const std::int64_t lines[] = {0, bad};
    CHECK_THROWS(InvalidArgument, column.set(lines, bytes(other), sizeof(float), 2));
  }
  CHECK_THROWS(InvalidArgument, column.truncate(3));
  const std::size_t most = std::numeric_limits<std::size_t>::max();
  CHECK_THROWS(InvalidArgument, column.append(bytes(other), 4, most));
  CHECK_THROWS(InvalidArgument, column.append(bytes(other), 4, most / 4));
  CHECK_EQ(column.size(), 2);
  CHECK_EQ(at(column.snapshot(), 0), 1.0f);
}

// Run under -fsanitize=thread as well.
TEST(readers_and_writers_at_once) {
  Column column(DType::kFloat32, 4);
  append(column, std::vector<float>(100, 0.0f));
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        const Column::Snapshot snapshot = column.snapshot();
        for (std::size_t line = 0; line < snapshot.lines; ++line) {
          for (std::size_t i = 1; i < 4; ++i)
            CHECK(at(snapshot, line * 4) == at(snapshot, line * 4 + i));
        }
      }
    });
  }
  for (int i = 0; i < 400; ++i) {
    const std::vector<float> value(4, static_cast<float>(i));
    append(column, value);
    const std::int64_t line[] = {i % 20};
    column.set(line, bytes(value), 16, 1);
    if (i % 50 == 49) column.truncate(column.size() / 2 + 25);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

TEST_MAIN()
