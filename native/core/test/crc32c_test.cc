#include "core/crc32c.h"

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "core/log_format.h"
#include "core/test/core_test.h"

namespace sluicedb {
namespace test {
namespace {

// Bit by bit, from the polynomial.
uint32_t SlowCrc32c(uint32_t crc, const uint8_t* data, size_t size) {
  crc = ~crc;
  for (size_t i = 0; i < size; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82f63b78u : crc >> 1;
  }
  return ~crc;
}

void TestVectors(internal::ExtendCrc32cFunction extend) {
  uint8_t bytes[32];
  std::memset(bytes, 0, sizeof bytes);
  CHECK(extend(0, bytes, 32) == 0x8a9136aau);  // RFC 3720 appendix B.4
  std::memset(bytes, 0xff, sizeof bytes);
  CHECK(extend(0, bytes, 32) == 0x62a8ab43u);
  for (uint8_t i = 0; i < 32; i++) bytes[i] = i;
  CHECK(extend(0, bytes, 32) == 0x46dd794eu);
  for (uint8_t i = 0; i < 32; i++) bytes[i] = static_cast<uint8_t>(31 - i);
  CHECK(extend(0, bytes, 32) == 0x113fdb5cu);
  CHECK(extend(0, bytes, 0) == 0);
  CHECK(extend(0x12345678u, bytes, 0) == 0x12345678u);
}

// Unpooled memory of exactly the right size, so that a sanitizer sees a read past the end.
void TestAllLengths(internal::ExtendCrc32cFunction extend) {
  std::mt19937 random(1);
  for (size_t size = 0; size < 8000; size += size < 1000 ? 1 : 1 + random() % 40) {
    std::vector<uint8_t> bytes(size);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    const size_t start = size == 0 ? 0 : random() % (size < 16 ? size : 16);
    const uint32_t seed = static_cast<uint32_t>(random());
    const uint8_t* data = bytes.data() + start;
    const uint32_t expected = SlowCrc32c(seed, data, size - start);
    CHECK(extend(seed, data, size - start) == expected);
    const size_t cut = (size - start) / 3;
    CHECK(extend(extend(seed, data, cut), data + cut, size - start - cut) == expected);
  }
}

}  // namespace

void TestCrc32c() {
  std::printf("crc32c: %s\n", Crc32cImplementation());
  TestVectors(ExtendCrc32c);
  TestVectors(internal::ExtendCrc32cPortable);
  TestAllLengths(internal::ExtendCrc32cPortable);
  const internal::ExtendCrc32cFunction hardware = internal::FindHardwareCrc32c();
  if (hardware != nullptr) {
    TestVectors(hardware);
    TestAllLengths(hardware);
  }
  CHECK(MaskCrc(0x12345678u) == ((0x12345678u >> 15) | (0x12345678u << 17)) + 0xa282ead8u);
}

}  // namespace test
}  // namespace sluicedb
