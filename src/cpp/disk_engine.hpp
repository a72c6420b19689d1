#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "batch.hpp"
#include "generation.hpp"
#include "plan.hpp"

namespace docstore::disk {

struct EngineOptions {
  bool read_only = false;
  bool create = true;
  bool full_sync = false;     // sync every operation before it returns
  std::string config;         // kept in a store that is made; read back otherwise
  FaultHook* hook = nullptr;  // for tests; must outlive the engine
  double sync_delay = 0.9;    // seconds until a single operation is synced
};

// A vector field as it is: memory that stays valid as long as `mapping` is held.
struct VectorsView {
  std::shared_ptr<const Mapping> mapping;
  VectorSpec spec;
  const std::byte* data = nullptr;
  std::uint64_t lines = 0;
  std::vector<std::int64_t> by_position;
  bool contiguous = false;
};

// Records one after the other; record i is blob[offsets[i]] to blob[offsets[i + 1]].
struct RecordBlob {
  std::vector<std::byte> blob;
  std::vector<std::uint64_t> offsets;
};

// What a store amounts to, for people.
struct EngineFacts {
  std::uint64_t generation, disk_bytes, dead_bytes, recovered_bytes;
  bool rebuilt;
};

class Syncer;

// One open store: rows of bytes and vectors in an order, in a directory. Owns
// its files, its lock, and a thread that syncs them. Every method may be called
// from any thread; readers go on while one thread writes. After a fork the
// child may read what was there, and must not write.
class DiskEngine {
 public:
  // Throws NotAStore, StoreLocked, CorruptStore, UnsupportedFormat, IoError.
  DiskEngine(std::string path, EngineOptions options);
  ~DiskEngine();
  DiskEngine(const DiskEngine&) = delete;
  DiskEngine& operator=(const DiskEngine&) = delete;

  const std::string& path() const { return paths_.directory; }
  bool read_only() const { return options_.read_only; }
  bool full_sync() const { return options_.full_sync; }
  std::string config() const;
  void set_config(const std::string& config);
  EngineFacts facts() const;
  bool closed() const { return closed_.load(); }
  bool in_transaction() const { return in_transaction_.load(); }

  // Reading; all throw StoreClosed after close().
  std::uint64_t size() const;
  std::uint64_t sequence() const;
  std::uint64_t version() const { return version_.load(); }
  std::uint64_t vector_count() const;
  std::optional<VectorSpec> vector_spec() const;
  std::vector<std::int64_t> rows(std::uint64_t start, std::uint64_t stop) const;
  std::vector<std::int64_t> positions(std::span<const std::int64_t> rows) const;
  std::vector<std::int64_t> lookup(std::span<const std::string_view> ids);
  // The next three throw DocumentGone for rows that are not there.
  std::vector<std::string> ids(std::span<const std::int64_t> rows) const;
  RecordBlob payloads(std::span<const std::int64_t> rows) const;
  // Lines of rows in the vectors file, -1 for none, checked; with their memory.
  VectorsView vectors_of(std::span<const std::int64_t> rows) const;
  // The same for all rows in order; none without a vector.
  std::optional<VectorsView> vectors() const;

  // Writing; throws what Plan throws, ReadOnlyStore, StorageFull, IoError, and
  // then nothing was done.
  std::vector<std::int64_t> write(const Batch& batch);
  void begin();
  void commit();
  void rollback();
  void flush();
  // For a reader: true when there was something new.
  bool refresh();
  void compact();
  void close();

 private:
  class ReadLock;

  void open_existing();
  void make_new();
  Generation open_current(OpenMode mode);
  bool may_make() const;
  void remove_strays() noexcept;
  void give_back_lines(const std::shared_ptr<VectorsFile>& file) noexcept;

  void check_open() const;
  void check_writable() const;
  std::unique_lock<std::mutex> writing();
  bool forked() const;
  void put_vectors(const Plan& plan, std::shared_ptr<VectorsFile>& file);
  void append(Plan& plan);
  void apply(const Plan& plan, std::uint64_t offset, std::size_t body_size);
  void commit_record(std::uint64_t sequence);
  void fail_forever(const char* why);
  void roll_back_to(std::uint64_t end);
  void sync_all();
  void tidy(bool closing);
  void compact_now();
  void copy_live(Generation& into);
  void copy_chunk(Generation& into, std::span<const std::int64_t> rows);
  void install(Generation fresh);
  void after_write();

  StorePaths paths_;
  EngineOptions options_;
  const std::int64_t process_;

  std::mutex write_mutex_;  // one writer at a time; taken before the others
  mutable std::shared_mutex state_mutex_;
  std::unique_ptr<WriterLock> lock_;
  std::optional<Generation> generation_;
  std::string config_;
  Counters counters_;
  std::uint64_t transaction_start_ = 0;
  bool transaction_wrote_ = false;
  bool wrote_ = false;  // anything, since it was opened
  std::string broken_;  // why nothing can be written any more
  std::atomic<bool> in_transaction_{false};
  std::atomic<bool> closed_{false};
  std::atomic<bool> applying_{false};
  std::atomic<std::uint64_t> version_{1};
  std::unique_ptr<Syncer> syncer_;
};

}  // namespace docstore::disk
