#include "core/crc32c.h"

#include "core/crc32c_tables.h"

namespace sluicedb {
namespace internal {
namespace {

constexpr SlicingTables kSlicing = MakeSlicingTables();

// Least significant byte first on every machine; compilers make one load of it where that is so.
inline uint32_t Load32(const uint8_t* data) {
  return static_cast<uint32_t>(data[0]) | static_cast<uint32_t>(data[1]) << 8 |
         static_cast<uint32_t>(data[2]) << 16 | static_cast<uint32_t>(data[3]) << 24;
}

}  // namespace

uint32_t ExtendCrc32cPortable(uint32_t crc, const uint8_t* data, size_t size) {
  uint32_t state = ~crc;
  for (; size >= 8; size -= 8, data += 8) {
    const uint32_t low = state ^ Load32(data);
    const uint32_t high = Load32(data + 4);
    state = kSlicing[7][low & 0xff] ^ kSlicing[6][(low >> 8) & 0xff] ^
            kSlicing[5][(low >> 16) & 0xff] ^ kSlicing[4][low >> 24] ^ kSlicing[3][high & 0xff] ^
            kSlicing[2][(high >> 8) & 0xff] ^ kSlicing[1][(high >> 16) & 0xff] ^
            kSlicing[0][high >> 24];
  }
  for (; size > 0; size--, data++) state = (state >> 8) ^ kSlicing[0][(state ^ *data) & 0xff];
  return ~state;
}

}  // namespace internal

namespace {

// Found once by whichever thread comes first; the same answer for all of them.
internal::ExtendCrc32cFunction Chosen() {
  static const internal::ExtendCrc32cFunction chosen = [] {
    const internal::ExtendCrc32cFunction hardware = internal::FindHardwareCrc32c();
    return hardware != nullptr ? hardware : internal::ExtendCrc32cPortable;
  }();
  return chosen;
}

}  // namespace

uint32_t ExtendCrc32c(uint32_t crc, const uint8_t* data, size_t size) {
  return Chosen()(crc, data, size);
}

const char* Crc32cImplementation() {
  if (Chosen() == internal::ExtendCrc32cPortable) return "portable";
#if defined(__aarch64__) || defined(_M_ARM64)
  return "armv8";
#else
  return "sse4.2";
#endif
}

}  // namespace sluicedb
