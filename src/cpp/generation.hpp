#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "checkpoint.hpp"
#include "log.hpp"
#include "state.hpp"
#include "vectors_file.hpp"

namespace docstore::disk {

// The names of the files in the directory of a store.
struct StorePaths {
  std::string directory;

  std::string manifest() const { return directory + "/CURRENT"; }
  std::string log(std::uint64_t generation) const;
  std::string checkpoint(std::uint64_t generation) const;
  std::string vectors(std::uint64_t generation, std::uint32_t epoch) const;
  // Whether a name in the directory is a file of a generation other than
  // `live`, or one that was being written when somebody was interrupted.
  static bool is_stray(const std::string& name, std::uint64_t live);
};

// How a generation is opened.
struct OpenMode {
  bool writable = false;
  bool rebooted = true;  // whether power may have been lost since the last write
  FaultHook* hook = nullptr;
};

// One generation of a store: log, vectors, checkpoint, and the state that they
// amount to. Owns its files. Not locked: the engine sees to it that nobody
// reads while something changes.
class Generation {
 public:
  static Generation create(const StorePaths& paths, const LogStart& start, OpenMode mode);
  // Loads the checkpoint and follows the log. A writer cuts off what follows
  // the last commit. Throws CorruptStore, UnsupportedFormat, IoError.
  static Generation open(const StorePaths& paths, std::uint64_t number, OpenMode mode);

  std::uint64_t number() const { return log->start().generation; }
  // Follows commits that another process has made since; true if there were any.
  bool follow();
  // Goes back to what the log said when it ended at `end`, and cuts it there.
  void go_back(std::uint64_t end);
  // Applies what was appended at `offset`.
  void apply(Bytes body, std::uint64_t offset);
  // The file for a vector field, made if it is not the one in use.
  std::shared_ptr<VectorsFile> make_vectors(const VectorSpec& spec);
  // Writes a checkpoint of the state as it is, and returns its size; the log
  // must be synced.
  std::uint64_t save_checkpoint() const;
  std::uint64_t disk_bytes() const;
  // Bytes that nobody needs any more, about.
  std::uint64_t dead_bytes() const;

  std::shared_ptr<Log> log;
  std::shared_ptr<VectorsFile> vectors;  // of state.field; may be null
  State state{0, 0};
  std::uint64_t applied_end = 0;     // how far the state follows the log
  std::uint64_t checkpoint_end = 0;  // the same for the checkpoint; 0: none
  std::uint64_t checkpoint_bytes = 0;
  std::uint64_t recovered_bytes = 0;  // cut off when it was opened
  bool rebuilt = false;               // the checkpoint was damaged

 private:
  struct Scan {
    std::uint64_t end = 0;  // of the last commit
    bool damaged = false;
    std::uint64_t record = 0;  // where the damage begins in the log
    std::string file;          // the damaged file, and where
    std::uint64_t offset = 0;
  };

  Generation(StorePaths paths, OpenMode mode) : paths_(std::move(paths)), mode_(mode) {}
  void load_start();
  Scan scan(std::uint64_t from, std::uint64_t file_size);
  bool vectors_match(const std::vector<Op>& ops, std::shared_ptr<VectorsFile>& file, Scan& scan);
  void judge(const Scan& scan, std::uint64_t file_size) const;
  void replay(std::uint64_t from, std::uint64_t end);
  void attach_vectors();

  StorePaths paths_;
  OpenMode mode_;
};

}  // namespace docstore::disk
