#include <algorithm>
#include <exception>
#include <utility>

#include "disk_engine.hpp"
#include "disk_read.hpp"
#include "errors.hpp"
#include "syncer.hpp"

namespace docstore::disk {
namespace {

// When a session compacts by itself, in the middle and at its end.
constexpr std::uint64_t kMuchDead = std::uint64_t{64} << 20;
constexpr std::uint64_t kSomeDead = std::uint64_t{4} << 20;

}  // namespace

std::vector<std::int64_t> DiskEngine::write(const Batch& batch) {
  const auto writer = writing();
  check_writable();
  if (batch.empty()) return {};
  {
    // A thread that looks up an id may be building it just now.
    const std::unique_lock guard(state_mutex_);
    generation_->state.build_index();
  }
  Plan plan(generation_->state, counters_, batch);
  append(plan);
  after_write();
  return std::move(plan.inserted);
}

// Writes the vectors of a plan; `file` becomes the one in use at its end.
void DiskEngine::put_vectors(const Plan& plan, std::shared_ptr<VectorsFile>& file) {
  for (const LineWrite& part : plan.writes) {
    if (!file || file->spec() != part.spec) {
      // From here on only the new file is synced.
      if (file) file->sync();
      file = generation_->make_vectors(part.spec);
    }
    file->write(part.first_line, part.lines);
  }
}

// Vectors first, then the record that names them, then the memory. Whatever
// fails before the last step leaves no trace in the log.
void DiskEngine::append(Plan& plan) {
  Log& log = *generation_->log;
  const std::uint64_t before = log.end();
  std::shared_ptr<VectorsFile> file = generation_->vectors;
  // Numbers are used up even if the write fails: nobody can tell what a reader
  // of these files has seen.
  counters_.epoch = plan.counters.epoch;
  const std::size_t body_size = plan.frame.size() - Log::kFrameHead;
  put_vectors(plan, file);
  const bool alone = !in_transaction_.load();
  std::uint64_t offset = 0;
  try {
    offset = log.append(plan.frame, generation_->state.sequence + 1,
                        alone ? std::uint32_t{kCommit} : 0, syncer_->synced());
  } catch (...) {
    if (log.broken()) fail_forever("a failed write could not be undone");
    give_back_lines(file);
    throw;
  }
  try {
    if (file != generation_->vectors) {
      syncer_->watch(generation_->log, file, std::min(syncer_->synced(), before));
    }
    if (alone && options_.full_sync) syncer_->sync(log.end());
  } catch (const std::exception& error) {
    // What a failed sync leaves on the device is unknown.
    fail_forever(error.what());
    log.cut(before);
    throw;
  }
  const std::unique_lock guard(state_mutex_);
  generation_->vectors = std::move(file);
  apply(plan, offset, body_size);
  wrote_ = true;
}

// After a failed write: the lines behind the last used one belong to nobody.
void DiskEngine::give_back_lines(const std::shared_ptr<VectorsFile>& file) noexcept {
  if (!file || file != generation_->vectors) return;
  try {
    file->cut(counters_.line);
  } catch (const Error&) {
    // A longer file does no harm.
  }
}

void DiskEngine::apply(const Plan& plan, std::uint64_t offset, std::size_t body_size) {
  const std::uint64_t before = generation_->applied_end;
  applying_ = true;
  try {
    const Bytes body = plan.frame.bytes().subspan(Log::kFrameHead, body_size);
    generation_->apply(body, offset + Log::kFrameHead);
    if (!in_transaction_.load()) ++generation_->state.sequence;
    generation_->applied_end = generation_->log->end();
  } catch (...) {
    try {
      generation_->go_back(before);
      syncer_->cut(before);
    } catch (const std::exception& error) {
      broken_ = error.what();
    }
    applying_ = false;
    ++version_;
    throw;
  }
  applying_ = false;
  counters_ = plan.counters;
  for (const LineWrite& part : plan.writes) {
    if (!generation_->vectors || part.spec != generation_->vectors->spec()) continue;
    generation_->vectors->trust(part.first_line, part.lines.size() / part.spec.line_bytes());
  }
  ++version_;
}

void DiskEngine::after_write() {
  if (in_transaction_.load()) {
    transaction_wrote_ = true;
    return;
  }
  if (!options_.full_sync) syncer_->wrote(generation_->log->end());
  const std::uint64_t dead = generation_->dead_bytes();
  if (dead < kMuchDead || dead < generation_->disk_bytes() / 4 * 3) return;
  try {
    compact_now();
  } catch (const Error&) {
    // The write itself is done; there may be no room for a second copy.
  }
}

void DiskEngine::fail_forever(const char* why) {
  if (broken_.empty()) broken_ = why;
}

void DiskEngine::begin() {
  const auto writer = writing();
  check_writable();
  if (in_transaction_.load()) {
    throw TransactionError("a transaction is open already; transactions do not nest");
  }
  transaction_start_ = generation_->log->end();
  transaction_wrote_ = false;
  in_transaction_ = true;
}

void DiskEngine::commit() {
  const auto writer = writing();
  check_writable();
  if (!in_transaction_.load()) throw TransactionError("there is no transaction to commit");
  if (transaction_wrote_) {
    Log& log = *generation_->log;
    const std::uint64_t before = log.end();
    commit_record(generation_->state.sequence + 1);
    try {
      syncer_->sync(log.end());
    } catch (const std::exception& error) {
      fail_forever(error.what());
      log.cut(before);
      throw;
    }
    const std::unique_lock guard(state_mutex_);
    ++generation_->state.sequence;
    generation_->applied_end = log.end();
    ++version_;
  }
  in_transaction_ = false;
  if (transaction_wrote_) after_write();
}

// Appends a record without content: the end of a transaction.
void DiskEngine::commit_record(std::uint64_t sequence) {
  ByteWriter frame;
  for (std::size_t i = 0; i < Log::kFrameHead; ++i) frame.put(std::uint8_t{0});
  try {
    generation_->log->append(frame, sequence, kCommit, syncer_->synced());
  } catch (...) {
    if (generation_->log->broken()) fail_forever("a failed write could not be undone");
    throw;
  }
}

void DiskEngine::rollback() {
  const auto writer = writing();
  check_open();
  if (!in_transaction_.load()) throw TransactionError("there is no transaction to roll back");
  in_transaction_ = false;
  if (transaction_wrote_) roll_back_to(transaction_start_);
}

void DiskEngine::roll_back_to(std::uint64_t end) {
  const std::unique_lock guard(state_mutex_);
  applying_ = true;
  try {
    generation_->go_back(end);
    syncer_->cut(end);
    syncer_->watch(generation_->log, generation_->vectors, syncer_->synced());
  } catch (const std::exception& error) {
    broken_ = error.what();
    applying_ = false;
    ++version_;
    throw;
  }
  // An older vector file counts its own lines.
  if (generation_->state.field && counters_.epoch != generation_->state.field->epoch + 1) {
    counters_.line = generation_->state.next_line;
  }
  applying_ = false;
  ++version_;
}

void DiskEngine::sync_all() {
  try {
    syncer_->sync(generation_->log->end());
  } catch (const std::exception& error) {
    fail_forever(error.what());
    throw;
  }
}

void DiskEngine::flush() {
  const auto writer = writing();
  check_open();
  if (options_.read_only) return;
  check_writable();
  sync_all();
  if (!in_transaction_.load()) tidy(false);
}

// After a sync, outside a transaction: gives back space when much is dead, and
// writes a checkpoint when following the log has become slow.
void DiskEngine::tidy(bool closing) {
  Generation& now = *generation_;
  const std::uint64_t dead = now.dead_bytes();
  if (dead >= kSomeDead && dead >= now.disk_bytes() / 2) {
    try {
      compact_now();
      return;
    } catch (const StorageFull&) {
      // It needs room for a second copy; the first one is as good as before.
      if (!broken_.empty()) throw;
    }
  }
  const std::uint64_t tail = now.applied_end - std::max(now.checkpoint_end, Log::kHeaderSize);
  if (tail == 0) return;
  const std::uint64_t slow =
      std::max<std::uint64_t>(now.checkpoint_bytes / 8, closing ? 0 : std::uint64_t{1} << 20);
  try {
    if (tail > slow) {
      const std::uint64_t bytes = now.save_checkpoint();
      const std::unique_lock guard(state_mutex_);
      now.checkpoint_bytes = bytes;
      now.checkpoint_end = now.applied_end;
    } else if (closing && wrote_) {
      // Says that everything before it was on the device.
      ByteWriter frame;
      for (std::size_t i = 0; i < Log::kFrameHead; ++i) frame.put(std::uint8_t{0});
      now.log->append(frame, now.state.sequence, kCommit | kMark, syncer_->synced());
    }
  } catch (const StorageFull&) {
    // Neither is needed: the log has everything.
  }
}

bool DiskEngine::refresh() {
  const auto writer = writing();
  check_open();
  if (!options_.read_only) return false;
  const OpenMode mode{false, true, options_.hook};
  const Manifest manifest = load_manifest(paths_.manifest(), options_.hook);
  const std::unique_lock guard(state_mutex_);
  const std::uint64_t before = generation_->state.sequence;
  if (manifest.generation == generation_->number()) {
    config_ = manifest.config;
    try {
      generation_->follow();
    } catch (const CorruptStore&) {
      // Perhaps the writer took something back while it was read.
      generation_ = open_current(mode);
    }
  } else {
    generation_ = open_current(mode);
  }
  if (generation_->state.sequence == before) return false;
  ++version_;
  return true;
}

}  // namespace docstore::disk
