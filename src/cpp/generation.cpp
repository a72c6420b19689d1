#include "generation.hpp"

#include <errno.h>

#include <algorithm>
#include <utility>

#include "errors.hpp"

namespace docstore::disk {

std::string StorePaths::log(std::uint64_t generation) const {
  return directory + "/log-" + std::to_string(generation);
}

std::string StorePaths::checkpoint(std::uint64_t generation) const {
  return directory + "/checkpoint-" + std::to_string(generation);
}

std::string StorePaths::vectors(std::uint64_t generation, std::uint32_t epoch) const {
  return directory + "/embedding-" + std::to_string(generation) + "-" + std::to_string(epoch) +
         ".vec";
}

bool StorePaths::is_stray(const std::string& name, std::uint64_t live) {
  if (name == "CURRENT.tmp") return true;
  for (const std::string prefix : {"log-", "checkpoint-", "embedding-"}) {
    if (!name.starts_with(prefix)) continue;
    if (name.ends_with(".tmp")) return true;
    const std::size_t stop = name.find_first_not_of("0123456789", prefix.size());
    return name.substr(prefix.size(), stop - prefix.size()) != std::to_string(live);
  }
  return false;
}

Generation Generation::create(const StorePaths& paths, const LogStart& start, OpenMode mode) {
  Generation made(paths, mode);
  remove_file(paths.log(start.generation), mode.hook);
  remove_file(paths.checkpoint(start.generation), mode.hook);
  made.log = Log::create(paths.log(start.generation), start, mode.hook);
  made.state = State(start.sequence, static_cast<std::int64_t>(start.next_row));
  made.applied_end = Log::kHeaderSize;
  return made;
}

Generation Generation::open(const StorePaths& paths, std::uint64_t number, OpenMode mode) {
  Generation made(paths, mode);
  made.log = Log::open(paths.log(number), mode.writable, mode.hook);
  if (made.log->start().generation != number) {
    throw CorruptStore(made.log->path() + " is the log of another generation", made.log->path(),
                       16);
  }
  made.load_start();
  const std::uint64_t size = made.log->file_size();
  if (made.applied_end > size) {
    throw CorruptStore(made.log->path() + " is shorter than its checkpoint says", made.log->path(),
                       size);
  }
  const Scan found = made.scan(made.applied_end, size);
  made.judge(found, size);
  made.replay(made.applied_end, found.end);
  made.attach_vectors();
  if (mode.writable && size > found.end) {
    made.log->cut(found.end);
    made.recovered_bytes = size - found.end;
  }
  made.log->set_end(found.end);
  return made;
}

// The state of the checkpoint, or that of the start of the log. A checkpoint is
// only a shortcut: when it is damaged the log tells everything.
void Generation::load_start() {
  const LogStart& start = log->start();
  state = State(start.sequence, static_cast<std::int64_t>(start.next_row));
  applied_end = Log::kHeaderSize;
  checkpoint_end = checkpoint_bytes = 0;
  try {
    auto found = load_checkpoint(paths_.checkpoint(start.generation), start.generation, log->salt(),
                                 mode_.hook);
    if (!found) return;
    state = std::move(found->state);
    applied_end = checkpoint_end = found->log_end;
    checkpoint_bytes = found->bytes;
  } catch (const CorruptStore&) {
    rebuilt = true;
  }
}

bool Generation::vectors_match(const std::vector<Op>& ops, std::shared_ptr<VectorsFile>& file,
                               Scan& found) {
  for (const Op& op : ops) {
    if (op.code == OpCode::kField) {
      found.file = paths_.vectors(number(), op.spec.epoch);
      found.offset = 0;
      if (!exists(found.file)) return false;
      file = VectorsFile::open(found.file, op.spec, log->salt(), mode_.writable, mode_.hook);
    }
    for (const Item& item : op.items) {
      if (!item.has_line || item.line < 0) continue;
      if (!file) return false;
      const auto line = static_cast<std::uint64_t>(item.line);
      if (file->matches(line, item.line_crc)) continue;
      found.file = file->path();
      found.offset = file->offset_of(line);
      return false;
    }
  }
  return true;
}

// Goes through the records from `from` on and says where the last commit ends.
Generation::Scan Generation::scan(std::uint64_t from, std::uint64_t file_size) {
  Scan found;
  found.end = from;
  std::uint64_t sequence = state.sequence;
  std::shared_ptr<VectorsFile> file;
  if (state.field) {
    attach_vectors();
    file = vectors;
  }
  std::uint64_t at = from;
  while (at < file_size) {
    found.record = found.offset = at;
    found.file = log->path();
    const auto record = log->header_at(at, file_size);
    const auto body = record ? log->body_of(*record) : std::nullopt;
    found.damaged = !body;
    if (found.damaged) return found;
    const bool mark = (record->flags & kMark) != 0;
    if (record->sequence != sequence + (mark ? 0 : 1)) found.damaged = true;
    try {
      found.damaged |= !vectors_match(read_body(*body, record->body()), file, found);
    } catch (const CorruptData&) {
      found.damaged = true;
    }
    if (found.damaged) return found;
    at = record->end();
    if (record->flags & kCommit) {
      sequence = record->sequence;
      found.end = at;
    }
  }
  return found;
}

// Tells an end that was being written when the machine went down, which may be
// cut off, from damage to what was safe, which must never pass in silence.
void Generation::judge(const Scan& found, std::uint64_t file_size) const {
  if (!found.damaged) return;
  bool corrupt = log->last_synced_after(found.record + 8, file_size) > found.record;
  if (!corrupt && mode_.writable && !mode_.rebooted) {
    // The system ran on, so what was written is there as it was written.
    corrupt = found.file != log->path() || log->find_record(found.record + 8, file_size);
  }
  if (!corrupt) return;
  throw CorruptStore(found.file + " is damaged at byte " + std::to_string(found.offset) +
                         ", before commits that are whole",
                     found.file, found.offset);
}

void Generation::replay(std::uint64_t from, std::uint64_t end) {
  std::uint64_t at = from;
  while (at < end) {
    const auto record = log->header_at(at, end);
    const auto body = record ? log->body_of(*record) : std::nullopt;
    if (!body) throw CorruptStore(log->path() + " has changed while it was read", log->path(), at);
    apply(*body, record->body());
    if (record->flags & kCommit) state.sequence = record->sequence;
    at = record->end();
  }
  applied_end = end;
}

void Generation::apply(Bytes body, std::uint64_t offset) {
  try {
    for (const Op& op : read_body(body, offset)) state.apply(op);
  } catch (const CorruptData& error) {
    throw CorruptStore(log->path() + ": " + error.what(), log->path(), offset);
  }
}

void Generation::attach_vectors() {
  if (!state.field) {
    vectors.reset();
    return;
  }
  if (!vectors || vectors->spec() != *state.field) {
    const std::string path = paths_.vectors(number(), state.field->epoch);
    if (!exists(path)) throw CorruptStore(path + " is missing", path, 0);
    vectors = VectorsFile::open(path, *state.field, log->salt(), mode_.writable, mode_.hook);
  }
  if (!vectors->holds(state.next_line)) {
    throw CorruptStore(
        vectors->path() + " is too short for its " + std::to_string(state.next_line) + " vectors",
        vectors->path(), 0);
  }
}

bool Generation::follow() {
  const std::uint64_t size = log->file_size();
  if (size <= applied_end) return false;
  const Scan found = scan(applied_end, size);
  judge(found, size);
  if (found.end == applied_end) return false;
  replay(applied_end, found.end);
  attach_vectors();
  return true;
}

void Generation::go_back(std::uint64_t end) {
  if (end < checkpoint_end) {
    throw CorruptStore("the checkpoint of " + log->path() + " is ahead of it", log->path(), end);
  }
  log->cut(end);
  const bool was_rebuilt = rebuilt;
  load_start();
  rebuilt = was_rebuilt;
  replay(applied_end, end);
  attach_vectors();
}

std::shared_ptr<VectorsFile> Generation::make_vectors(const VectorSpec& spec) {
  const std::string path = paths_.vectors(number(), spec.epoch);
  auto file = VectorsFile::create(path, spec, log->salt(), mode_.hook);
  file->sync();
  sync_directory(paths_.directory, mode_.hook);
  return file;
}

std::uint64_t Generation::save_checkpoint() const {
  const CheckpointKey key{number(), log->salt(), applied_end};
  return docstore::disk::save_checkpoint(paths_.checkpoint(number()), state, key, mode_.hook);
}

std::uint64_t Generation::disk_bytes() const {
  const std::uint64_t lines = state.field ? state.next_line * state.field->line_bytes() : 0;
  return log->end() + lines + checkpoint_bytes;
}

std::uint64_t Generation::dead_bytes() const {
  std::uint64_t dead = log->end() - std::min(log->end(), state.live_bytes);
  if (state.field) dead += (state.next_line - state.live_vectors) * state.field->line_bytes();
  return dead;
}

}  // namespace docstore::disk
