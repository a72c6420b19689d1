#include "disk_read.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <numeric>

#include "crc32c.hpp"
#include "disk_engine.hpp"

namespace docstore::disk {
namespace {

// Length and checksum stand before a payload.
constexpr std::uint64_t kPayloadHead = 8;
// Payloads this near to each other are read in one go, up to so much at once.
constexpr std::uint64_t kNear = 4096;
constexpr std::uint64_t kMostAtOnce = std::uint64_t{1} << 22;

const Row& need(const State& state, std::int64_t row) {
  const Row* found = state.find(row);
  if (found == nullptr) throw DocumentGone("row " + std::to_string(row) + " was deleted");
  return *found;
}

void check_payload(const Log& log, const std::byte* head, const Row& row) {
  std::uint32_t length, crc;
  std::memcpy(&length, head, 4);
  std::memcpy(&crc, head + 4, 4);
  if (length == row.payload_length && crc == crc32c(head + kPayloadHead, length)) return;
  throw CorruptStore(
      "the document '" + std::string(row.id_text()) + "' in " + log.path() + " is damaged",
      log.path(), row.payload_offset);
}

// The payloads of rows, read from the log in the order in which they lie there.
class PayloadReader {
 public:
  PayloadReader(const Log& log, std::span<const Row* const> rows, RecordBlob& into)
      : log_(log), rows_(rows), into_(into) {
    into_.offsets.resize(rows.size() + 1);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      into_.offsets[i + 1] = into_.offsets[i] + rows[i]->payload_length;
    }
    into_.blob.resize(static_cast<std::size_t>(into_.offsets.back()));
  }

  void run() {
    std::vector<std::size_t> by_offset(rows_.size());
    std::iota(by_offset.begin(), by_offset.end(), std::size_t{0});
    const auto offset = [&](std::size_t i) { return rows_[i]->payload_offset; };
    const auto before = [&](std::size_t a, std::size_t b) { return offset(a) < offset(b); };
    if (!std::is_sorted(by_offset.begin(), by_offset.end(), before)) {
      std::sort(by_offset.begin(), by_offset.end(), before);
    }
    for (std::size_t first = 0; first < by_offset.size();) {
      std::size_t last = first + 1;
      const std::uint64_t start = offset(by_offset[first]) - kPayloadHead;
      std::uint64_t end = end_of(by_offset[first]);
      while (last < by_offset.size() && offset(by_offset[last]) <= end + kNear &&
             end_of(by_offset[last]) - start <= kMostAtOnce) {
        end = std::max(end, end_of(by_offset[last++]));
      }
      read_run({&by_offset[first], last - first}, start, end);
      first = last;
    }
  }

 private:
  std::uint64_t end_of(std::size_t i) const {
    return rows_[i]->payload_offset + rows_[i]->payload_length;
  }

  void read_run(std::span<const std::size_t> members, std::uint64_t start, std::uint64_t end) {
    buffer_.resize(static_cast<std::size_t>(end - start));
    log_.read(buffer_.data(), buffer_.size(), start);
    for (const std::size_t i : members) {
      const std::byte* head = &buffer_[rows_[i]->payload_offset - kPayloadHead - start];
      check_payload(log_, head, *rows_[i]);
      if (rows_[i]->payload_length == 0) continue;
      std::memcpy(&into_.blob[into_.offsets[i]], head + kPayloadHead, rows_[i]->payload_length);
    }
  }

  const Log& log_;
  std::span<const Row* const> rows_;
  RecordBlob& into_;
  std::vector<std::byte> buffer_;
};

}  // namespace

std::uint64_t DiskEngine::size() const {
  const ReadLock guard(*this);
  return generation_->state.size();
}

std::uint64_t DiskEngine::sequence() const {
  const ReadLock guard(*this);
  return generation_->state.sequence;
}

std::uint64_t DiskEngine::vector_count() const {
  const ReadLock guard(*this);
  return generation_->state.live_vectors;
}

std::optional<VectorSpec> DiskEngine::vector_spec() const {
  const ReadLock guard(*this);
  return generation_->state.field;
}

std::vector<std::int64_t> DiskEngine::rows(std::uint64_t start, std::uint64_t stop) const {
  const ReadLock guard(*this);
  stop = std::min<std::uint64_t>(stop, generation_->state.size());
  std::vector<std::int64_t> found(start < stop ? static_cast<std::size_t>(stop - start) : 0);
  generation_->state.order().copy(static_cast<std::size_t>(start), found);
  return found;
}

std::vector<std::int64_t> DiskEngine::positions(std::span<const std::int64_t> rows) const {
  const ReadLock guard(*this);
  std::vector<std::int64_t> found(rows.size());
  std::transform(rows.begin(), rows.end(), found.begin(),
                 [&](std::int64_t row) { return generation_->state.order().position_of(row); });
  return found;
}

std::vector<std::int64_t> DiskEngine::lookup(std::span<const std::string_view> ids) {
  std::vector<std::int64_t> found(ids.size(), -1);
  const auto look = [&] {
    std::transform(ids.begin(), ids.end(), found.begin(),
                   [&](std::string_view id) { return generation_->state.lookup(id); });
  };
  {
    const ReadLock guard(*this);
    if (generation_->state.index_built()) {
      look();
      return found;
    }
  }
  // The first look-up of a store that was opened builds the index.
  std::unique_lock<std::shared_mutex> guard;
  if (!forked()) guard = std::unique_lock(state_mutex_);
  check_open();
  generation_->state.build_index();
  look();
  return found;
}

std::vector<std::string> DiskEngine::ids(std::span<const std::int64_t> rows) const {
  const ReadLock guard(*this);
  std::vector<std::string> found;
  found.reserve(rows.size());
  for (const std::int64_t row : rows) found.emplace_back(need(generation_->state, row).id_text());
  return found;
}

RecordBlob DiskEngine::payloads(std::span<const std::int64_t> rows) const {
  const ReadLock guard(*this);
  std::vector<const Row*> found;
  found.reserve(rows.size());
  for (const std::int64_t row : rows) found.push_back(&need(generation_->state, row));
  RecordBlob result;
  PayloadReader(*generation_->log, found, result).run();
  return result;
}

VectorsView DiskEngine::vectors_of(std::span<const std::int64_t> rows) const {
  const ReadLock guard(*this);
  const State& state = generation_->state;
  VectorsView view;
  view.by_position.reserve(rows.size());
  for (const std::int64_t row : rows) view.by_position.push_back(need(state, row).line);
  if (!state.field) return view;
  VectorsFile& file = *generation_->vectors;
  file.verify(view.by_position, state.line_crcs);
  view.spec = *state.field;
  view.lines = state.next_line;
  view.mapping = file.map(view.lines);
  view.data = view.mapping->data() + VectorsFile::kHeaderSize;
  return view;
}

std::optional<VectorsView> DiskEngine::vectors() const {
  std::vector<std::int64_t> all;
  for (;;) {
    {
      const ReadLock guard(*this);
      if (generation_->state.live_vectors == 0) return std::nullopt;
    }
    const std::uint64_t before = version();
    all = rows(0, size());
    try {
      VectorsView view = vectors_of(all);
      if (version() != before || !view.mapping) continue;
      const auto& lines = view.by_position;
      view.contiguous = true;
      for (std::size_t i = 0; view.contiguous && i < lines.size(); ++i) {
        view.contiguous = lines[i] == static_cast<std::int64_t>(i);
      }
      return view;
    } catch (const DocumentGone&) {
      // A writer came between; ask again.
    }
  }
}

}  // namespace docstore::disk
