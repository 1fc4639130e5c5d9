// LevelDB's log format in numbers; ts/format/log-block.ts has the grammar.

#ifndef SLUICEDB_CORE_LOG_FORMAT_H_
#define SLUICEDB_CORE_LOG_FORMAT_H_

#include <cstddef>
#include <cstdint>

namespace sluicedb {

// On disk: never change these values.
constexpr size_t kBlockSize = 32768;
constexpr size_t kHeaderSize = 4 + 2 + 1;  // checksum, length, type
constexpr uint32_t kMaskDelta = 0xa282ead8u;

enum FragmentType : uint8_t {
  kZeroType = 0,  // what preallocated files are filled with; a writer never writes it
  kFullType = 1,
  kFirstType = 2,
  kMiddleType = 3,
  kLastType = 4,
};

// The mask over every stored checksum: a CRC over bytes that hold their own CRC is weak.
constexpr uint32_t MaskCrc(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + kMaskDelta; }

}  // namespace sluicedb

#endif  // SLUICEDB_CORE_LOG_FORMAT_H_
