#pragma once

#include <errno.h>

#include <shared_mutex>

#include "disk_engine.hpp"
#include "errors.hpp"

namespace docstore::disk {

// Holds the state of an engine still, and throws StoreClosed when it is closed.
// In a forked child there is no other thread, and the lock may have been held
// by one of the parent's: it is not taken there.
class DiskEngine::ReadLock {
 public:
  explicit ReadLock(const DiskEngine& engine) {
    if (engine.forked()) {
      if (engine.applying_.load()) {
        throw IoError("this process was forked while the store was being written; open it again",
                      EPERM);
      }
    } else {
      lock_ = std::shared_lock(engine.state_mutex_);
    }
    engine.check_open();
  }

 private:
  std::shared_lock<std::shared_mutex> lock_;
};

}  // namespace docstore::disk
