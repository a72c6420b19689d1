#include "ids.hpp"

#include <pthread.h>
#include <sys/random.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "errors.hpp"

namespace docstore {
namespace {

constexpr std::size_t kIdBytes = 16;
// The most that getentropy gives at a time.
constexpr std::size_t kPoolBytes = 256;

std::atomic<std::uint64_t>& generation() {
  // Counts forks: a child has a copy of its parent's pool, and must not use it.
  static std::atomic<std::uint64_t> forks{1};
  static const int registered = pthread_atfork(nullptr, nullptr, [] { ++forks; });
  static_cast<void>(registered);
  return forks;
}

struct Pool {
  std::array<unsigned char, kPoolBytes> bytes;
  std::size_t used = kPoolBytes;
  std::uint64_t made_in = 0;

  const unsigned char* take() {
    const std::uint64_t now = generation().load(std::memory_order_relaxed);
    if (used == kPoolBytes || made_in != now) {
      if (getentropy(bytes.data(), kPoolBytes) != 0) {
        throw IoError("the operating system gives no random bytes for an id", errno);
      }
      used = 0;
      made_in = now;
    }
    const unsigned char* taken = bytes.data() + used;
    used += kIdBytes;
    return taken;
  }
};

}  // namespace

RandomId random_id() {
  static constexpr char kDigits[] = "0123456789abcdef";
  thread_local Pool pool;
  const unsigned char* bytes = pool.take();
  RandomId id;
  for (std::size_t i = 0; i < kIdBytes; ++i) {
    id[2 * i] = kDigits[bytes[i] >> 4];
    id[2 * i + 1] = kDigits[bytes[i] & 15];
  }
  return id;
}

}  // namespace docstore
