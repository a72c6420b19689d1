#include "pack.hpp"

#include <memory>
#include <random>
#include <vector>

#include "check.hpp"
#include "errors.hpp"
#include "pickle_scan.hpp"
#include "proto.hpp"

using namespace docstore;

namespace {

using Bytes = std::vector<std::uint8_t>;

// A copy with no byte to spare on the heap, so that ASan sees every overrun.
struct Exact {
  explicit Exact(ByteSpan bytes) : size(bytes.size()), data(new std::uint8_t[bytes.size()]) {
    std::copy(bytes.begin(), bytes.end(), data.get());
  }
  ByteSpan span() const { return {data.get(), size}; }
  std::size_t size;
  std::unique_ptr<std::uint8_t[]> data;
};

// One record with every kind of value and the fields of a Document.
void write_sample(PackWriter& out) {
  const std::int64_t shape[] = {2, 2};
  const float numbers[] = {1, 2, 3, 4};
  out.dict(6);
  out.key("id");
  out.string("a1");
  out.key("text");
  out.string(std::string(100, 'x'));
  out.key("tags");
  out.dict(6);
  out.key("none");
  out.none();
  out.key("yes");
  out.boolean(true);
  out.key("int");
  out.integer(-70000);
  out.key("real");
  out.real(0.5);
  out.key("list");
  out.list(2);
  out.integer(5);
  out.string("five");
  out.key("empty");
  out.dict(0);
  out.key("embedding");
  std::memcpy(out.array("<f4", shape), numbers, sizeof numbers);
  out.key("scores");
  out.dict(1);
  out.key("cosine");
  out.dict(1);
  out.key("value");
  out.real(0.25);
  out.key("chunks");
  out.list(1);
  out.dict(2);
  out.key("id");
  out.string("c");
  out.key("blob");
  out.bytes(as_bytes("\x01\x02"));
}

Bytes sample_proto() {
  PackWriter packed;
  write_sample(packed);
  PackReader reader(packed.buffer().span());
  ByteBuffer out;
  proto_from_packed(reader, out);
  return {out.data(), out.data() + out.size()};
}

// Reads the bytes in every way there is; CorruptData is the only complaint.
template <class Read>
bool survives(ByteSpan bytes, Read read) {
  const Exact copy(bytes);
  try {
    read(copy.span());
  } catch (const CorruptData&) {
    return false;
  }
  return true;
}

void walk(ByteSpan bytes) {
  PackReader reader(bytes);
  reader.skip();
  reader.finish();
}

void find_all(ByteSpan bytes) {
  const std::vector<PathStep> path = {std::string("tags"), std::string("list"), std::int64_t{-1}};
  PackReader reader(bytes);
  if (reader.find(path)) reader.skip();
}

void from_proto(ByteSpan bytes) {
  PackWriter out;
  proto_to_packed(bytes, out);
  walk(out.buffer().span());
}

void to_proto(ByteSpan bytes) {
  PackReader reader(bytes);
  ByteBuffer out;
  try {
    proto_from_packed(reader, out);
  } catch (const EncodeError&) {
  }
}

template <class Read>
void damage(ByteSpan good, Read read) {
  CHECK(survives(good, read));
  for (std::size_t size = 0; size < good.size(); ++size) survives(good.first(size), read);
  Bytes copy(good.begin(), good.end());
  for (std::size_t at = 0; at < copy.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      copy[at] ^= static_cast<std::uint8_t>(1 << bit);
      survives(copy, read);
      copy[at] ^= static_cast<std::uint8_t>(1 << bit);
    }
  }
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    Bytes mangled(good.begin(), good.end());
    for (int change = 0; change < 4; ++change) {
      mangled[random() % mangled.size()] = static_cast<std::uint8_t>(random());
    }
    survives(mangled, read);
  }
}

}  // namespace

TEST(keys_have_their_numbers) {
  for (std::size_t i = 0; i < kPackKeys.size(); ++i) {
    CHECK_EQ(pack_key_number(kPackKeys[i]), static_cast<int>(i));
  }
  CHECK_EQ(pack_key_number(""), -1);
  CHECK_EQ(pack_key_number("idx"), -1);
}

TEST(types_have_their_sizes) {
  CHECK_EQ(pack_dtype_size("<f4"), 4u);
  CHECK_EQ(pack_dtype_size("<c16"), 16u);
  CHECK_EQ(pack_dtype_size("|b1"), 1u);
  CHECK_EQ(pack_dtype_size("<U5"), 20u);
  CHECK_EQ(pack_dtype_size("|S3"), 3u);
  CHECK_EQ(pack_dtype_size("<M8[25s]"), 8u);
  for (const char* bad : {"", "<f", "|O", ">f4", "<f16", "|V8", "<U0", "<U05", "<U99999999999",
                          "<M8[", "<M8[x]", "<M8[0s]", "<M4"}) {
    CHECK_EQ(pack_dtype_size(bad), 0u);
  }
}

TEST(integers_survive) {
  for (const std::int64_t value :
       {std::int64_t{0}, std::int64_t{63}, std::int64_t{64}, std::int64_t{-1},
        std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    PackWriter out;
    out.integer(value);
    PackReader reader(out.buffer().span());
    const Token token = reader.next();
    CHECK(token.kind == Kind::kInt);
    CHECK_EQ(token.integer, value);
    reader.finish();
  }
}

TEST(arrays_are_aligned_from_the_base) {
  for (std::size_t base = 0; base < 16; ++base) {
    for (std::size_t before = 0; before < 9; ++before) {
      PackWriter out(base);
      out.string(std::string(before, 'x'));
      const std::int64_t shape[] = {3};
      const std::uint8_t* at = out.array("<f8", shape);
      CHECK_EQ((base + static_cast<std::size_t>(at - out.data())) % kArrayAlignment, 0u);
    }
  }
}

TEST(impossible_arrays_are_refused) {
  PackWriter out;
  const std::int64_t huge[] = {std::int64_t{1} << 40, std::int64_t{1} << 40};
  const std::int64_t negative[] = {-1};
  const std::int64_t one[] = {1};
  CHECK_THROWS(InvalidArgument, out.array("<f4", huge));
  CHECK_THROWS(InvalidArgument, out.array("<f4", negative));
  CHECK_THROWS(InvalidArgument, out.array("|O", one));
  CHECK_EQ(out.size(), 0u);
}

TEST(damaged_values_never_read_outside) {
  PackWriter out;
  write_sample(out);
  damage(out.buffer().span(), walk);
  damage(out.buffer().span(), find_all);
  damage(out.buffer().span(), to_proto);
  for (std::size_t size = 0; size < out.size(); ++size) {
    CHECK(!survives(out.buffer().span().first(size), walk));
  }
}

TEST(damaged_messages_never_read_outside) { damage(sample_proto(), from_proto); }

TEST(a_record_survives_the_message) {
  PackWriter back;
  proto_to_packed(sample_proto(), back);
  const std::vector<PathStep> path = {std::string("tags"), std::string("int")};
  PackReader reader(back.buffer().span());
  CHECK(reader.find(path));
  CHECK_EQ(reader.next().real, -70000.0);
  const std::vector<PathStep> chunk = {std::string("chunks"), std::int64_t{0}, std::string("blob")};
  reader = PackReader(back.buffer().span());
  CHECK(reader.find(chunk));
  CHECK_EQ(reader.next().text(), "\x01\x02");
}

TEST(documents_of_an_array_come_one_by_one) {
  ByteBuffer out;
  for (int i = 0; i < 3; ++i) {
    PackWriter packed;
    write_sample(packed);
    PackReader reader(packed.buffer().span());
    proto_add_document(reader, out);
  }
  ByteSpan rest = out.span();
  ByteSpan document;
  int count = 0;
  while (proto_next_document(rest, document)) {
    CHECK(survives(document, from_proto));
    ++count;
  }
  CHECK_EQ(count, 3);
}

TEST(pickles_are_scanned_within_their_bytes) {
  const Bytes good = {0x80, 4,   '}', 0x94, 'X',  2,   0,   0, 0,
                      'i',  'd', 'K', 1,    0x85, 's', 'h', 0, '.'};
  damage(good, check_pickle);
  Bytes deep = {0x80, 4, 'N'};
  deep.insert(deep.end(), 1000, 0x85);
  CHECK_THROWS(CorruptData, check_pickle(deep));
  CHECK_THROWS(CorruptData, check_pickle(Bytes{']', 'r', 0xff, 0xff, 0xff, 0x7f}));
}

TEST(buffers_grow_and_keep_what_they_hold) {
  ByteBuffer out;
  for (int i = 0; i < 100000; ++i) out.put(static_cast<std::uint8_t>(i % 251));
  CHECK_EQ(out.size(), 100000u);
  bool same = true;
  for (std::size_t i = 0; i < out.size(); ++i) same &= out.data()[i] == i % 251;
  CHECK(same);
}

TEST_MAIN()
