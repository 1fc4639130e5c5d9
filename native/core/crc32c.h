// CRC-32C (Castagnoli, RFC 3720 appendix B.4), not masked.

#ifndef SLUICEDB_CORE_CRC32C_H_
#define SLUICEDB_CORE_CRC32C_H_

#include <cstddef>
#include <cstdint>

namespace sluicedb {

// The CRC of what `crc` covers followed by data[0, size). 0 covers nothing.
// Uses the processor's CRC instructions where it has them, found out once.
uint32_t ExtendCrc32c(uint32_t crc, const uint8_t* data, size_t size);

// 'sse4.2', 'armv8' or 'portable'.
const char* Crc32cImplementation();

namespace internal {

// The table code, on every processor.
uint32_t ExtendCrc32cPortable(uint32_t crc, const uint8_t* data, size_t size);

// Nullptr where this processor has no CRC instructions, or this build does not know them.
using ExtendCrc32cFunction = uint32_t (*)(uint32_t crc, const uint8_t* data, size_t size);
ExtendCrc32cFunction FindHardwareCrc32c();

}  // namespace internal
}  // namespace sluicedb

#endif  // SLUICEDB_CORE_CRC32C_H_
