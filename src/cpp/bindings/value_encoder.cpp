#include <cstdio>

#include "../errors.hpp"
#include "values.hpp"

namespace docstore::bindings {
namespace {

std::string type_name(PyObject* value) {
  const py::handle type(reinterpret_cast<PyObject*>(Py_TYPE(value)));
  const std::string module = py::str(type.attr("__module__"));
  const std::string name = py::str(type.attr("__qualname__"));
  return module == "builtins" ? name : module + "." + name;
}

// What to do about a value that cannot be stored.
const char* remedy(PyObject* value) {
  if (PyAnySet_Check(value)) return "use a sorted list";
  if (PyComplex_Check(value)) return "use a list of its two parts, or a NumPy array";
  if (PyByteArray_Check(value) || PyMemoryView_Check(value)) return "use bytes(value)";
  if (PyObject_HasAttrString(value, "isoformat")) return "use its isoformat() text, or a number";
  if (PyMapping_Check(value) && PyObject_HasAttrString(value, "keys")) return "use dict(value)";
  if (PyObject_HasAttrString(value, "tocoo")) return "use its toarray()";
  if (PyGen_Check(value)) return "use list(value)";
  return "use None, bool, int, float, str, bytes, list, dict or a NumPy array";
}

bool is_masked(PyObject* value) {
  return PyObject_HasAttrString(value, "mask") && PyObject_HasAttrString(value, "fill_value");
}

// numpy.generic, the type of all NumPy scalars.
py::handle generic_type() {
  static const py::handle type = py::object(py::module_::import("numpy").attr("generic")).release();
  return type;
}

}  // namespace

void raise_encode_error(const std::string& message) {
  py::object type = py::module_::import("docstore.errors").attr("EncodeError");
  PyErr_SetObject(type.ptr(), type(message).ptr());
  throw py::error_already_set();
}

void ValueEncoder::refuse(const std::string& why) {
  std::string place;
  for (int i = 0; i < depth_; ++i) {
    if (path_[i].key == nullptr) {
      place += "[" + std::to_string(path_[i].index) + "]";
    } else {
      const py::object text = py::reinterpret_steal<py::object>(
          PyUnicode_AsEncodedString(path_[i].key, "utf-8", "backslashreplace"));
      if (!text) throw py::error_already_set();
      if (!place.empty()) place += '.';
      place += PyBytes_AS_STRING(text.ptr());
    }
    if (place.size() > 200) {
      place += "...";
      break;
    }
  }
  raise_encode_error(place.empty() ? why : place + ": " + why);
}

void ValueEncoder::write(PyObject* value, int depth) {
  if (PyUnicode_Check(value)) {
    write_str(value);
  } else if (PyFloat_CheckExact(value)) {
    out_.real(PyFloat_AS_DOUBLE(value));
  } else if (value == Py_None) {
    out_.none();
  } else if (PyBool_Check(value)) {
    out_.boolean(value == Py_True);
  } else if (PyLong_Check(value)) {
    write_int(value);
  } else if (PyDict_Check(value)) {
    write_dict(value, depth);
  } else if (PyList_Check(value) || PyTuple_Check(value)) {
    write_sequence(value, depth);
  } else if (PyBytes_Check(value)) {
    out_.bytes({reinterpret_cast<const std::uint8_t*>(PyBytes_AS_STRING(value)),
                static_cast<std::size_t>(PyBytes_GET_SIZE(value))});
  } else if (py::detail::npy_api::get().PyArray_Check_(value)) {
    write_array(value);
  } else {
    write_other(value, depth);
  }
}

void ValueEncoder::write_int(PyObject* value) {
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
  if (overflow == 0) {
    if (number == -1 && PyErr_Occurred()) throw py::error_already_set();
    return out_.integer(number);
  }
  const py::handle big(value);
  const auto bits = big.attr("bit_length")().cast<std::size_t>();
  const py::bytes raw = big.attr("to_bytes")(bits / 8 + 1, "little", py::arg("signed") = true);
  out_.big_integer(as_bytes(std::string_view(raw)));
}

void ValueEncoder::write_str(PyObject* value, bool key) {
  if (PyUnicode_IS_COMPACT_ASCII(value)) {
    const std::string_view text(static_cast<const char*>(PyUnicode_DATA(value)),
                                static_cast<std::size_t>(PyUnicode_GET_LENGTH(value)));
    return key ? out_.key(text) : out_.string(text);
  }
  // Not PyUnicode_AsUTF8, which would keep a second copy inside the object.
  const py::object text = py::reinterpret_steal<py::object>(PyUnicode_AsUTF8String(value));
  if (!text) {
    if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) throw py::error_already_set();
    PyErr_Clear();
    refuse(std::string(key ? "a key" : "the text") +
           " holds a lone surrogate, which is not valid Unicode; use "
           "value.encode('utf-8', 'replace').decode()");
  }
  const std::string_view bytes(PyBytes_AS_STRING(text.ptr()),
                               static_cast<std::size_t>(PyBytes_GET_SIZE(text.ptr())));
  key ? out_.key(bytes) : out_.string(bytes);
}

void ValueEncoder::write_sequence(PyObject* value, int depth) {
  if (depth >= kMaxPackDepth) refuse("is nested too deep, or contains itself");
  const bool is_list = PyList_Check(value);
  const Py_ssize_t count = is_list ? PyList_GET_SIZE(value) : PyTuple_GET_SIZE(value);
  out_.list(static_cast<std::size_t>(count));
  ++depth_;
  for (Py_ssize_t i = 0; i < count; ++i) {
    path_[depth] = {nullptr, i};
    // An item may run code of its own while it is written, and change the list.
    if (is_list && PyList_GET_SIZE(value) != count) refuse("changed while it was written");
    const py::object item = py::reinterpret_borrow<py::object>(
        is_list ? PyList_GET_ITEM(value, i) : PyTuple_GET_ITEM(value, i));
    write(item.ptr(), depth + 1);
  }
  --depth_;
}

void ValueEncoder::write_dict(PyObject* value, int depth) {
  if (depth >= kMaxPackDepth) refuse("is nested too deep, or contains itself");
  const Py_ssize_t count = PyDict_GET_SIZE(value);
  out_.dict(static_cast<std::size_t>(count));
  path_[depth_++] = {nullptr, 0};
  Py_ssize_t position = 0;
  Py_ssize_t written = 0;
  PyObject* key = nullptr;
  PyObject* item = nullptr;
  while (PyDict_Next(value, &position, &key, &item)) {
    if (!PyUnicode_Check(key)) {
      --depth_;
      refuse("the key " + std::string(py::repr(key)) + " is of type " + type_name(key) +
             ", but keys are str; use str(key)");
    }
    const py::object held_key = py::reinterpret_borrow<py::object>(key);
    const py::object held_item = py::reinterpret_borrow<py::object>(item);
    path_[depth] = {key, 0};
    write_str(key, true);
    write(item, depth + 1);
    ++written;
    if (PyDict_GET_SIZE(value) != count) refuse("changed while it was written");
  }
  --depth_;
  if (written != count) refuse("changed while it was written");
}

void ValueEncoder::write_array(PyObject* value) {
  if (Py_TYPE(value) != py::detail::npy_api::get().PyArray_Type_ && is_masked(value)) {
    refuse("cannot store a masked array; use its filled()");
  }
  const auto array = py::reinterpret_borrow<py::array>(value);
  std::string buffer;
  const std::string_view dtype = stored_dtype(array.dtype(), buffer);
  const int ndim = static_cast<int>(array.ndim());
  if (dtype.empty()) {
    refuse("cannot store an array of type " + std::string(py::str(array.dtype())) +
           "; use numbers, bool, or fixed-width text");
  }
  if (ndim > kMaxArrayDims) refuse("cannot store an array of more than 32 dimensions");
  const py::array plain = stored_layout(array);
  std::array<std::int64_t, kMaxArrayDims> shape;
  std::copy_n(plain.shape(), ndim, shape.begin());
  std::uint8_t* out = out_.array(dtype, {shape.data(), static_cast<std::size_t>(ndim)});
  const auto size = static_cast<std::size_t>(plain.nbytes());
  if (size != 0) std::memcpy(out, plain.data(), size);
}

bool ValueEncoder::write_scalar(PyObject* value, int depth) {
  const int is_scalar = PyObject_IsInstance(value, generic_type().ptr());
  if (is_scalar < 0) throw py::error_already_set();
  if (is_scalar == 0) return false;
  const py::object plain = py::handle(value).attr("item")();
  PyObject* raw = plain.ptr();
  if (!PyBool_Check(raw) && !PyLong_Check(raw) && !PyFloat_CheckExact(raw) &&
      !PyUnicode_Check(raw) && !PyBytes_Check(raw)) {
    return false;
  }
  // Dates in nanoseconds have an int for their item; they are no numbers here.
  const char kind = py::dtype(py::handle(value).attr("dtype").cast<py::dtype>()).kind();
  if (kind == 'M' || kind == 'm') return false;
  write(raw, depth);
  return true;
}

void ValueEncoder::write_other(PyObject* value, int depth) {
  if (write_scalar(value, depth)) return;
  if (PyFloat_Check(value)) return out_.real(PyFloat_AS_DOUBLE(value));
  // Tensors of other libraries say how they become arrays.
  if (!PyType_Check(value) && PyObject_HasAttrString(value, "__array__") &&
      !PyObject_IsInstance(value, generic_type().ptr())) {
    const py::object array = py::module_::import("numpy").attr("asarray")(py::handle(value));
    return write_array(array.ptr());
  }
  refuse("cannot store an object of type " + type_name(value) + "; " + remedy(value));
}

}  // namespace docstore::bindings
