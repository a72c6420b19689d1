#include "id_index.hpp"

#include <functional>

namespace docstore::disk {

std::uint64_t IdIndex::hash_of(std::string_view id) { return std::hash<std::string_view>{}(id); }

void IdIndex::put(std::uint64_t hash, std::int64_t row) {
  std::size_t at = hash >> 24 & mask_;
  while (slots_[at] != kEmpty && slots_[at] != kGone) at = (at + 1) & mask_;
  if (slots_[at] == kEmpty) ++used_;
  ++live_;
  slots_[at] = static_cast<std::uint64_t>(row + 1) << 24 | (hash & kTagMask);
}

void IdIndex::remove(std::string_view id, std::int64_t row) {
  if (slots_.empty()) return;
  const std::uint64_t hash = hash_of(id);
  for (std::size_t at = hash >> 24 & mask_; slots_[at] != kEmpty; at = (at + 1) & mask_) {
    if (slots_[at] != kGone && row_of(slots_[at]) == row) {
      slots_[at] = kGone;
      --live_;
      return;
    }
  }
}

}  // namespace docstore::disk
