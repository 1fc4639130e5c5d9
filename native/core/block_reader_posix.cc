#ifndef _WIN32

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <sys/uio.h>
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif
#endif

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <new>

#include "core/block_reader.h"
#include "core/crc32c.h"
#include "core/log_format.h"
#include "core/snappy.h"

namespace sluicedb {
namespace {

// On disk: never change these values.
constexpr uint8_t kTypeNone = 0;
constexpr uint8_t kTypeSnappy = 1;

constexpr size_t kLeastMemory = 16 * 1024;

// A block as it is stored: on the stack when it is not larger than most.
class StoredBlock {
 public:
  explicit StoredBlock(size_t size) {
    if (size > sizeof near_) far_.reset(new (std::nothrow) uint8_t[size]);
    data_ = size > sizeof near_ ? far_.get() : near_;
  }
  // Null when there is no memory for it.
  uint8_t* data() { return data_; }

 private:
  uint8_t near_[16 * 1024];
  std::unique_ptr<uint8_t[]> far_;
  uint8_t* data_;
};

// One call, or as many as interrupted or short ones need. 0 is success.
int64_t ReadStored(const BlockLocation& block, uint8_t* data) {
  size_t done = 0;
  while (done < block.stored_size) {
    const ssize_t count = pread(block.descriptor, data + done, block.stored_size - done,
                                static_cast<off_t>(block.position + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return kBlockRefused;
    done += static_cast<size_t>(count);
  }
  return 0;
}

int64_t ReadStoredAtHand(const BlockLocation& block, uint8_t* data) {
#if defined(__linux__) && defined(SYS_preadv2) && defined(__LP64__)
  struct iovec piece = {data, block.stored_size};
  // Not the C library's preadv2: glibc has it since 2.26 only and musl since 1.2.5, and a module
  // that is built once has to load with older ones too. The position is one 64-bit register; the
  // one behind it is for systems of 32 bits.
  const long count = syscall(SYS_preadv2, static_cast<long>(block.descriptor), &piece, 1L,
                             static_cast<long>(block.position), 0L, static_cast<long>(RWF_NOWAIT));
  if (count == static_cast<long>(block.stored_size)) return 0;
  if (count >= 0 || errno == EAGAIN || errno == EINTR) return kBlockNotAtHand;
  return errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL ? kBlockNoWay : kBlockNotAtHand;
#else
  (void)block;
  (void)data;
  return kBlockNoWay;
#endif
}

bool IsSound(const uint8_t* stored, size_t size) {
  const uint8_t* trailer = stored + size - kBlockTrailerSize;
  const uint32_t masked =
      static_cast<uint32_t>(trailer[1]) | static_cast<uint32_t>(trailer[2]) << 8 |
      static_cast<uint32_t>(trailer[3]) << 16 | static_cast<uint32_t>(trailer[4]) << 24;
  return MaskCrc(ExtendCrc32c(0, stored, size - kBlockTrailerSize + 1)) == masked;
}

// How large the contents are, before they are expanded.
int64_t ContentsSize(const uint8_t* stored, size_t size, bool verify) {
  if (verify && !IsSound(stored, size)) return kBlockRefused;
  const size_t stored_contents = size - kBlockTrailerSize;
  const uint8_t type = stored[stored_contents];
  if (type == kTypeNone) return static_cast<int64_t>(stored_contents);
  size_t head_size, length;
  if (type != kTypeSnappy || !ReadSnappyLength(stored, stored_contents, &head_size, &length)) {
    return kBlockRefused;
  }
  return static_cast<int64_t>(length);
}

// Requires: ContentsSize gave `length`, and target has as much room.
bool Expand(const uint8_t* stored, size_t size, uint8_t* target, size_t length) {
  const size_t stored_contents = size - kBlockTrailerSize;
  if (stored[stored_contents] == kTypeNone) {
    if (length > 0) std::memcpy(target, stored, length);
    return true;
  }
  size_t head_size, same_length;
  if (!ReadSnappyLength(stored, stored_contents, &head_size, &same_length)) return false;
  return ExpandSnappy(stored + head_size, stored_contents - head_size, target, length);
}

bool CanBeRead(const BlockLocation& block) {
  constexpr uint64_t kLastPosition = static_cast<uint64_t>(std::numeric_limits<off_t>::max());
  return block.stored_size >= kBlockTrailerSize && block.position <= kLastPosition &&
         block.stored_size <= kLastPosition - block.position;
}

// Reads, checks and expands. `reserve` gives the room for so many bytes, or null.
template <typename Reserve>
int64_t ReadInto(const BlockLocation& block, bool verify, bool only_at_hand, Reserve reserve) {
  if (!CanBeRead(block)) return kBlockRefused;
  StoredBlock stored(block.stored_size);
  if (stored.data() == nullptr) return kBlockRefused;
  const int64_t outcome =
      only_at_hand ? ReadStoredAtHand(block, stored.data()) : ReadStored(block, stored.data());
  if (outcome < 0) return outcome;
  const int64_t length = ContentsSize(stored.data(), block.stored_size, verify);
  if (length < 0) return kBlockRefused;
  uint8_t* const target = reserve(static_cast<size_t>(length));
  if (target == nullptr) return kBlockRefused;
  const bool expanded =
      Expand(stored.data(), block.stored_size, target, static_cast<size_t>(length));
  return expanded ? length : kBlockRefused;
}

}  // namespace

uint8_t* BlockMemory::Reserve(size_t size) {
  if (size <= capacity_) return data_;
  if (is_fixed_) return nullptr;
  // More than is asked for: the next block may be a little larger.
  const size_t capacity = std::max(size + size / 2, kLeastMemory);
  own_.reset(new (std::nothrow) uint8_t[capacity]);
  data_ = own_.get();
  capacity_ = data_ == nullptr ? 0 : capacity;
  return data_;
}

int64_t ReadBlock(const BlockLocation& block, bool verify, bool only_at_hand, uint8_t* target,
                  size_t capacity) {
  // An empty target may have no memory at all.
  static uint8_t nothing;
  return ReadInto(block, verify, only_at_hand, [target, capacity](size_t size) {
    return size > capacity ? nullptr : target == nullptr ? &nothing : target;
  });
}

int64_t ReadBlock(const BlockLocation& block, bool verify, std::unique_ptr<uint8_t[]>* contents) {
  return ReadInto(block, verify, false, [contents](size_t size) {
    contents->reset(new (std::nothrow) uint8_t[size + 1]);
    return contents->get();
  });
}

BlockFind FindInBlock(const BlockLocation& block, bool verify, bool only_at_hand,
                      const BlockQuery& query, BlockMemory* memory) {
  BlockFind find = {kBlockRefused, BlockAnswer::kRefused, {0, 0}};
  find.size = ReadInto(block, verify, only_at_hand,
                       [memory](size_t size) { return memory->Reserve(size > 0 ? size : 1); });
  if (find.size < 0) return find;
  find.answer = SearchBlock({memory->data(), static_cast<size_t>(find.size)}, query, &find.value);
  if (find.answer == BlockAnswer::kRefused) find.size = kBlockRefused;
  return find;
}

void AnnounceRead(const BlockLocation& block) {
#ifdef POSIX_FADV_WILLNEED
  // Its error is nothing: the read that follows has its own.
  (void)posix_fadvise(block.descriptor, static_cast<off_t>(block.position),
                      static_cast<off_t>(block.stored_size), POSIX_FADV_WILLNEED);
#else
  (void)block;
#endif
}

}  // namespace sluicedb

#endif  // _WIN32
