#pragma once

#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "disk_engine.hpp"
#include "errors.hpp"

// What the tests of the disk engine share: directories that go away, batches
// made of text, the content of a store as plain values, and injected failures.
namespace docstore::disk::testing {

struct TempDir {
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "docstore-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

struct Doc {
  std::string id, text;
  std::vector<float> vector;  // empty: none
  bool operator==(const Doc&) const = default;
};

using Docs = std::vector<Doc>;

inline Shared share(const std::string& text) {
  auto owner = std::make_shared<std::string>(text);
  return {std::as_bytes(std::span(owner->data(), owner->size())), owner};
}

inline Payloads payloads_of(const Docs& docs) {
  Payloads result;
  std::string blob;
  result.offsets.push_back(0);
  for (const Doc& doc : docs) {
    blob += doc.text;
    result.offsets.push_back(blob.size());
  }
  result.blob = share(blob);
  return result;
}

inline VectorLines vectors_of(const Docs& docs) {
  VectorLines result;
  std::string lines;
  for (const Doc& doc : docs) {
    const bool has = !doc.vector.empty();
    result.actions.push_back(has ? VectorAction::kSet : VectorAction::kUnset);
    if (!has) continue;
    result.spec.type = VectorType::kFloat32;
    result.spec.dim = doc.vector.size();
    lines.append(reinterpret_cast<const char*>(doc.vector.data()), doc.vector.size() * 4);
  }
  result.lines = share(lines);
  return result;
}

inline InsertRows insert(std::uint64_t position, const Docs& docs) {
  InsertRows change;
  change.position = position;
  for (const Doc& doc : docs) change.ids.push_back(doc.id);
  change.payloads = payloads_of(docs);
  change.vectors = vectors_of(docs);
  return change;
}

inline UpdateRows update(std::vector<std::int64_t> rows, const Docs& docs) {
  UpdateRows change;
  change.rows = std::move(rows);
  for (const Doc& doc : docs) change.ids.push_back(doc.id);
  change.payloads = payloads_of(docs);
  change.vectors = vectors_of(docs);
  return change;
}

// Everything a store holds, read through its public face.
inline Docs content(DiskEngine& engine) {
  const auto rows = engine.rows(0, engine.size());
  const auto ids = engine.ids(rows);
  const RecordBlob records = engine.payloads(rows);
  const VectorsView vectors = engine.vectors_of(rows);
  Docs docs(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    docs[i].id = ids[i];
    const auto size = static_cast<std::size_t>(records.offsets[i + 1] - records.offsets[i]);
    if (size > 0) {
      docs[i].text.assign(reinterpret_cast<const char*>(&records.blob[records.offsets[i]]), size);
    }
    if (vectors.by_position[i] < 0) continue;
    docs[i].vector.resize(vectors.spec.dim);
    const auto line = static_cast<std::size_t>(vectors.by_position[i]);
    std::memcpy(docs[i].vector.data(), vectors.data + line * vectors.spec.line_bytes(),
                vectors.spec.line_bytes());
  }
  return docs;
}

inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void spill(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// All files of a directory by name; an index of what to damage, and a way back.
inline std::map<std::string, std::string> files_of(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    files[entry.path().filename().string()] = slurp(entry.path().string());
  }
  return files;
}

inline void restore(const std::string& directory, const std::map<std::string, std::string>& files) {
  std::filesystem::remove_all(directory);
  std::filesystem::create_directory(directory);
  for (const auto& [name, bytes] : files) spill(directory + "/" + name, bytes);
}

// Fails the call with number `fail_at`, counted over all calls that may change
// something, with `code`; or makes every write short, or interrupted.
class Faults : public FaultHook {
 public:
  int before(Call call, const std::string&, std::size_t& size) override {
    if (call == Call::kRead || call == Call::kMap) return 0;
    const long number = calls++;
    if (call == Call::kWrite && short_writes && size > 1) size = (size + 1) / 2;
    if (interrupt && number % 2 == 0) return EINTR;
    if (number == fail_at || (sticky && fail_at >= 0 && number > fail_at)) {
      failed = call;
      return code;
    }
    return 0;
  }
  std::atomic<long> calls{0};
  long fail_at = -1;
  bool sticky = false;
  int code = EIO;
  bool short_writes = false;
  bool interrupt = false;
  Call failed = Call::kRead;
};

inline EngineOptions with(FaultHook* hook) {
  EngineOptions options;
  options.hook = hook;
  options.sync_delay = 1000;  // the tests say when to sync
  return options;
}

}  // namespace docstore::disk::testing
