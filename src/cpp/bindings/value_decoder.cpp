#include <algorithm>

#include "../errors.hpp"
#include "values.hpp"

namespace docstore::bindings {
namespace {

template <class Type = py::object>
Type steal(PyObject* object) {
  if (object == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<Type>(object);
}

// Recently seen keys by a hash of their bytes. Kept for the life of the
// process and touched under the GIL only.
class KeyCache {
 public:
  py::object get(std::string_view text) {
    if (text.empty() || text.size() > kLongest) return make(text);
    PyObject*& slot = slots_[hash(text) % kSlots];
    if (slot != nullptr && matches(slot, text)) return py::reinterpret_borrow<py::object>(slot);
    py::object made = make(text);
    if (!PyUnicode_IS_COMPACT_ASCII(made.ptr())) return made;
    PyObject* old = slot;
    slot = py::object(made).release().ptr();
    Py_XDECREF(old);
    return made;
  }

  static py::object make(std::string_view text) {
    PyObject* made =
        PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr);
    if (made == nullptr) {
      PyErr_Clear();
      throw CorruptData("packed value: a key is not UTF-8");
    }
    return py::reinterpret_steal<py::object>(made);
  }

 private:
  static constexpr std::size_t kSlots = 1024;
  static constexpr std::size_t kLongest = 40;

  static std::size_t hash(std::string_view text) noexcept {
    std::uint32_t value = 2166136261u;
    for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 16777619u;
    return value ^ (value >> 15);
  }

  static bool matches(PyObject* object, std::string_view text) noexcept {
    return static_cast<std::size_t>(PyUnicode_GET_LENGTH(object)) == text.size() &&
           std::memcmp(PyUnicode_DATA(object), text.data(), text.size()) == 0;
  }

  PyObject* slots_[kSlots] = {};
};

py::object make_text(std::string_view text) {
  PyObject* made = PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr);
  if (made == nullptr) {
    PyErr_Clear();
    throw CorruptData("packed value: a text is not UTF-8");
  }
  return py::reinterpret_steal<py::object>(made);
}

py::object make_big_int(const Token& token) {
  const py::handle type(reinterpret_cast<PyObject*>(&PyLong_Type));
  return type.attr("from_bytes")(make_bytes(token.data, token.size), "little",
                                 py::arg("signed") = true);
}

py::object numpy_array(py::object dtype, int ndim, const std::int64_t* shape, void* data,
                       int flags) {
  const auto& api = py::detail::npy_api::get();
  static_assert(sizeof(Py_intptr_t) == sizeof(std::int64_t));
  return steal(api.PyArray_NewFromDescr_(api.PyArray_Type_, dtype.release().ptr(), ndim,
                                         reinterpret_cast<const Py_intptr_t*>(shape), nullptr, data,
                                         flags, nullptr));
}

}  // namespace

py::bytes make_bytes(const std::uint8_t* data, std::size_t size) {
  return steal<py::bytes>(PyBytes_FromStringAndSize(reinterpret_cast<const char*>(data),
                                                    static_cast<Py_ssize_t>(size)));
}

py::object intern_key(const Key& key) {
  // Leaked on purpose: they must outlive every other static object.
  static PyObject* known[kPackKeys.size()] = {};
  static auto& cache = *new KeyCache;
  if (key.number < 0) return cache.get(key.text);
  PyObject*& slot = known[key.number];
  if (slot == nullptr) {
    PyObject* made = KeyCache::make(key.text).release().ptr();
    PyUnicode_InternInPlace(&made);
    slot = made;
  }
  return py::reinterpret_borrow<py::object>(slot);
}

py::object dtype_object(std::uint8_t code, std::string_view name) {
  static PyObject* known[kPackDtypes.size()] = {};
  if (code == kNamedDtype) return py::dtype::from_args(py::str(name.data(), name.size()));
  PyObject*& slot = known[code];
  if (slot == nullptr) {
    slot = py::dtype::from_args(py::str(name.data(), name.size())).release().ptr();
  }
  return py::reinterpret_borrow<py::object>(slot);
}

std::string_view stored_dtype(const py::dtype& dtype, std::string& buffer) {
  const char kind = dtype.kind();
  const auto size = dtype.itemsize();
  const char known[] = {size == 1 ? '|' : '<', kind, size >= 10 ? '1' : char('0' + size), '6', 0};
  const std::string_view spelled(known, size == 16 ? 4 : 3);
  if (kind != 'S' && kind != 'U' && kind != 'M' && kind != 'm' && size <= 16) {
    const std::uint8_t code = pack_dtype_code(spelled);
    return code == kNamedDtype ? std::string_view() : kPackDtypes[code];
  }
  buffer = py::str(dtype.attr("newbyteorder")("<").attr("str"));
  return pack_dtype_size(buffer) == 0 ? std::string_view() : std::string_view(buffer);
}

py::array stored_layout(const py::array& array) {
  const char order = array.dtype().byteorder();
  const bool ready = (array.flags() & py::array::c_style) != 0 && order != '>';
  if (ready) return array;
  const py::object dtype = array.dtype().attr("newbyteorder")("<");
  return py::module_::import("numpy").attr("asarray")(array, dtype, "C");
}

py::object new_array(py::object dtype, int ndim, const std::int64_t* shape) {
  return numpy_array(std::move(dtype), ndim, shape, nullptr, 0);
}

py::object array_view(py::object dtype, int ndim, const std::int64_t* shape, const void* data,
                      py::object keeper) {
  const auto& api = py::detail::npy_api::get();
  constexpr int kFlags =
      py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  py::object array = numpy_array(std::move(dtype), ndim, shape, const_cast<void*>(data), kFlags);
  if (api.PyArray_SetBaseObject_(array.ptr(), keeper.release().ptr()) != 0) {
    throw py::error_already_set();
  }
  return array;
}

InputBytes::InputBytes(py::handle object) : object_(object) {
  if (PyObject_GetBuffer(object.ptr(), &buffer_, PyBUF_SIMPLE) != 0) throw py::error_already_set();
}

py::object InputBytes::keeper() {
  if (!keeper_) {
    keeper_ = PyBytes_CheckExact(object_.ptr()) ? py::reinterpret_borrow<py::object>(object_)
                                                : steal(PyMemoryView_FromObject(object_.ptr()));
  }
  return keeper_;
}

py::object ValueDecoder::decode(ByteSpan bytes) {
  PackReader reader(bytes);
  py::object value = read(reader, 0);
  reader.finish();
  return value;
}

py::object ValueDecoder::read(PackReader& reader, int depth) {
  const Token token = reader.next();
  switch (token.kind) {
    case Kind::kNone:
      return py::none();
    case Kind::kBool:
      return py::reinterpret_borrow<py::object>(token.boolean ? Py_True : Py_False);
    case Kind::kInt:
      return steal(PyLong_FromLongLong(token.integer));
    case Kind::kBigInt:
      return make_big_int(token);
    case Kind::kFloat:
      return steal(PyFloat_FromDouble(token.real));
    case Kind::kStr:
      return make_text(token.text());
    case Kind::kBytes:
      return make_bytes(token.data, token.size);
    case Kind::kList:
      return read_list(reader, token.size, depth);
    case Kind::kDict:
      return read_dict(reader, token.size, depth);
    case Kind::kArray:
      return read_array(reader);
  }
  throw CorruptData("packed value: unknown kind");
}

py::object ValueDecoder::read_list(PackReader& reader, std::size_t count, int depth) {
  PackReader::check_depth(depth + 1);
  py::object list = steal(PyList_New(static_cast<Py_ssize_t>(count)));
  for (std::size_t i = 0; i < count; ++i) {
    PyList_SET_ITEM(list.ptr(), static_cast<Py_ssize_t>(i),
                    read(reader, depth + 1).release().ptr());
  }
  return list;
}

py::object ValueDecoder::read_dict(PackReader& reader, std::size_t count, int depth) {
  PackReader::check_depth(depth + 1);
  py::object dict = steal(PyDict_New());
  for (std::size_t i = 0; i < count; ++i) {
    const py::object key = intern_key(reader.key());
    const py::object value = read(reader, depth + 1);
    if (PyDict_SetItem(dict.ptr(), key.ptr(), value.ptr()) != 0) throw py::error_already_set();
  }
  if (static_cast<std::size_t>(PyDict_GET_SIZE(dict.ptr())) != count) {
    reader.fail("has a key twice");
  }
  return dict;
}

py::object ValueDecoder::read_array(PackReader& reader) {
  const ArrayView view = reader.array();
  check_array_content(view.dtype, view.data, view.size);
  py::object dtype = dtype_object(view.code, view.dtype);
  const bool aligned = reinterpret_cast<std::uintptr_t>(view.data) % kArrayAlignment == 0;
  if (aligned && !copy_ && view.size != 0 && input_->readonly()) {
    return array_view(std::move(dtype), view.ndim, view.shape.data(), view.data, input_->keeper());
  }
  py::object array = new_array(std::move(dtype), view.ndim, view.shape.data());
  if (view.size != 0) {
    std::memcpy(py::detail::array_proxy(array.ptr())->data, view.data, view.size);
  }
  if (!copy_)
    py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
  return array;
}

std::vector<PathStep> path_steps(py::handle path) {
  std::vector<PathStep> steps;
  for (const py::handle step : py::reinterpret_borrow<py::sequence>(path)) {
    if (PyUnicode_Check(step.ptr())) {
      steps.emplace_back(step.cast<std::string>());
    } else {
      steps.emplace_back(step.cast<std::int64_t>());
    }
  }
  return steps;
}

}  // namespace docstore::bindings
