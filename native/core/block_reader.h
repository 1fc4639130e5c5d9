// Reads one block of a table: from the file, checked, expanded, and searched where that is wanted.
// The twin of what ts/table does in block-contents.ts and compression.ts, for the blocks that are
// as they should be.
//
// Invariant: what is refused here is read again by the twin, which alone says what is wrong. So
// there is one wording of every error, and nothing is refused that the twin would refuse otherwise.

#ifndef SLUICEDB_CORE_BLOCK_READER_H_
#define SLUICEDB_CORE_BLOCK_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/block_search.h"

namespace sluicedb {

// On disk: never change this value. Type, checksum.
constexpr size_t kBlockTrailerSize = 1 + 4;

// Answers of the functions below; what is not negative is the size of the contents.
constexpr int64_t kBlockNotAtHand = -1;  // the disk would have to be read for it
constexpr int64_t kBlockRefused =
    -2;                              // an error, damage, no room, or a type that is not known here
constexpr int64_t kBlockNoWay = -3;  // the file system cannot tell what is at hand

struct BlockLocation {
  int descriptor;
  uint64_t position;
  size_t stored_size;  // with the trailer
};

// What the block holds, in target[0, capacity). With `only_at_hand`, only when the operating system
// has it in memory.
int64_t ReadBlock(const BlockLocation& block, bool verify, bool only_at_hand, uint8_t* target,
                  size_t capacity);

// The same into memory of its own, whatever that takes.
int64_t ReadBlock(const BlockLocation& block, bool verify, std::unique_ptr<uint8_t[]>* contents);

// Memory for the contents of one block after the other.
class BlockMemory {
 public:
  BlockMemory() = default;
  // Memory of somebody else, which does not grow.
  BlockMemory(uint8_t* data, size_t capacity) : data_(data), capacity_(capacity), is_fixed_(true) {}
  BlockMemory(const BlockMemory&) = delete;
  BlockMemory& operator=(const BlockMemory&) = delete;

  const uint8_t* data() const { return data_; }
  // Room for so many bytes, or null when there is none. What was there is gone.
  uint8_t* Reserve(size_t size);

 private:
  std::unique_ptr<uint8_t[]> own_;
  uint8_t* data_ = nullptr;
  size_t capacity_ = 0;
  bool is_fixed_ = false;
};

// What a block says of a key. `size` is that of the contents, which stand at the beginning of the
// memory; or it is negative, one of the above, and nothing is known.
struct BlockFind {
  int64_t size;
  BlockAnswer answer;
  ValueRange value;
};

// ReadBlock and SearchBlock; refused is what either refuses.
BlockFind FindInBlock(const BlockLocation& block, bool verify, bool only_at_hand,
                      const BlockQuery& query, BlockMemory* memory);

// Tells the operating system that the block will be read, so that the disk can begin.
void AnnounceRead(const BlockLocation& block);

}  // namespace sluicedb

#endif  // SLUICEDB_CORE_BLOCK_READER_H_
