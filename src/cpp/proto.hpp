#pragma once

#include "byte_buffer.hpp"
#include "pack.hpp"

namespace docstore {

// The protobuf messages of legacy docarray (0.13 to 0.21), written and read at
// wire level. A record is a packed dict of the fields of a Document, the same
// that pack.hpp describes; a message is a DocumentProto. What protobuf cannot
// tell apart is lost in it as it was in docarray: every number in `tags` is a
// double, weight, offset, location and scores are floats of 32 bits.
//
// A sparse array is a packed dict with the keys `cls_name`, `sparse_format`,
// `indices`, `values` and `shape` in the place of the array.
//
// Pure functions; any thread.

// Appends the DocumentProto of a packed record to `out`. Throws EncodeError,
// naming the field, for what the message cannot hold.
void proto_from_packed(PackReader& record, ByteBuffer& out);

// Appends the record of a DocumentProto to `out`. Throws CorruptData.
void proto_to_packed(ByteSpan message, PackWriter& out);

// Appends a record as one item of a DocumentArrayProto.
void proto_add_document(PackReader& record, ByteBuffer& out);

// Takes the next item of a DocumentArrayProto off the front of `message`, into
// `document`; false when there is none left. Throws CorruptData.
bool proto_next_document(ByteSpan& message, ByteSpan& document);

}  // namespace docstore
