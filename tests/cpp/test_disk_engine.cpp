#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <random>
#include <thread>

#include "check.hpp"
#include "disk_fixture.hpp"

using namespace docstore;
using namespace docstore::disk;
using namespace docstore::disk::testing;

namespace {

// A history of batches that uses every kind of change; after(n) is the content
// that the first n of them amount to.
using Step = std::function<void(DiskEngine&)>;

std::vector<Step> history() {
  std::vector<Step> steps;
  steps.push_back([](DiskEngine& e) {
    e.write({insert(0, {{"a", "first", {1, 2, 3}}, {"b", "second", {}}, {"c", "", {4, 5, 6}}})});
  });
  steps.push_back([](DiskEngine& e) { e.write({insert(1, {{"d", "between", {7, 8, 9}}})}); });
  steps.push_back(
      [](DiskEngine& e) { e.write({update({e.rows(0, 1)}, {{"a2", "changed", {9, 9, 9}}})}); });
  steps.push_back([](DiskEngine& e) { e.write({DeleteRows{e.rows(2, 3)}}); });
  steps.push_back([](DiskEngine& e) {
    auto rows = e.rows(0, e.size());
    std::reverse(rows.begin(), rows.end());
    e.write({ReorderRows{rows}});
  });
  steps.push_back([](DiskEngine& e) {
    e.begin();
    e.write({insert(0, {{"x", "in a transaction", {1, 1, 1}}})});
    e.write({DeleteRows{e.rows(1, 2)}});
    e.commit();
  });
  steps.push_back([](DiskEngine& e) {
    e.write({ClearRows{}, insert(0, {{"a", "anew", {1, 2}}, {"z", "last", {3, 4}}})});
  });
  steps.push_back([](DiskEngine& e) { e.write({insert(2, {{"end", "end", {}}})}); });
  return steps;
}

std::vector<Docs> contents() {
  TempDir dir;
  DiskEngine engine(dir.path, with(nullptr));
  std::vector<Docs> all{content(engine)};
  for (const Step& step : history()) {
    step(engine);
    all.push_back(content(engine));
  }
  return all;
}

// The files of a store whose process was killed: no close, no checkpoint.
std::map<std::string, std::string> killed_files() {
  TempDir dir;
  DiskEngine engine(dir.path, with(nullptr));
  for (const Step& step : history()) step(engine);
  return files_of(dir.path);
}

bool known(const Docs& docs, const std::vector<Docs>& all) {
  return std::find(all.begin(), all.end(), docs) != all.end();
}

}  // namespace

TEST(what_was_written_is_there_after_reopening) {
  const auto all = contents();
  CHECK_EQ(all.back().size(), 3u);
  CHECK(all[1][2] == (Doc{"c", "", {4, 5, 6}}));
  TempDir dir;
  const auto steps = history();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    DiskEngine engine(dir.path, with(nullptr));
    CHECK(content(engine) == all[i]);
    steps[i](engine);
    CHECK(content(engine) == all[i + 1]);
    CHECK_EQ(engine.sequence(), i + 1);
  }
}

TEST(a_log_cut_anywhere_holds_a_prefix_of_the_commits) {
  const auto files = killed_files();
  const auto all = contents();
  TempDir dir;
  std::size_t last = 0;
  const std::string& log = files.at("log-1");
  for (std::size_t size = Log::kHeaderSize; size <= log.size(); ++size) {
    auto cut = files;
    cut["log-1"] = log.substr(0, size);
    restore(dir.path, cut);
    std::uint64_t sequence = 0;
    {
      DiskEngine engine(dir.path, with(nullptr));
      sequence = engine.sequence();
      CHECK(sequence >= last && sequence <= last + 1);
      CHECK(content(engine) == all[sequence]);
      engine.write({insert(0, {{"more", "after recovery", {}}})});
    }
    DiskEngine engine(dir.path, with(nullptr));
    CHECK_EQ(engine.sequence(), sequence + 1);
    CHECK_EQ(engine.facts().recovered_bytes, 0u);
    last = static_cast<std::size_t>(sequence);
  }
  CHECK_EQ(last, history().size());
}

TEST(a_flipped_byte_gives_an_error_or_the_truth) {
  const auto all = contents();
  for (const bool closed : {false, true}) {
    TempDir source;
    {
      auto engine = std::make_unique<DiskEngine>(source.path, with(nullptr));
      for (const Step& step : history()) step(*engine);
      if (!closed) restore(source.path + "-killed", files_of(source.path));
    }
    const auto files = files_of(closed ? source.path : source.path + "-killed");
    std::filesystem::remove_all(source.path + "-killed");
    TempDir dir;
    for (const auto& [name, bytes] : files) {
      if (name == "LOCK") continue;
      // The header page of a vector file is mostly empty: a sample is enough.
      const std::size_t stride = bytes.size() > 2000 ? 13 : 1;
      for (std::size_t i = 0; i < bytes.size(); i += stride) {
        auto bad = files;
        bad[name][i] = static_cast<char>(bad[name][i] ^ (1 << (i % 8)));
        restore(dir.path, bad);
        try {
          DiskEngine engine(dir.path, with(nullptr));
          const Docs found = content(engine);
          // Only an end that might have been torn may be missing, and is told.
          CHECK(found == all.back() ||
                (!closed && known(found, all) && engine.facts().recovered_bytes > 0));
        } catch (const CorruptData&) {
        }
      }
    }
  }
}

TEST(a_damaged_checkpoint_is_read_from_the_log_instead) {
  const auto all = contents();
  TempDir dir;
  {
    DiskEngine engine(dir.path, with(nullptr));
    for (const Step& step : history()) step(engine);
  }
  auto files = files_of(dir.path);
  CHECK(files.contains("checkpoint-1"));
  files["checkpoint-1"][150] ^= 1;
  restore(dir.path, files);
  {
    DiskEngine engine(dir.path, with(nullptr));
    CHECK(engine.facts().rebuilt);
    CHECK(content(engine) == all.back());
  }
  files.erase("checkpoint-1");
  restore(dir.path, files);
  DiskEngine engine(dir.path, with(nullptr));
  CHECK(content(engine) == all.back());
}

TEST(damage_before_whole_commits_is_never_cut_off) {
  TempDir dir;
  std::map<std::string, std::string> files;
  {
    DiskEngine engine(dir.path, with(nullptr));
    engine.write({insert(0, {{"a", "never synced", {}}})});
    engine.write({insert(1, {{"b", "neither", {}}})});
    files = files_of(dir.path);
  }
  files["log-1"][Log::kHeaderSize + 60] ^= 1;
  restore(dir.path, files);
  CHECK_THROWS(CorruptStore, DiskEngine(dir.path, with(nullptr)));
  // After a power failure the same may be an end that was being written.
  spill(dir.path + "/LOCK", "1\nanother boot\n");
  DiskEngine engine(dir.path, with(nullptr));
  CHECK_EQ(engine.size(), 0u);
  CHECK(engine.facts().recovered_bytes > 0);
}

TEST(damage_to_what_was_synced_is_told_after_a_power_failure_too) {
  TempDir dir;
  std::map<std::string, std::string> files;
  {
    DiskEngine engine(dir.path, with(nullptr));
    engine.write({insert(0, {{"a", "synced", {}}})});
    engine.flush();
    engine.write({insert(1, {{"b", "after", {}}})});
    files = files_of(dir.path);
  }
  files["log-1"][Log::kHeaderSize + 60] ^= 1;
  files["LOCK"] = "1\nanother boot\n";
  restore(dir.path, files);
  CHECK_THROWS(CorruptStore, DiskEngine(dir.path, with(nullptr)));
}

TEST(vectors_lost_in_a_power_failure_end_the_log) {
  auto files = killed_files();
  const auto all = contents();
  files["LOCK"] = "1\nanother boot\n";
  for (auto& [name, bytes] : files) {
    if (name == "embedding-1-1.vec") bytes.resize(VectorsFile::kHeaderSize);
  }
  TempDir dir;
  restore(dir.path, files);
  DiskEngine engine(dir.path, with(nullptr));
  CHECK(content(engine) == all[6]);
}

// Every step of the history with the k-th system call failing, for all k.
TEST(a_failed_system_call_leaves_the_store_as_it_was) {
  const auto all = contents();
  const auto steps = history();
  for (const bool full : {false, true}) {
    for (const int code : {EIO, ENOSPC}) {
      for (std::size_t at = 0; at < steps.size(); ++at) {
        for (long k = 0;; ++k) {
          TempDir dir;
          Faults faults;
          faults.code = code;
          bool failed = false;
          EngineOptions options = with(&faults);
          options.full_sync = full;
          {
            DiskEngine engine(dir.path, options);
            for (std::size_t i = 0; i < at; ++i) steps[i](engine);
            faults.fail_at = faults.calls + k;
            try {
              steps[at](engine);
            } catch (const Error&) {
              failed = true;
              if (engine.in_transaction()) engine.rollback();
            }
            faults.fail_at = -1;
            CHECK(content(engine) == all[failed ? at : at + 1]);
            if (failed && faults.failed != Call::kSync) {
              steps[at](engine);
              CHECK(content(engine) == all[at + 1]);
            }
          }
          DiskEngine engine(dir.path, with(nullptr));
          const bool poisoned = failed && faults.failed == Call::kSync;
          CHECK(content(engine) == all[poisoned ? at : at + 1]);
          if (!failed) break;
        }
      }
    }
  }
}

TEST(after_a_failed_sync_nothing_is_written_until_it_is_opened_again) {
  TempDir dir;
  Faults faults;
  EngineOptions options = with(&faults);
  {
    DiskEngine engine(dir.path, options);
    engine.write({insert(0, {{"a", "1", {}}})});
    faults.fail_at = faults.calls;
    CHECK_THROWS(IoError, engine.flush());
    CHECK_THROWS(IoError, engine.write({insert(0, {{"b", "2", {}}})}));
    CHECK_EQ(engine.size(), 1u);
    CHECK_THROWS(IoError, engine.close());
  }
  DiskEngine engine(dir.path, options);
  engine.write({insert(0, {{"b", "2", {}}})});
}

TEST(a_failed_compaction_changes_nothing) {
  const auto all = contents();
  const auto steps = history();
  for (long k = 0;; ++k) {
    TempDir dir;
    Faults faults;
    bool failed = false;
    {
      DiskEngine engine(dir.path, with(&faults));
      for (const Step& step : steps) step(engine);
      engine.flush();
      faults.fail_at = faults.calls + k;
      try {
        engine.compact();
      } catch (const Error&) {
        failed = true;
      }
      CHECK(content(engine) == all.back());
    }
    DiskEngine engine(dir.path, with(nullptr));
    CHECK(content(engine) == all.back());
    CHECK_EQ(engine.sequence(), steps.size());
    if (faults.calls <= faults.fail_at) {
      CHECK(!failed);
      break;
    }
  }
}

TEST(compaction_keeps_row_numbers_and_never_reuses_one) {
  TempDir dir;
  DiskEngine engine(dir.path, with(nullptr));
  Docs docs;
  for (int i = 0; i < 9000; ++i) {
    docs.push_back({"d" + std::to_string(i), std::string(50, 'x'), {float(i), 1}});
  }
  const auto rows = engine.write({insert(0, docs)});
  std::vector<std::int64_t> gone;
  for (const auto row : rows) {
    if (row % 3 != 0) gone.push_back(row);
  }
  engine.write({DeleteRows{gone}});
  const auto held = engine.vectors();
  const Docs before = content(engine);
  const auto left = engine.rows(0, engine.size());
  const auto size = engine.facts().disk_bytes;
  engine.compact();
  CHECK(content(engine) == before);
  CHECK(engine.rows(0, engine.size()) == left);
  CHECK(engine.facts().disk_bytes < size / 2);
  CHECK(engine.vectors()->contiguous);
  // The old view still shows what it showed.
  float value;
  std::memcpy(&value, held->data + held->by_position[1] * 8, 4);
  CHECK_EQ(value, 3.0f);
  CHECK_THROWS(DocumentGone, engine.payloads(std::vector<std::int64_t>{1}));
  CHECK_EQ(engine.write({insert(0, {{"new", "", {}}})}).at(0) + 0, 9000);
  engine.close();
  DiskEngine again(dir.path, with(nullptr));
  CHECK_EQ(again.size(), before.size() + 1);
  CHECK_EQ(again.write({insert(0, {{"newer", "", {}}})}).at(0) + 0, 9001);
}

TEST(a_bad_batch_changes_nothing) {
  TempDir dir;
  DiskEngine engine(dir.path, with(nullptr));
  engine.write({insert(0, {{"a", "1", {1, 2}}})});
  const Docs before = content(engine);
  CHECK_THROWS(DuplicateId, engine.write({insert(0, {{"b", "", {}}}), insert(0, {{"a", "", {}}})}));
  CHECK_THROWS(DuplicateId, engine.write({insert(0, {{"b", "", {}}, {"b", "", {}}})}));
  CHECK_THROWS(InvalidArgument, engine.write({insert(7, {{"b", "", {}}})}));
  CHECK_THROWS(InvalidArgument, engine.write({insert(0, {{"b", "", {1, 2, 3}}})}));
  CHECK_THROWS(DocumentGone, engine.write({DeleteRows{{5}}}));
  CHECK_THROWS(DocumentGone, engine.write({DeleteRows{{0}}, DeleteRows{{0}}}));
  CHECK_THROWS(InvalidArgument, engine.write({ReorderRows{{0, 0}}}));
  CHECK_THROWS(DocumentGone, engine.write({ReorderRows{{3}}}));
  CHECK(content(engine) == before);
  engine.write({DeleteRows{{0}}, insert(0, {{"a", "again", {1, 2, 3}}})});
  CHECK(content(engine)[0] == (Doc{"a", "again", {1, 2, 3}}));
}

TEST(two_rows_may_swap_their_ids) {
  TempDir dir;
  DiskEngine engine(dir.path, with(nullptr));
  const auto rows = engine.write({insert(0, {{"a", "1", {}}, {"b", "2", {}}})});
  engine.write({update(rows, {{"b", "1", {}}, {"a", "2", {}}})});
  const std::string_view ids[] = {"a", "b", "c"};
  CHECK(engine.lookup(ids) == (std::vector<std::int64_t>{1, 0, -1}));
}

TEST(rolling_back_undoes_everything) {
  const auto steps = history();
  TempDir dir;
  DiskEngine engine(dir.path, with(nullptr));
  engine.write({insert(0, {{"keep", "kept", {1, 2, 3}}})});
  const Docs before = content(engine);
  const std::string log = slurp(dir.path + "/log-1");
  engine.begin();
  CHECK_THROWS(TransactionError, engine.begin());
  CHECK_THROWS(TransactionError, engine.compact());
  engine.write({insert(0, {{"x", "", {4, 5, 6}}})});
  engine.write({ClearRows{}, insert(0, {{"y", "", {1, 2}}})});
  CHECK_EQ(engine.size(), 1u);
  engine.rollback();
  CHECK(content(engine) == before);
  CHECK(slurp(dir.path + "/log-1") == log);
  CHECK_THROWS(TransactionError, engine.rollback());
  engine.write({insert(1, {{"x", "after", {7, 8, 9}}})});
  engine.close();
  DiskEngine again(dir.path, with(nullptr));
  CHECK_EQ(again.size(), 2u);
  CHECK(content(again)[1] == (Doc{"x", "after", {7, 8, 9}}));
}

TEST(readers_see_commits_when_they_ask) {
  TempDir dir;
  DiskEngine writer(dir.path, with(nullptr));
  EngineOptions options = with(nullptr);
  options.read_only = true;
  writer.write({insert(0, {{"a", "1", {1, 2}}})});
  DiskEngine reader(dir.path, options);
  CHECK_THROWS(ReadOnlyStore, reader.write({insert(0, {{"b", "", {}}})}));
  const Docs first = content(reader);
  CHECK(!reader.refresh());
  writer.begin();
  writer.write({insert(0, {{"b", "2", {3, 4}}})});
  CHECK(!reader.refresh());
  writer.commit();
  CHECK(content(reader) == first);
  CHECK(reader.refresh());
  CHECK(content(reader) == content(writer));
  writer.write({DeleteRows{writer.rows(0, 1)}});
  writer.compact();
  CHECK_EQ(content(reader).size(), 2u);
  CHECK(reader.refresh());
  CHECK(content(reader) == content(writer));
}

TEST(a_child_reads_and_does_not_write) {
  TempDir dir;
  EngineOptions options;
  options.sync_delay = 0.01;
  DiskEngine engine(dir.path, options);
  engine.write({insert(0, {{"a", "1", {1, 2}}})});
  const pid_t child = ::fork();
  if (child == 0) {
    int result = content(engine).size() == 1 ? 0 : 1;
    try {
      engine.write({insert(0, {{"b", "2", {}}})});
      result = 2;
    } catch (const IoError&) {
    }
    engine.close();
    ::_exit(result);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK_EQ(WEXITSTATUS(status), 0);
  engine.write({insert(0, {{"b", "2", {}}})});
  CHECK_THROWS(StoreLocked, DiskEngine(dir.path, with(nullptr)));
}

TEST(only_stores_are_opened) {
  TempDir dir;
  spill(dir.path + "/file", "x");
  CHECK_THROWS(NotAStore, DiskEngine(dir.path, with(nullptr)));
  CHECK_THROWS(NotAStore, DiskEngine(dir.path + "/file", with(nullptr)));
  CHECK_EQ(files_of(dir.path).size(), 1u);
  EngineOptions options = with(nullptr);
  options.create = false;
  CHECK_THROWS(NotAStore, DiskEngine(dir.path + "/none", options));
  DiskEngine engine(dir.path + "/deep/er", with(nullptr));
  engine.close();
  engine.close();
  CHECK_THROWS(StoreClosed, engine.size());
}

TEST(threads_read_while_one_writes_and_compacts) {
  TempDir dir;
  EngineOptions options;
  options.sync_delay = 0.005;
  DiskEngine engine(dir.path, options);
  Docs docs;
  for (int i = 0; i < 200; ++i) docs.push_back({"s" + std::to_string(i), "text", {1, float(i)}});
  engine.write({insert(0, docs)});
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&] {
      while (!stop) {
        try {
          const auto rows = engine.rows(0, 100);
          const auto view = engine.vectors();
          const auto records = engine.payloads(rows);
          CHECK_EQ(records.offsets.size(), rows.size() + 1);
          if (view) CHECK_EQ(view->spec.dim, 2u);
          const std::string_view id = "s7";
          CHECK(engine.lookup({&id, 1})[0] == 7);
          CHECK(engine.positions(std::vector<std::int64_t>{7})[0] >= 0);
        } catch (const DocumentGone&) {
        }
      }
    });
  }
  for (int i = 0; i < 60; ++i) {
    const auto name = "n" + std::to_string(i);
    const auto rows = engine.write({insert(0, {{name, "new", {2, 3}}})});
    if (i % 3 == 0) engine.write({DeleteRows{rows}});
    if (i % 20 == 5) engine.compact();
    if (i % 20 == 9) {
      engine.begin();
      engine.write({insert(0, {{name + "!", "gone", {}}})});
      engine.rollback();
    }
  }
  stop = true;
  for (auto& reader : readers) reader.join();
  CHECK_EQ(engine.size(), 240u);
}

TEST_MAIN()
