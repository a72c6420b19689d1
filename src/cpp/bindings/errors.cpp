#include <cerrno>

#include "bindings.hpp"
#include "errors.hpp"

namespace py = pybind11;

namespace docstore::bindings {
namespace {

// Raises docstore.errors.<name>(message, **details). The module is imported
// here and not kept, so that importing _core imports nothing else.
template <class... Details>
void raise(const char* name, const std::exception& error, Details&&... details) {
  py::object type = py::module_::import("docstore.errors").attr(name);
  py::object value = type(error.what(), std::forward<Details>(details)...);
  PyErr_SetObject(type.ptr(), value.ptr());
}

void translate(std::exception_ptr pointer) {
  using namespace py::literals;
  try {
    if (pointer) std::rethrow_exception(pointer);
  } catch (const InvalidVector& error) {
    raise("InvalidVector", error, "row"_a = error.row);
  } catch (const DimensionMismatch& error) {
    raise("DimensionMismatch", error);
  } catch (const InvalidArgument& error) {
    raise("InvalidArgument", error);
  } catch (const InvalidType& error) {
    raise("InvalidType", error);
  } catch (const EncodeError& error) {
    raise("EncodeError", error);
  } catch (const CorruptStore& error) {
    raise("CorruptStore", error, "file"_a = error.file, "offset"_a = error.offset);
  } catch (const UnsupportedFormat& error) {
    raise("UnsupportedFormat", error);
  } catch (const CorruptData& error) {
    raise("CorruptData", error);
  } catch (const StoreLocked& error) {
    raise("StoreLocked", error, "pid"_a = error.pid, "code"_a = EAGAIN);
  } catch (const DuplicateId& error) {
    raise("DuplicateId", error, "id"_a = error.id);
  } catch (const StorageFull& error) {
    raise("StorageFull", error, "code"_a = ENOSPC);
  } catch (const IoError& error) {
    raise("StorageError", error, "code"_a = error.code);
  } catch (const NotAStore& error) {
    raise("NotAStore", error, "code"_a = ENOENT);
  } catch (const ReadOnlyStore& error) {
    raise("ReadOnlyStore", error, "code"_a = EROFS);
  } catch (const StoreClosed& error) {
    raise("StoreClosed", error);
  } catch (const TransactionError& error) {
    raise("TransactionError", error);
  } catch (const DocumentGone& error) {
    raise("DocumentGone", error);
  }
}

}  // namespace

void register_errors(py::module_&) { py::register_local_exception_translator(&translate); }

}  // namespace docstore::bindings
