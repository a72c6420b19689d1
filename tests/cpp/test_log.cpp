#include <random>

#include "check.hpp"
#include "disk_fixture.hpp"
#include "log.hpp"

using namespace docstore;
using namespace docstore::disk;
using docstore::disk::testing::Faults;
using docstore::disk::testing::slurp;
using docstore::disk::testing::spill;
using docstore::disk::testing::TempDir;

namespace {

ByteWriter frame_of(const std::string& body) {
  ByteWriter frame;
  for (std::size_t i = 0; i < Log::kFrameHead; ++i) frame.put(std::uint8_t{0});
  frame.put_bytes(body.data(), body.size());
  return frame;
}

std::uint64_t put(Log& log, const std::string& body, std::uint64_t sequence,
                  std::uint64_t synced = 0) {
  ByteWriter frame = frame_of(body);
  return log.append(frame, sequence, kCommit, synced);
}

}  // namespace

TEST(records_come_back_as_they_were_written) {
  TempDir dir;
  const auto log = Log::create(dir.path + "/log", {3, 7, 11}, nullptr);
  std::vector<std::string> bodies;
  std::mt19937 random(1);
  for (int i = 0; i < 50; ++i) bodies.emplace_back(random() % 300, static_cast<char>('a' + i % 20));
  for (std::size_t i = 0; i < bodies.size(); ++i) put(*log, bodies[i], i + 1, i);
  const auto again = Log::open(dir.path + "/log", false, nullptr);
  CHECK_EQ(again->start().generation, 3u);
  CHECK_EQ(again->start().sequence, 7u);
  CHECK_EQ(again->start().next_row, 11u);
  std::uint64_t at = Log::kHeaderSize;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    const auto record = again->header_at(at, again->file_size());
    CHECK(record.has_value());
    if (!record) return;
    CHECK_EQ(record->sequence, i + 1);
    CHECK_EQ(record->synced, i);
    const auto body = again->body_of(*record);
    CHECK(body.has_value());
    CHECK(body &&
          std::string(reinterpret_cast<const char*>(body->data()), body->size()) == bodies[i]);
    at = record->end();
  }
  CHECK_EQ(at, again->file_size());
}

TEST(a_changed_byte_is_always_noticed) {
  TempDir dir;
  const std::string path = dir.path + "/log";
  put(*Log::create(path, {1, 0, 0}, nullptr), "hello world", 1);
  const std::string good = slurp(path);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    spill(path, bad);
    bool noticed = false;
    try {
      const auto log = Log::open(path, false, nullptr);
      const auto record = log->header_at(Log::kHeaderSize, bad.size());
      noticed = !record || !log->body_of(*record);
    } catch (const CorruptData&) {
      noticed = true;
    }
    // The padding behind the body says nothing.
    const bool padding = i >= Log::kHeaderSize + Log::kFrameHead + 11;
    CHECK_EQ(noticed, !padding);
  }
}

TEST(a_record_of_another_log_is_not_taken_for_one) {
  TempDir dir;
  const auto first = Log::create(dir.path + "/a", {1, 0, 0}, nullptr);
  put(*first, "inner", 1);
  const std::string inner = slurp(dir.path + "/a").substr(Log::kHeaderSize);
  const auto second = Log::create(dir.path + "/b", {1, 0, 0}, nullptr);
  put(*second, inner, 1);
  CHECK(!second->find_record(Log::kHeaderSize + 8, second->file_size()).has_value());
  put(*second, "after", 2, 99);
  const auto found = second->find_record(Log::kHeaderSize + 8, second->file_size());
  CHECK(found && found->sequence == 2);
  CHECK_EQ(second->last_synced_after(Log::kHeaderSize + 8, second->file_size()), 99u);
}

TEST(a_failed_append_leaves_the_file_as_it_was) {
  TempDir dir;
  Faults faults;
  const auto log = Log::create(dir.path + "/log", {1, 0, 0}, &faults);
  put(*log, "one", 1);
  const std::string before = slurp(dir.path + "/log");
  faults.fail_at = faults.calls;
  faults.code = ENOSPC;
  CHECK_THROWS(StorageFull, put(*log, "two", 2));
  CHECK(!log->broken());
  CHECK(slurp(dir.path + "/log") == before);
  faults.fail_at = faults.calls;
  faults.sticky = true;
  CHECK_THROWS(StorageFull, put(*log, "two", 2));
  CHECK(log->broken());
}

TEST(foreign_and_newer_files_are_refused) {
  TempDir dir;
  const std::string path = dir.path + "/log";
  spill(path, "short");
  CHECK_THROWS(CorruptStore, Log::open(path, false, nullptr));
  spill(path, std::string(100, 'x'));
  CHECK_THROWS(CorruptStore, Log::open(path, false, nullptr));
  std::filesystem::remove(path);
  Log::create(path, {1, 0, 0}, nullptr);
  std::string newer = slurp(path);
  newer[8] = 2;
  spill(path, newer);
  CHECK_THROWS(UnsupportedFormat, Log::open(path, false, nullptr));
}

TEST_MAIN()
