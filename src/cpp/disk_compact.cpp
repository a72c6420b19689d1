#include <algorithm>
#include <cstring>
#include <utility>

#include "crc32c.hpp"
#include "disk_engine.hpp"
#include "disk_read.hpp"
#include "errors.hpp"
#include "syncer.hpp"

namespace docstore::disk {
namespace {

constexpr std::size_t kChunkRows = 4096;

}  // namespace

void DiskEngine::compact() {
  const auto writer = writing();
  check_writable();
  if (in_transaction_.load()) {
    throw TransactionError("a store cannot be compacted inside a transaction");
  }
  sync_all();
  compact_now();
}

// Writes the live rows as a new generation beside the old one, and then puts
// it in force by replacing one small file. Readers go on with the old one.
void DiskEngine::compact_now() {
  const Generation& old = *generation_;
  const LogStart start{old.number() + 1, old.state.sequence - (old.state.sequence > 0 ? 1 : 0),
                       static_cast<std::uint64_t>(counters_.row)};
  Generation fresh = Generation::create(paths_, start, {true, false, options_.hook});
  try {
    if (old.state.sequence > 0) copy_live(fresh);
    if (fresh.vectors) fresh.vectors->sync();
    fresh.log->sync();
    fresh.checkpoint_bytes = fresh.save_checkpoint();
    fresh.checkpoint_end = fresh.applied_end;
  } catch (...) {
    remove_strays();
    throw;
  }
  install(std::move(fresh));
}

void DiskEngine::copy_live(Generation& into) {
  const Generation& old = *generation_;
  std::vector<std::int64_t> rows(old.state.size());
  old.state.order().copy(0, rows);
  if (old.state.live_vectors > 0) {
    VectorSpec spec = *old.state.field;
    spec.epoch = 0;
    into.vectors = into.make_vectors(spec);
    ByteWriter frame;
    for (std::size_t i = 0; i < Log::kFrameHead; ++i) frame.put(std::uint8_t{0});
    BodyWriter(frame).put_field(spec);
    const std::size_t size = frame.size() - Log::kFrameHead;
    const auto offset = into.log->append(frame, old.state.sequence, 0, 0);
    into.apply(frame.bytes().subspan(Log::kFrameHead, size), offset + Log::kFrameHead);
  }
  const std::span<const std::int64_t> all = rows;
  for (std::size_t at = 0; at < all.size(); at += kChunkRows) {
    copy_chunk(into, all.subspan(at, std::min(kChunkRows, all.size() - at)));
  }
  ByteWriter frame;
  for (std::size_t i = 0; i < Log::kFrameHead; ++i) frame.put(std::uint8_t{0});
  into.log->append(frame, old.state.sequence, kCommit, 0);
  into.state.sequence = old.state.sequence;
  into.applied_end = into.log->end();
}

// Appends some rows to the end of a new generation, numbers and all. Contents
// and vectors are checked on the way.
void DiskEngine::copy_chunk(Generation& into, std::span<const std::int64_t> rows) {
  const State& from = generation_->state;
  const RecordBlob records = payloads(rows);
  const VectorsView vectors = vectors_of(rows);
  const std::uint64_t first_line = into.state.next_line;
  std::uint64_t line = first_line;
  ByteWriter frame;
  ByteWriter lines;
  for (std::size_t i = 0; i < Log::kFrameHead; ++i) frame.put(std::uint8_t{0});
  BodyWriter body(frame);
  body.begin_insert(into.state.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Item item;
    item.row = rows[i];
    item.has_id = item.has_payload = true;
    item.id = from.find(rows[i])->id_text();
    const std::int64_t old_line = vectors.by_position[i];
    if (old_line >= 0) {
      const auto size = static_cast<std::size_t>(vectors.spec.line_bytes());
      item.has_line = true;
      item.line = static_cast<std::int64_t>(line++);
      item.line_crc = from.line_crcs[static_cast<std::size_t>(old_line)];
      lines.put_bytes(vectors.data + static_cast<std::size_t>(old_line) * size, size);
    }
    const auto begin = static_cast<std::size_t>(records.offsets[i]);
    const auto size = static_cast<std::size_t>(records.offsets[i + 1]) - begin;
    body.put_item(item, Bytes(records.blob).subspan(begin, size));
  }
  if (lines.size() > 0) {
    into.vectors->write(first_line, lines.bytes());
    into.vectors->trust(first_line, line - first_line);
  }
  const std::size_t size = frame.size() - Log::kFrameHead;
  const auto offset = into.log->append(frame, from.sequence, 0, 0);
  into.apply(frame.bytes().subspan(Log::kFrameHead, size), offset + Log::kFrameHead);
}

void DiskEngine::install(Generation fresh) {
  try {
    save_manifest(paths_.manifest(), {fresh.number(), config_}, options_.hook);
  } catch (const std::exception& error) {
    // The new file may be in place and not on the device, or not in place:
    // only opening the store again can tell. Both generations are whole.
    fail_forever(error.what());
    throw;
  }
  {
    const std::unique_lock guard(state_mutex_);
    fresh.recovered_bytes = generation_->recovered_bytes;
    generation_ = std::move(fresh);
    counters_.line = generation_->state.next_line;
    counters_.epoch = 1;
    ++version_;
  }
  syncer_->watch(generation_->log, generation_->vectors, generation_->log->end());
  remove_strays();
}

}  // namespace docstore::disk
