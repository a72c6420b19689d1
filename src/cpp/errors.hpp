#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace docstore {

// What the core throws. Each class has one counterpart in docstore/errors.py;
// bindings/errors.cpp is the only place that maps one to the other. All are
// thrown by value and may be thrown and caught on any thread.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A caller's argument cannot be used: wrong shape, value or name.
struct InvalidArgument : Error {
  using Error::Error;
};

// A caller's argument has a type that cannot be used.
struct InvalidType : Error {
  using Error::Error;
};

// Vectors of different lengths meet.
struct DimensionMismatch : InvalidArgument {
  using InvalidArgument::InvalidArgument;
};

// A vector holds NaN or infinity, or has no direction under cosine. `row` is
// the row of the searched set, or -1 - q for query q.
struct InvalidVector : Error {
  InvalidVector(const std::string& what, std::int64_t at) : Error(what), row(at) {}
  std::int64_t row;
};

// Bytes that cannot be what they claim to be: bad magic, checksum, length.
struct CorruptData : Error {
  using Error::Error;
};

// A value that a format cannot hold; the message names the field.
struct EncodeError : Error {
  using Error::Error;
};

// A store's file is damaged; `file` and `offset` say where.
struct CorruptStore : CorruptData {
  CorruptStore(const std::string& what, std::string at_file, std::uint64_t at_offset)
      : CorruptData(what), file(std::move(at_file)), offset(at_offset) {}
  std::string file;
  std::uint64_t offset;
};

// Another process writes to this store; `pid` is it, or 0 when unknown.
struct StoreLocked : Error {
  StoreLocked(const std::string& what, std::int64_t holder) : Error(what), pid(holder) {}
  std::int64_t pid;
};

// An id that the store already holds would be inserted again.
struct DuplicateId : Error {
  DuplicateId(const std::string& what, std::string which) : Error(what), id(std::move(which)) {}
  std::string id;
};

// There is no room left on the device, or a quota is used up.
struct StorageFull : Error {
  using Error::Error;
};

// Any other failure of the operating system; `code` is its errno.
struct IoError : Error {
  IoError(const std::string& what, int errno_value) : Error(what), code(errno_value) {}
  int code;
};

// The path exists and is no store, or does not exist and may not be made.
struct NotAStore : Error {
  using Error::Error;
};

// Written by a newer version, or by another program.
struct UnsupportedFormat : CorruptData {
  using CorruptData::CorruptData;
};

// The store was opened for reading, and something would be written.
struct ReadOnlyStore : Error {
  using Error::Error;
};

// The store was closed before.
struct StoreClosed : Error {
  using Error::Error;
};

// Not allowed inside, or outside, a transaction.
struct TransactionError : Error {
  using Error::Error;
};

// A row that was deleted was asked for.
struct DocumentGone : Error {
  using Error::Error;
};

}  // namespace docstore
