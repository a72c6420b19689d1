#include "bindings.hpp"

PYBIND11_MODULE(_core, module) {
  module.doc() = "The native core of docstore. Private: use the names of docstore itself.";
  docstore::bindings::register_errors(module);
  docstore::bindings::register_codec(module);
  docstore::bindings::register_column(module);
  docstore::bindings::register_ids(module);
  docstore::bindings::register_search(module);
  docstore::bindings::register_proto(module);
  docstore::bindings::register_disk(module);
}
