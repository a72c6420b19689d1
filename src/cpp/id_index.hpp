#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace docstore::disk {

// Finds a row by its id: a hash table of row numbers; the ids themselves are
// the caller's, who says what id a row has. Reading from many threads is safe
// while nobody changes it.
class IdIndex {
 public:
  // Row numbers must be below this.
  static constexpr std::int64_t kMostRows = (std::int64_t{1} << 40) - 2;

  template <class IdOf>
  std::int64_t find(std::string_view id, IdOf&& id_of) const {
    if (slots_.empty()) return -1;
    const std::uint64_t hash = hash_of(id);
    for (std::size_t at = hash >> 24 & mask_;; at = (at + 1) & mask_) {
      const std::uint64_t slot = slots_[at];
      if (slot == kEmpty) return -1;
      if (slot == kGone || (slot & kTagMask) != (hash & kTagMask)) continue;
      if (id_of(row_of(slot)) == id) return row_of(slot);
    }
  }
  // The id is not in the index. May throw std::bad_alloc, and then changes nothing.
  template <class IdOf>
  void add(std::string_view id, std::int64_t row, IdOf&& id_of) {
    if ((used_ + 1) * 5 > slots_.size() * 3) rehash(live_ + 1, id_of);
    put(hash_of(id), row);
  }
  void remove(std::string_view id, std::int64_t row);
  template <class IdOf>
  void rehash(std::size_t count, IdOf&& id_of) {
    std::size_t size = 64;
    while (size < count * 2) size *= 2;
    std::vector<std::uint64_t> before(size, kEmpty);
    before.swap(slots_);
    mask_ = size - 1;
    used_ = live_ = 0;
    for (const std::uint64_t slot : before) {
      if (slot != kEmpty && slot != kGone) put(hash_of(id_of(row_of(slot))), row_of(slot));
    }
  }

 private:
  // A slot: the row plus one above, 24 bits of the hash below.
  static constexpr std::uint64_t kEmpty = 0, kGone = 1, kTagMask = 0xFFFFFF;
  static std::int64_t row_of(std::uint64_t slot) {
    return static_cast<std::int64_t>(slot >> 24) - 1;
  }
  static std::uint64_t hash_of(std::string_view id);
  void put(std::uint64_t hash, std::int64_t row);

  std::vector<std::uint64_t> slots_;
  std::size_t mask_ = 0;
  std::size_t used_ = 0;  // slots that are not empty
  std::size_t live_ = 0;
};

}  // namespace docstore::disk
