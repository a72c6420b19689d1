#include "crc32c.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "check.hpp"

namespace docstore {
namespace {

// The check value that the definition of CRC-32C gives, and RFC 3720's zeros.
TEST(known_answers) {
  const std::string digits = "123456789";
  const std::vector<unsigned char> zeros(32, 0);
  CHECK_EQ(crc32c(digits.data(), digits.size()), 0xE3069283u);
  CHECK_EQ(crc32c(zeros.data(), zeros.size()), 0x8A9136AAu);
  CHECK_EQ(crc32c(nullptr, 0), 0u);
}

TEST(hardware_and_tables_agree_at_every_length_and_alignment) {
  std::vector<unsigned char> bytes(600);
  std::uint32_t state = 1;
  for (auto& byte : bytes) byte = static_cast<unsigned char>((state = state * 1664525 + 7) >> 24);
  for (std::size_t start = 0; start < 9; ++start) {
    for (std::size_t size = 0; start + size <= bytes.size(); ++size) {
      CHECK_EQ(crc32c(&bytes[0] + start, size), crc32c_portable(&bytes[0] + start, size));
    }
  }
}

TEST(a_seed_goes_on_where_the_first_part_ended) {
  const std::string text = "storage-first";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const std::uint32_t first = crc32c(text.data(), cut);
    CHECK_EQ(crc32c(text.data() + cut, text.size() - cut, first), crc32c(text.data(), text.size()));
  }
}

}  // namespace
}  // namespace docstore

TEST_MAIN()
