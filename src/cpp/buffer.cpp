#include "buffer.hpp"

#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace docstore {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kBig = 2 * kHugePage;

void advise_huge_pages([[maybe_unused]] void* data, [[maybe_unused]] std::size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  // Advice only: a system that has none loses nothing but speed.
  madvise(data, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
}

}  // namespace

std::shared_ptr<Buffer> Buffer::make(std::size_t bytes) {
  return std::shared_ptr<Buffer>(new Buffer(bytes));
}

Buffer::Buffer(std::size_t bytes)
    : size_(bytes),
      alignment_(bytes >= kBig ? kHugePage : kAlignment),
      data_(static_cast<std::byte*>(
          ::operator new(bytes == 0 ? 1 : bytes, std::align_val_t{alignment_}))) {
  if (bytes >= kBig) advise_huge_pages(data_, bytes);
}

Buffer::~Buffer() { ::operator delete(data_, std::align_val_t{alignment_}); }

}  // namespace docstore
