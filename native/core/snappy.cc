#include "core/snappy.h"

#include <cstring>

namespace sluicedb {
namespace {

// Copies of 16 bytes are two instructions; short ones are made of one, where there is room for it.
constexpr size_t kWide = 16;

uint32_t LittleEndian(const uint8_t* bytes, size_t count) {
  uint32_t value = 0;
  for (size_t i = count; i > 0; i--) value = (value << 8) | bytes[i - 1];
  return value;
}

void CopyWide(uint8_t* target, const uint8_t* source) {
  uint8_t bytes[kWide];
  std::memcpy(bytes, source, kWide);
  std::memcpy(target, bytes, kWide);
}

// Repeats `length` bytes from `offset` behind the target. Requires: `left` bytes of room, of which
// `length` are to be written; what is behind those may be overwritten.
void Repeat(uint8_t* target, size_t offset, size_t length, size_t left) {
  const uint8_t* source = target - offset;
  if (offset >= kWide && left >= length + kWide - 1) {
    for (size_t i = 0; i < length; i += kWide) CopyWide(target + i, source + i);
  } else if (offset >= length) {
    std::memcpy(target, source, length);
  } else {
    // A byte at a time: it may read what it has just written.
    for (size_t i = 0; i < length; i++) target[i] = source[i];
  }
}

}  // namespace

bool ReadSnappyLength(const uint8_t* data, size_t size, size_t* head_size, size_t* length) {
  uint64_t value = 0;
  for (size_t i = 0; i < 5; i++) {
    if (i == size) return false;
    value |= static_cast<uint64_t>(data[i] & 0x7f) << (7 * i);
    if (data[i] >= 0x80) continue;
    *head_size = i + 1;
    *length = static_cast<size_t>(value);
    // A copy of at most 64 bytes takes at least 3: no Snappy data expands more.
    return value <= 0xffffffffu && value * 3 <= static_cast<uint64_t>(size - i - 1) * 64;
  }
  return false;
}

bool ExpandSnappy(const uint8_t* elements, size_t size, uint8_t* target, size_t length) {
  const uint8_t* at = elements;
  const uint8_t* const end = elements + size;
  size_t done = 0;
  while (at < end) {
    const uint8_t tag = *at++;
    const size_t available = static_cast<size_t>(end - at);
    const size_t left = length - done;
    size_t count = (tag >> 2) + 1;
    size_t offset;
    switch (tag & 3) {
      case 0: {
        if (count <= 60 && available >= count + kWide - 1 && left >= count + kWide - 1) {
          for (size_t i = 0; i < count; i += kWide) CopyWide(target + done + i, at + i);
        } else {
          if (count > 60) {
            const size_t length_bytes = count - 60;
            if (length_bytes > available) return false;
            // Less than what is left: no sum can wrap, also where size_t has 32 bits.
            const uint32_t more = LittleEndian(at, length_bytes);
            at += length_bytes;
            if (more >= available - length_bytes) return false;
            count = static_cast<size_t>(more) + 1;
          } else if (count > available) {
            return false;
          }
          if (count > left) return false;
          std::memcpy(target + done, at, count);
        }
        at += count;
        done += count;
        continue;
      }
      case 1:
        if (available < 1) return false;
        count = 4 + ((tag >> 2) & 7);
        offset = (static_cast<size_t>(tag >> 5) << 8) | at[0];
        at += 1;
        break;
      case 2:
        if (available < 2) return false;
        offset = LittleEndian(at, 2);
        at += 2;
        break;
      default:
        if (available < 4) return false;
        offset = LittleEndian(at, 4);
        at += 4;
    }
    if (offset == 0 || offset > done || count > left) return false;
    Repeat(target + done, offset, count, left);
    done += count;
  }
  return done == length;
}

}  // namespace sluicedb
