// Snappy, for the blocks of tables. Expanding trusts nothing.
//
// The twins in TypeScript are ts/format/snappy-decoder.ts, where the format is written down, and
// ts/format/snappy-encoder.ts, which searches alike and gives the same bytes. Any Snappy reads what
// is compressed here; another one may make other bytes of the same data.

#ifndef SLUICEDB_CORE_SNAPPY_H_
#define SLUICEDB_CORE_SNAPPY_H_

#include <cstddef>
#include <cstdint>

namespace sluicedb {

// Reads the length at the head of the data, a varint32, and how many bytes it takes. False when it
// is cut or malformed, or when no data of this size can expand to so much.
bool ReadSnappyLength(const uint8_t* data, size_t size, size_t* head_size, size_t* length);

// Expands the elements, which follow the head, into exactly target[0, length). False when they are
// malformed or come out at another length; what target holds then is undefined.
bool ExpandSnappy(const uint8_t* elements, size_t size, uint8_t* target, size_t length);

// Bytes that the compressed form of `size` bytes takes at most.
size_t SnappyBound(size_t size);

// Compresses source[0, size) to target, and returns how many bytes that made.
// Requires: size < 2^32; SnappyBound(size) bytes of room; the two do not overlap.
size_t CompressSnappy(const uint8_t* source, size_t size, uint8_t* target);

}  // namespace sluicedb

#endif  // SLUICEDB_CORE_SNAPPY_H_
