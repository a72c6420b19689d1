#pragma once

#include <pybind11/numpy.h>

#include <string>

#include "../dtype.hpp"

namespace docstore::bindings {

namespace py = pybind11;

// Helpers for NumPy arrays of vectors; all need the GIL. `name` is the
// argument that an error message speaks of.

// `object` as an array with numbers that the core can read: of a known type,
// in this machine's byte order. Raises InvalidType otherwise.
py::array numbers(const py::handle& object, const char* name);

// The same with two dimensions, and the components of a row side by side.
py::array matrix(const py::handle& object, const char* name);

// The type of such an array.
DType dtype_of(const py::array& array);
py::dtype numpy_dtype(DType type);

// `object` as a contiguous array of int64. Raises InvalidType or
// InvalidArgument unless it is a list of whole numbers.
py::array_t<std::int64_t> line_numbers(const py::handle& object, const char* name);

// '(3, 4)'.
std::string shape_of(const py::array& array);

inline const std::byte* bytes_of(const py::array& array) {
  return static_cast<const std::byte*>(array.data());
}

inline std::size_t length(const py::array& array, int axis = 0) {
  return static_cast<std::size_t>(array.shape(axis));
}

}  // namespace docstore::bindings
