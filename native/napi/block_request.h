// What the reads of blocks have in common: the numbers that JavaScript asks with, and their flags.
// The names are those of ts/platform/block-reads.ts.

#ifndef SLUICEDB_NAPI_BLOCK_REQUEST_H_
#define SLUICEDB_NAPI_BLOCK_REQUEST_H_

#include <cstddef>
#include <cstdint>

#include "core/block_reader.h"

namespace sluicedb {

constexpr uint32_t kVerify = 1;
constexpr uint32_t kOnlyAtHand = 2;
constexpr uint32_t kWhole = 4;

// Contents are allocated before they are known to be sound, so they are bounded: 2^30.
constexpr double kMaxStoredSize = 1024.0 * 1024.0 * 1024.0;

// False for what no block can be at; no exception then.
inline bool ReadLocation(double descriptor, double position, double stored_size,
                         BlockLocation* block) {
  if (!(descriptor >= 0 && descriptor <= 2147483647.0)) return false;
  if (!(position >= 0 && position <= 9007199254740991.0)) return false;
  if (!(stored_size >= 0 && stored_size <= kMaxStoredSize)) return false;
  *block = BlockLocation{static_cast<int>(descriptor), static_cast<uint64_t>(position),
                         static_cast<size_t>(stored_size)};
  return true;
}

}  // namespace sluicedb

#endif  // SLUICEDB_NAPI_BLOCK_REQUEST_H_
