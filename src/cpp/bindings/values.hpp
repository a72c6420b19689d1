#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <optional>
#include <string>
#include <vector>

#include "../pack.hpp"

namespace docstore::bindings {

namespace py = pybind11;

// Raises docstore.errors.EncodeError.
[[noreturn]] void raise_encode_error(const std::string& message);

// Writes Python values as packed values, straight from the objects. It holds
// no references of its own; for use under the GIL.
class ValueEncoder {
 public:
  explicit ValueEncoder(PackWriter& out) : out_(out) {}

  // Raises EncodeError, which names the place inside the value.
  void write(PyObject* value) { write(value, 0); }

 private:
  void write(PyObject* value, int depth);
  void write_other(PyObject* value, int depth);
  void write_int(PyObject* value);
  void write_str(PyObject* value, bool key = false);
  void write_sequence(PyObject* value, int depth);
  void write_dict(PyObject* value, int depth);
  void write_array(PyObject* value);
  bool write_scalar(PyObject* value, int depth);
  [[noreturn]] void refuse(const std::string& why);

  // Where the walk is: a borrowed key, or a place in a list.
  struct Step {
    PyObject* key;
    Py_ssize_t index;
  };
  PackWriter& out_;
  Step path_[kMaxPackDepth + 1];
  int depth_ = 0;
};

// Bytes that a caller handed in, held while this lives. Arrays that are
// decoded from them are views, when `keeper` can keep the bytes as they are.
class InputBytes {
 public:
  // Throws a Python TypeError when `object` is not contiguous bytes.
  explicit InputBytes(py::handle object);
  InputBytes(const InputBytes&) = delete;
  InputBytes& operator=(const InputBytes&) = delete;
  ~InputBytes() { PyBuffer_Release(&buffer_); }

  ByteSpan span() const noexcept {
    return {static_cast<const std::uint8_t*>(buffer_.buf), static_cast<std::size_t>(buffer_.len)};
  }
  bool readonly() const noexcept { return buffer_.readonly != 0; }
  // What keeps the bytes alive after this is gone.
  py::object keeper();

 private:
  py::handle object_;
  Py_buffer buffer_{};
  py::object keeper_;
};

// Makes Python values of packed values. For use under the GIL.
class ValueDecoder {
 public:
  // With `copy`, arrays are copies of their own, which may be written to.
  explicit ValueDecoder(InputBytes& input, bool copy = false) : input_(&input), copy_(copy) {}
  // For bytes that no Python object owns: arrays are always copies.
  ValueDecoder() : input_(nullptr), copy_(true) {}

  // The one value that `bytes`, a part of the input, holds.
  py::object decode(ByteSpan bytes);
  // The next value of a reader over a part of the input.
  py::object read(PackReader& reader) { return read(reader, 0); }

 private:
  py::object read(PackReader& reader, int depth);
  py::object read_list(PackReader& reader, std::size_t count, int depth);
  py::object read_dict(PackReader& reader, std::size_t count, int depth);
  py::object read_array(PackReader& reader);

  InputBytes* input_;
  bool copy_;
};

// Appends the next value as JSON text that says the same. False, with `out`
// and the reader somewhere in between, for what SQLite could not read back:
// bytes, arrays, NaN, numbers of 19 digits, NUL in a text.
bool write_json(PackReader& reader, std::string& out);

// A dict key as a shared object: the same few come again in every record.
py::object intern_key(const Key& key);

// NumPy's type object for a type that PackReader returned.
py::object dtype_object(std::uint8_t code, std::string_view name);

// An array with memory of its own.
py::object new_array(py::object dtype, int ndim, const std::int64_t* shape);

// A view of memory that `keeper` keeps alive; read-only.
py::object array_view(py::object dtype, int ndim, const std::int64_t* shape, const void* data,
                      py::object keeper);

// The spelling under which an array's elements are stored ('<f4'), in `buffer`
// when it is none of kPackDtypes; empty for a type that is not stored.
std::string_view stored_dtype(const py::dtype& dtype, std::string& buffer);

// An ndarray whose elements can be copied as they are: C order, native. May be
// `array` itself.
py::array stored_layout(const py::array& array);

// Steps of a path given as a Python sequence of str and int.
std::vector<PathStep> path_steps(py::handle path);

// A bytes object of these bytes.
py::bytes make_bytes(const std::uint8_t* data, std::size_t size);

}  // namespace docstore::bindings
