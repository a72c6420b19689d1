#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "log.hpp"
#include "vectors_file.hpp"

namespace docstore::disk {

// Brings what was written to the device: at once when asked, or within a delay
// by a thread of its own. Vectors go before the log that names them. Remembers
// a failure: after one, nobody knows what is on the device. Any thread.
class Syncer {
 public:
  explicit Syncer(double delay) : delay_(delay) {}
  ~Syncer();
  Syncer(const Syncer&) = delete;
  Syncer& operator=(const Syncer&) = delete;

  // Which files to sync from now on, and how much of the log is on the device.
  void watch(std::shared_ptr<Log> log, std::shared_ptr<VectorsFile> vectors, std::uint64_t synced);
  // Something was appended up to `end`; it is synced within the delay.
  void wrote(std::uint64_t end);
  // The log was cut; waits until no sync runs.
  void cut(std::uint64_t end);
  // Syncs up to `end` before it returns. Throws IoError.
  void sync(std::uint64_t end);
  std::uint64_t synced() const { return synced_.load(); }
  // Why the thread failed, or empty.
  std::string failure() const;

 private:
  void run();
  void sync_locked(std::uint64_t end);

  const double delay_;
  std::mutex sync_mutex_;  // held while files are synced
  std::shared_ptr<Log> log_;
  std::shared_ptr<VectorsFile> vectors_;
  std::atomic<std::uint64_t> synced_{0};

  mutable std::mutex wake_mutex_;
  std::condition_variable wake_;
  std::uint64_t written_ = 0;
  bool pending_ = false;
  bool stop_ = false;
  std::string failure_;
  std::thread thread_;
};

}  // namespace docstore::disk
