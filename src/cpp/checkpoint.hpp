#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "file.hpp"
#include "state.hpp"

namespace docstore::disk {

// Which log a checkpoint belongs to, and how much of it the state contains.
struct CheckpointKey {
  std::uint64_t generation;
  std::uint64_t salt;
  std::uint64_t log_end;
};

// Writes a state as one file, atomically and synced. Returns its size.
std::uint64_t save_checkpoint(const std::string& path, const State& state, const CheckpointKey& key,
                              FaultHook* hook);

struct Checkpoint {
  State state;
  std::uint64_t log_end;
  std::uint64_t bytes;
};

// What save_checkpoint wrote; none when there is no file. Throws CorruptStore
// when it is damaged or belongs to another log, UnsupportedFormat when newer.
std::optional<Checkpoint> load_checkpoint(const std::string& path, std::uint64_t generation,
                                          std::uint64_t salt, FaultHook* hook);

// The small file that names the generation in force, and keeps the
// configuration, which only the caller understands.
struct Manifest {
  std::uint64_t generation = 0;
  std::string config;
};

void save_manifest(const std::string& path, const Manifest& manifest, FaultHook* hook);
// Throws CorruptStore or UnsupportedFormat.
Manifest load_manifest(const std::string& path, FaultHook* hook);

}  // namespace docstore::disk
