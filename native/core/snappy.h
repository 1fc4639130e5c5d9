// Expands Snappy data, trusting none of it. The twin of ts/table/snappy-decoder.ts, where the format
// is written down.

#ifndef SLUICEDB_CORE_SNAPPY_H_
#define SLUICEDB_CORE_SNAPPY_H_

#include <cstddef>
#include <cstdint>

namespace sluicedb {

// Reads the length at the head of the data, a varint32, and how many bytes it takes. False when it is
// cut or malformed, or when no data of this size can expand to so much.
bool ReadSnappyLength(const uint8_t* data, size_t size, size_t* head_size, size_t* length);

// Expands the elements, which follow the head, into exactly target[0, length). False when they are
// malformed or come out at another length; what target holds then is undefined.
bool ExpandSnappy(const uint8_t* elements, size_t size, uint8_t* target, size_t length);

}  // namespace sluicedb

#endif  // SLUICEDB_CORE_SNAPPY_H_
