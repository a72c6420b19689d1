#include "syncer.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace docstore::disk {

Syncer::~Syncer() {
  {
    const std::lock_guard guard(wake_mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Syncer::watch(std::shared_ptr<Log> log, std::shared_ptr<VectorsFile> vectors,
                   std::uint64_t synced) {
  const std::lock_guard guard(sync_mutex_);
  log_ = std::move(log);
  vectors_ = std::move(vectors);
  synced_ = synced;
}

void Syncer::wrote(std::uint64_t end) {
  bool first = false;
  {
    const std::lock_guard guard(wake_mutex_);
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    written_ = end;
    first = !std::exchange(pending_, true);
  }
  if (first) wake_.notify_one();
}

void Syncer::cut(std::uint64_t end) {
  const std::lock_guard guard(sync_mutex_);
  synced_ = std::min(synced_.load(), end);
  const std::lock_guard inner(wake_mutex_);
  written_ = std::min(written_, end);
}

void Syncer::sync(std::uint64_t end) {
  const std::lock_guard guard(sync_mutex_);
  sync_locked(end);
}

void Syncer::sync_locked(std::uint64_t end) {
  if (end <= synced_.load()) return;
  if (vectors_) vectors_->sync();
  log_->sync();
  synced_ = end;
}

std::string Syncer::failure() const {
  const std::lock_guard guard(wake_mutex_);
  return failure_;
}

void Syncer::run() {
  const auto delay = std::chrono::duration<double>(delay_);
  std::unique_lock lock(wake_mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return pending_ || stop_; });
    wake_.wait_for(lock, delay, [&] { return stop_; });
    // Whoever stops the thread has synced before.
    if (stop_) return;
    pending_ = false;
    lock.unlock();
    std::string failed;
    {
      // How much was written is asked under the lock that a cut takes, too.
      const std::lock_guard guard(sync_mutex_);
      lock.lock();
      const std::uint64_t end = written_;
      lock.unlock();
      try {
        sync_locked(end);
      } catch (const std::exception& error) {
        failed = error.what();
      }
    }
    lock.lock();
    if (!failed.empty()) {
      failure_ = failed;
      return;
    }
  }
}

}  // namespace docstore::disk
