#pragma once

#include <cstddef>
#include <functional>

namespace docstore {

// Threads for the kernels. All functions here may be called from any thread,
// also from inside a body that `parallel` is running, and after a fork: the
// child finds a pool without threads and starts its own when they are needed.

// How many threads a search uses when it does not say: what set_thread_count
// chose, else the cores that this process may run on.
int thread_count() noexcept;

// 0 means the default again. Throws InvalidArgument unless 0 <= n <= 4096.
void set_thread_count(int n);

// Calls body(0) ... body(slots - 1), each once, on the calling thread and on at
// most `threads` - 1 others, and returns when all calls have. When one throws,
// the slots that have not begun are left out and the first exception is
// thrown again here. With one thread or one slot nothing but body is run: no
// lock, no thread.
void parallel(std::size_t slots, int threads, const std::function<void(std::size_t)>& body);

}  // namespace docstore
