// Searches one internal key in the contents of a block. The twin of what ts/table does in block.ts
// and block-search.ts, for blocks that are as they should be.
//
// Invariants:
//   Nothing is trusted: no read outside the contents, whatever they hold.
//   What is refused here is searched again by the twin, which alone says what is wrong. Every check
//   that the twin makes is made here, so that what is answered here the twin would answer alike.

#ifndef SLUICEDB_CORE_BLOCK_SEARCH_H_
#define SLUICEDB_CORE_BLOCK_SEARCH_H_

#include <cstddef>
#include <cstdint>

namespace sluicedb {

// On disk: never change this value.
constexpr size_t kTagSize = 8;

struct Bytes {
  const uint8_t* data;
  size_t size;
};

// What is looked for, and between which keys an index says that the block's are: above the floor,
// which is empty where there is none, and not above the separator, which is empty when the place of
// the block is not to be checked. All are internal keys.
struct BlockQuery {
  Bytes key;
  Bytes floor;
  Bytes separator;
};

// What a block says of a key, by its first entry at or after it.
enum class BlockAnswer { kAbsent, kValue, kDeleted, kRefused };

// Where the value stands in the contents; for kValue.
struct ValueRange {
  size_t start;
  size_t end;
};

BlockAnswer SearchBlock(Bytes contents, const BlockQuery& query, ValueRange* value);

}  // namespace sluicedb

#endif  // SLUICEDB_CORE_BLOCK_SEARCH_H_
