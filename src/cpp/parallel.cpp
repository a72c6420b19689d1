#include "parallel.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>

#include "errors.hpp"

#if defined(_WIN32)
#include <process.h>
#else
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif

namespace docstore {
namespace {

constexpr int kMaxThreads = 4096;

std::int64_t process_id() {
#if defined(_WIN32)
  return _getpid();
#else
  return getpid();
#endif
}

int default_threads() noexcept {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMaxThreads);
}

// One call of `parallel`. Lives on the stack of the caller, who does not leave
// before no worker refers to it. `helpers` and `active` belong to the pool's
// mutex.
struct Job {
  Job(const std::function<void(std::size_t)>& what, std::size_t how_often, std::size_t most_helpers)
      : body(what), slots(how_often), helpers(most_helpers) {}

  const std::function<void(std::size_t)>& body;
  const std::size_t slots;
  std::size_t helpers;
  std::size_t active = 0;
  std::atomic<std::size_t> next{0};
  std::atomic_flag failed;
  std::exception_ptr error;

  void work() noexcept {
    for (std::size_t slot = next.fetch_add(1); slot < slots; slot = next.fetch_add(1)) {
      try {
        body(slot);
      } catch (...) {
        // Only the first to fail writes; the caller reads after all are done.
        if (!failed.test_and_set()) error = std::current_exception();
        next.store(slots);
      }
    }
  }
};

// The worker threads. Made once per process and never destroyed: its threads
// wait for work until the process ends. Any thread may call run().
class Pool {
 public:
  explicit Pool(std::int64_t pid) : pid_(pid) {}

  std::int64_t pid() const { return pid_; }

  void run(Job& job) {
    const std::size_t helpers = job.helpers;
    {
      const std::lock_guard lock(mutex_);
      grow(helpers);
      queue_.push_back(&job);
    }
    for (std::size_t i = 0; i < helpers; ++i) wake_.notify_one();
    job.work();
    std::unique_lock lock(mutex_);
    std::erase(queue_, &job);
    done_.wait(lock, [&] { return job.active == 0; });
  }

 private:
  // Fewer threads than asked for are no error: the caller works as well.
  void grow(std::size_t wanted) {
    try {
      for (; size_ < wanted; ++size_) start();
    } catch (const std::system_error&) {
    }
  }

  void start() {
#if !defined(_WIN32)
    // Signals are for the threads of the program, not for these.
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    try {
      std::thread(&Pool::serve, this).detach();
    } catch (...) {
      pthread_sigmask(SIG_SETMASK, &old, nullptr);
      throw;
    }
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
#else
    std::thread(&Pool::serve, this).detach();
#endif
  }

  [[noreturn]] void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return !queue_.empty(); });
      Job& job = *queue_.front();
      ++job.active;
      if (--job.helpers == 0) queue_.pop_front();
      lock.unlock();
      job.work();
      lock.lock();
      if (--job.active == 0) done_.notify_all();
    }
  }

  const std::int64_t pid_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  std::deque<Job*> queue_;
  std::size_t size_ = 0;
};

std::atomic<Pool*> current_pool{nullptr};
std::atomic<int> chosen_threads{0};

// The pool of this process. After a fork the parent's pool is left alone: its
// threads do not exist here and its mutex may be locked for ever. No lock is
// taken here for the same reason.
Pool& pool() {
  const std::int64_t pid = process_id();
  Pool* found = current_pool.load(std::memory_order_acquire);
  while (found == nullptr || found->pid() != pid) {
    auto* fresh = new Pool(pid);
    if (current_pool.compare_exchange_strong(found, fresh, std::memory_order_acq_rel))
      return *fresh;
    delete fresh;  // another thread was faster; this one has no threads yet
  }
  return *found;
}

}  // namespace

int thread_count() noexcept {
  const int chosen = chosen_threads.load(std::memory_order_relaxed);
  return chosen > 0 ? chosen : default_threads();
}

void set_thread_count(int n) {
  if (n < 0 || n > kMaxThreads) {
    throw InvalidArgument("threads must be 0 (all cores) to " + std::to_string(kMaxThreads) +
                          ", not " + std::to_string(n));
  }
  chosen_threads.store(n, std::memory_order_relaxed);
}

void parallel(std::size_t slots, int threads, const std::function<void(std::size_t)>& body) {
  if (slots <= 1 || threads <= 1) {
    for (std::size_t slot = 0; slot < slots; ++slot) body(slot);
    return;
  }
  const auto most = static_cast<std::size_t>(std::min(threads, kMaxThreads));
  Job job(body, slots, std::min(most, slots) - 1);
  pool().run(job);
  if (job.error) std::rethrow_exception(job.error);
}

}  // namespace docstore
