#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace docstore::disk {

// An array whose indices may have large gaps: it is kept in chunks, and a chunk
// that nobody wrote to, or that was given up, takes no room. Owns its items.
// Reading from many threads is safe while nobody writes.
template <class T>
class SparseArray {
 public:
  // The item, or nullptr where its chunk does not exist. Items that were never
  // set hold T().
  const T* find(std::int64_t index) const {
    const auto chunk = static_cast<std::uint64_t>(index) >> kBits;
    if (index < 0 || chunk >= chunks_.size() || !chunks_[chunk]) return nullptr;
    return &(*chunks_[chunk])[static_cast<std::size_t>(index) & kMask];
  }
  T* find(std::int64_t index) {
    return const_cast<T*>(static_cast<const SparseArray*>(this)->find(index));
  }
  // The item, made if need be; `index` is not negative.
  T& at(std::int64_t index) {
    const auto chunk = static_cast<std::size_t>(static_cast<std::uint64_t>(index) >> kBits);
    if (chunk >= chunks_.size()) chunks_.resize(chunk + 1);
    if (!chunks_[chunk]) chunks_[chunk] = std::make_unique<Chunk>();
    return (*chunks_[chunk])[static_cast<std::size_t>(index) & kMask];
  }
  void clear() { chunks_.clear(); }
  // Gives up chunks in which `unused` holds for all items.
  template <class Unused>
  void trim(Unused&& unused) {
    for (auto& chunk : chunks_) {
      bool empty = chunk != nullptr;
      for (std::size_t i = 0; empty && i < kSize; ++i) empty = unused((*chunk)[i]);
      if (empty) chunk.reset();
    }
  }

 private:
  static constexpr unsigned kBits = 12;
  static constexpr std::size_t kSize = std::size_t{1} << kBits;
  static constexpr std::size_t kMask = kSize - 1;
  using Chunk = std::array<T, kSize>;

  std::vector<std::unique_ptr<Chunk>> chunks_;
};

}  // namespace docstore::disk
