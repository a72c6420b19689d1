#include "disk_engine.hpp"

#include "disk_read.hpp"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "errors.hpp"
#include "syncer.hpp"

// Opening, closing and what the engine says of itself. Reading is in
// disk_read.cpp, writing in disk_write.cpp, compaction in disk_compact.cpp.

namespace docstore::disk {

DiskEngine::DiskEngine(std::string path, EngineOptions options)
    : paths_{std::move(path)}, options_(std::move(options)), process_(::getpid()) {
  const bool there = exists(this->path());
  if (there && !is_directory(this->path())) {
    throw NotAStore(this->path() + " is not a directory, and so no store");
  }
  if (!exists(paths_.manifest())) {
    if (options_.read_only || !options_.create) {
      throw NotAStore(there ? "there is no store in " + this->path()
                            : this->path() + " does not exist");
    }
    make_new();
  } else {
    open_existing();
  }
  if (options_.read_only) return;
  counters_.row = generation_->state.next_row;
  counters_.line = generation_->state.next_line;
  counters_.epoch = generation_->state.field ? generation_->state.field->epoch + 1 : 0;
  syncer_ = std::make_unique<Syncer>(options_.sync_delay);
  syncer_->watch(generation_->log, generation_->vectors, generation_->log->end());
}

DiskEngine::~DiskEngine() {
  try {
    close();
  } catch (...) {
    // Whoever wants to know calls close().
  }
}

// An empty directory, or one in which making a store was interrupted.
bool DiskEngine::may_make() const {
  if (!exists(path())) return true;
  for (const std::string& name : list_directory(path())) {
    if (name != "LOCK" && name != "CURRENT.tmp" && name != "log-1") return false;
  }
  return true;
}

void DiskEngine::make_new() {
  if (!may_make()) {
    throw NotAStore(path() + " is not empty and holds no store; give an empty or new directory");
  }
  make_directories(path(), options_.hook);
  lock_ = std::make_unique<WriterLock>(path(), options_.hook);
  // Somebody else may have made it meanwhile.
  if (exists(paths_.manifest())) {
    lock_.reset();
    return open_existing();
  }
  generation_ = Generation::create(paths_, {1, 0, 0}, {true, false, options_.hook});
  generation_->log->sync();
  sync_directory(path(), options_.hook);
  config_ = options_.config;
  save_manifest(paths_.manifest(), {1, config_}, options_.hook);
  lock_->mark_boot();
}

void DiskEngine::open_existing() {
  OpenMode mode{!options_.read_only, true, options_.hook};
  if (!options_.read_only) {
    lock_ = std::make_unique<WriterLock>(path(), options_.hook);
    mode.rebooted = lock_->rebooted();
  }
  generation_ = open_current(mode);
  if (options_.read_only) return;
  // A killed writer may have left what is not on the device yet.
  if (generation_->applied_end > generation_->checkpoint_end) {
    if (generation_->vectors) generation_->vectors->sync();
    generation_->log->sync();
  }
  remove_strays();
  lock_->mark_boot();
}

// A reader may see a generation named that the writer has just replaced.
Generation DiskEngine::open_current(OpenMode mode) {
  for (int attempt = 0;; ++attempt) {
    const Manifest manifest = load_manifest(paths_.manifest(), options_.hook);
    try {
      Generation opened = Generation::open(paths_, manifest.generation, mode);
      config_ = manifest.config;
      return opened;
    } catch (const Error&) {
      const bool moved =
          load_manifest(paths_.manifest(), options_.hook).generation != manifest.generation;
      if (mode.writable || !moved || attempt == 100) throw;
    }
  }
}

// Removes the files of generations that are not in force.
void DiskEngine::remove_strays() noexcept {
  try {
    for (const std::string& name : list_directory(path())) {
      if (StorePaths::is_stray(name, generation_->number())) {
        remove_file(path() + "/" + name, options_.hook);
      }
    }
  } catch (const std::exception&) {
    // They do no harm, and are removed when the store is opened the next time.
  }
}

void DiskEngine::close() {
  if (closed_.load()) return;
  if (forked()) {
    // Threads and locks are the parent's; here only the files are let go.
    static_cast<void>(syncer_.release());
    closed_ = true;
    generation_.reset();
    lock_.reset();
    return;
  }
  const std::lock_guard writer(write_mutex_);
  if (closed_.load()) return;
  std::exception_ptr failure;
  try {
    if (!options_.read_only) {
      if (in_transaction_.load()) roll_back_to(transaction_start_);
      in_transaction_ = false;
      check_writable();
      sync_all();
      tidy(true);
    }
  } catch (...) {
    failure = std::current_exception();
  }
  syncer_.reset();
  const std::unique_lock guard(state_mutex_);
  closed_ = true;
  generation_.reset();
  lock_.reset();
  if (failure) std::rethrow_exception(failure);
}

bool DiskEngine::forked() const { return process_ != ::getpid(); }

void DiskEngine::check_open() const {
  if (closed_.load()) throw StoreClosed("the store at " + path() + " is closed; open it again");
}

// Held by every method that changes something. A forked child must not wait
// for it: whoever holds it may be a thread of the parent.
std::unique_lock<std::mutex> DiskEngine::writing() {
  check_open();
  if (forked() && !options_.read_only) {
    throw IoError("the store at " + path() +
                      " was opened before this process was forked; only the parent may write",
                  EPERM);
  }
  return std::unique_lock(write_mutex_);
}

void DiskEngine::check_writable() const {
  check_open();
  if (options_.read_only) {
    throw ReadOnlyStore("the store at " + path() + " was opened with read_only=True");
  }
  const std::string failure = broken_.empty() && syncer_ ? syncer_->failure() : broken_;
  if (!failure.empty()) {
    throw IoError("the store at " + path() + " takes no more writes after a failure (" + failure +
                      "); close it and open it again",
                  EIO);
  }
}

std::string DiskEngine::config() const {
  const ReadLock guard(*this);
  return config_;
}

void DiskEngine::set_config(const std::string& config) {
  const auto writer = writing();
  check_writable();
  save_manifest(paths_.manifest(), {generation_->number(), config}, options_.hook);
  const std::unique_lock guard(state_mutex_);
  config_ = config;
}

EngineFacts DiskEngine::facts() const {
  const ReadLock guard(*this);
  const Generation& now = *generation_;
  return {now.number(), now.disk_bytes(), now.dead_bytes(), now.recovered_bytes, now.rebuilt};
}

}  // namespace docstore::disk
