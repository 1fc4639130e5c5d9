#include "core/block_search.h"

#include <algorithm>
#include <cstring>

namespace sluicedb {
namespace {

// On disk: never change these values.
constexpr uint8_t kTypeDeletion = 0;
constexpr uint8_t kTypeValue = 1;

inline uint32_t Fixed32(const uint8_t* data) {
  return static_cast<uint32_t>(data[0]) | static_cast<uint32_t>(data[1]) << 8 |
         static_cast<uint32_t>(data[2]) << 16 | static_cast<uint32_t>(data[3]) << 24;
}

inline uint64_t Fixed64(const uint8_t* data) {
  return static_cast<uint64_t>(Fixed32(data + 4)) << 32 | Fixed32(data);
}

// Reads a varint32 at *at and moves behind it. False when it is cut or malformed.
bool ReadVarint32(const uint8_t** at, const uint8_t* limit, uint32_t* value) {
  uint32_t result = 0;
  for (int shift = 0; shift < 35 && *at < limit; shift += 7) {
    const uint8_t byte = *(*at)++;
    if (shift == 28 && byte > 0x0f) return false;
    result |= static_cast<uint32_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      *value = result;
      return true;
    }
  }
  return false;
}

// How many bytes a and b begin with in common.
inline size_t CountCommon(const uint8_t* a, const uint8_t* b, size_t limit) {
  size_t count = 0;
  while (count < limit && a[count] == b[count]) count++;
  return count;
}

// Order of two internal keys.
int CompareInternal(Bytes a, Bytes b) {
  const size_t a_user = a.size - kTagSize, b_user = b.size - kTagSize;
  const size_t limit = std::min(a_user, b_user);
  const size_t common = CountCommon(a.data, b.data, limit);
  if (common < limit) return a.data[common] < b.data[common] ? -1 : 1;
  if (a_user != b_user) return a_user < b_user ? -1 : 1;
  // The larger tag first.
  const uint64_t a_tag = Fixed64(a.data + a_user), b_tag = Fixed64(b.data + b_user);
  return a_tag == b_tag ? 0 : a_tag > b_tag ? -1 : 1;
}

struct Entry {
  uint32_t shared;
  uint32_t non_shared;
  uint32_t value_size;
  const uint8_t* key;  // what it does not share
};

// False when the lengths are cut or malformed, or lead out of the entries. Requires: at < limit.
inline bool ReadEntry(const uint8_t* at, const uint8_t* limit, Entry* entry) {
  if (limit - at >= 3 && (at[0] | at[1] | at[2]) < 0x80) {
    // Lengths below 128, the usual case, take a byte each.
    *entry = Entry{at[0], at[1], at[2], at + 3};
  } else {
    if (!ReadVarint32(&at, limit, &entry->shared)) return false;
    if (!ReadVarint32(&at, limit, &entry->non_shared)) return false;
    if (!ReadVarint32(&at, limit, &entry->value_size)) return false;
    entry->key = at;
  }
  const size_t left = static_cast<size_t>(limit - entry->key);
  return entry->non_shared <= left && entry->value_size <= left - entry->non_shared;
}

class Block {
 public:
  // False when the layout is damaged.
  bool Open(Bytes contents) {
    data_ = contents.data;
    if (contents.size < 4) return false;
    restart_count_ = Fixed32(data_ + contents.size - 4);
    if (restart_count_ > contents.size / 4 - 1) return false;
    entries_end_ = contents.size - 4 - 4 * static_cast<size_t>(restart_count_);
    return AreRestartsSound();
  }

  BlockAnswer Find(Bytes key, ValueRange* value) const {
    uint32_t restart;
    if (restart_count_ == 0) return BlockAnswer::kAbsent;
    if (!LastRestartBelow(key, &restart)) return BlockAnswer::kRefused;
    Place place;
    switch (Seek(restart, key, &place)) {
      case Found::kNothing:
      case Found::kAnotherUserKey:
        return BlockAnswer::kAbsent;
      case Found::kRefused:
        return BlockAnswer::kRefused;
      case Found::kSameUserKey:
        break;
    }
    *value = place.value;
    if (place.type == kTypeValue) return BlockAnswer::kValue;
    return place.type == kTypeDeletion ? BlockAnswer::kDeleted : BlockAnswer::kRefused;
  }

  // Whether every key is above the floor and none above the separator. False for damage too.
  bool IsBetween(Bytes floor, Bytes separator) const {
    if (restart_count_ == 0) return true;
    Place place;
    // The first key is not below or at the floor exactly when a search for that ends at once.
    if (floor.size > 0) {
      const Found found = Seek(0, floor, &place);
      if (found == Found::kRefused) return false;
      const bool is_first = found == Found::kNothing ? entries_end_ == 0 : place.entry_at == 0;
      if (!is_first || (found == Found::kSameUserKey && place.is_same_tag)) return false;
    }
    const Found found = Seek(restart_count_ - 1, separator, &place);
    if (found == Found::kNothing) return true;
    return found == Found::kSameUserKey && place.is_same_tag && place.value.end == entries_end_;
  }

 private:
  // What a search came to: no entry at or after the target, or one, of this or of another user key.
  enum class Found { kNothing, kSameUserKey, kAnotherUserKey, kRefused };

  struct Place {
    size_t entry_at;
    // For kSameUserKey:
    bool is_same_tag;
    uint8_t type;
    ValueRange value;
  };

  // Requires: index < restart_count_.
  size_t RestartAt(uint32_t index) const {
    return Fixed32(data_ + entries_end_ + 4 * static_cast<size_t>(index));
  }

  bool AreRestartsSound() const {
    if (entries_end_ == 0) {
      return restart_count_ == 0 || (restart_count_ == 1 && RestartAt(0) == 0);
    }
    if (restart_count_ == 0 || RestartAt(0) != 0) return false;
    size_t last = 0;
    for (uint32_t i = 1; i < restart_count_; i++) {
      const size_t restart = RestartAt(i);
      if (restart <= last || restart >= entries_end_) return false;
      last = restart;
    }
    return true;
  }

  // The last restart point whose entry is below the target; 0 when none is. False for damage.
  bool LastRestartBelow(Bytes target, uint32_t* restart) const {
    uint32_t low = 0, high = restart_count_ - 1;
    while (low < high) {
      const uint32_t middle = low + (high - low + 1) / 2;
      const uint8_t* const at = data_ + RestartAt(middle);
      Entry entry;
      // A restart entry shares nothing, written in one byte.
      if (*at != 0 || !ReadEntry(at, data_ + entries_end_, &entry)) return false;
      if (entry.non_shared < kTagSize) return false;
      if (CompareInternal({entry.key, entry.non_shared}, target) < 0) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    *restart = low;
    return true;
  }

  // Goes to the first entry, from the restart point on, that is not below the target. Of each
  // entry, only what it does not share with the one before is looked at, as block-search.ts says at
  // its head. The tag of an entry may be shared in part too, with its neighbour of the same user
  // key.
  Found Seek(uint32_t restart, Bytes target, Place* place) const {
    const uint8_t* const limit = data_ + entries_end_;
    const size_t target_end = target.size - kTagSize;
    const uint64_t target_tag = Fixed64(target.data + target_end);
    const uint8_t* at = data_ + RestartAt(restart);
    size_t last_size = 0;
    // How much of the entry's key and of the target is the same, and whether the entry is above in
    // what follows.
    size_t matched = 0;
    bool is_above = false;
    // The tag of the entry before, when that is of the target's user key.
    uint8_t tag[kTagSize];
    bool is_tag_known = false;
    while (at < limit) {
      Entry entry;
      if (!ReadEntry(at, limit, &entry) || entry.shared > last_size) return Found::kRefused;
      const size_t key_size = static_cast<size_t>(entry.shared) + entry.non_shared;
      if (key_size < kTagSize) return Found::kRefused;
      if (entry.shared <= matched) {
        const size_t common = std::min(key_size, target_end);
        matched = entry.shared;
        if (matched < common) {
          matched += CountCommon(entry.key, target.data + matched, common - matched);
        }
        is_above = matched < common && entry.key[matched - entry.shared] > target.data[matched];
      }
      const size_t user_end = key_size - kTagSize;
      if (matched < user_end && matched < target_end ? is_above : user_end > target_end) {
        place->entry_at = static_cast<size_t>(at - data_);
        return Found::kAnotherUserKey;
      }
      const uint8_t* const value = entry.key + entry.non_shared;
      if (user_end == target_end && matched == target_end) {
        const size_t shared_of_tag = entry.shared > user_end ? entry.shared - user_end : 0;
        if (shared_of_tag > 0 && !is_tag_known) return Found::kRefused;
        const size_t own = kTagSize - shared_of_tag;
        std::memcpy(tag + shared_of_tag, value - own, own);
        is_tag_known = true;
        if (Fixed64(tag) <= target_tag) {
          const size_t value_start = static_cast<size_t>(value - data_);
          *place = Place{static_cast<size_t>(at - data_), Fixed64(tag) == target_tag, tag[0],
                         ValueRange{value_start, value_start + entry.value_size}};
          return Found::kSameUserKey;
        }
      } else {
        is_tag_known = false;
      }
      last_size = key_size;
      at = value + entry.value_size;
    }
    return Found::kNothing;
  }

  const uint8_t* data_;
  size_t entries_end_;
  uint32_t restart_count_;
};

}  // namespace

BlockAnswer SearchBlock(Bytes contents, const BlockQuery& query, ValueRange* value) {
  Block block;
  if (query.key.size < kTagSize || !block.Open(contents)) return BlockAnswer::kRefused;
  if (query.separator.size > 0) {
    if (query.separator.size < kTagSize) return BlockAnswer::kRefused;
    if (query.floor.size > 0 && query.floor.size < kTagSize) return BlockAnswer::kRefused;
    if (!block.IsBetween(query.floor, query.separator)) return BlockAnswer::kRefused;
  }
  return block.Find(query.key, value);
}

}  // namespace sluicedb
