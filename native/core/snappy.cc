#include "core/snappy.h"

#include <algorithm>
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
  } else if (offset == 1) {
    std::memset(target, *source, length);
  } else {
    std::memcpy(target, source, offset);
    // What is there is whole periods, so that it can be repeated itself.
    for (size_t done = offset; done < length;) {
      const size_t count = std::min(done, length - done);
      std::memcpy(target + done, target, count);
      done += count;
    }
  }
}

// ---- Compression ----

// As in ts/format/snappy-encoder.ts: what is changed here is changed there, or the bytes differ.
constexpr size_t kFragmentSize = 65536;
constexpr int kMinHashBits = 8;
constexpr int kMaxHashBits = 14;
constexpr uint32_t kMultiplier = 0x9e3779b1;
constexpr size_t kMinMatch = 4;
constexpr uint32_t kMissesPerStep = 32;

constexpr uint8_t kLiteral = 0;
constexpr uint8_t kNearCopy = 1;
constexpr uint8_t kCopy = 2;
constexpr size_t kMaxCopy = 64;

// Least significant byte first on every machine; compilers make one load of it where that is so.
inline uint32_t Load32(const uint8_t* data) {
  return static_cast<uint32_t>(data[0]) | static_cast<uint32_t>(data[1]) << 8 |
         static_cast<uint32_t>(data[2]) << 16 | static_cast<uint32_t>(data[3]) << 24;
}

inline uint32_t Hash(uint32_t word, int bits) { return (word * kMultiplier) >> (32 - bits); }

uint8_t* PutVarint32(uint8_t* to, uint32_t value) {
  for (; value >= 0x80; value >>= 7) *to++ = static_cast<uint8_t>(value | 0x80);
  *to++ = static_cast<uint8_t>(value);
  return to;
}

// Requires: 0 < length <= kFragmentSize.
uint8_t* PutLiteral(uint8_t* to, const uint8_t* from, size_t length) {
  const size_t rest = length - 1;
  if (rest < 60) {
    *to++ = static_cast<uint8_t>(rest << 2 | kLiteral);
  } else if (rest < 256) {
    *to++ = 60 << 2 | kLiteral;
    *to++ = static_cast<uint8_t>(rest);
  } else {
    *to++ = 61 << 2 | kLiteral;
    *to++ = static_cast<uint8_t>(rest);
    *to++ = static_cast<uint8_t>(rest >> 8);
  }
  std::memcpy(to, from, length);
  return to + length;
}

// Requires: kMinMatch <= length <= kMaxCopy, offset < kFragmentSize.
inline uint8_t* PutOneCopy(uint8_t* to, size_t offset, size_t length) {
  if (length < 12 && offset < 2048) {
    *to++ = static_cast<uint8_t>(offset >> 8 << 5 | (length - 4) << 2 | kNearCopy);
    *to++ = static_cast<uint8_t>(offset);
    return to;
  }
  *to++ = static_cast<uint8_t>((length - 1) << 2 | kCopy);
  *to++ = static_cast<uint8_t>(offset);
  *to++ = static_cast<uint8_t>(offset >> 8);
  return to;
}

// Requires: length >= kMinMatch.
uint8_t* PutCopy(uint8_t* to, size_t offset, size_t length) {
  // Not less than kMinMatch is left for the last one.
  for (; length >= kMaxCopy + kMinMatch; length -= kMaxCopy) to = PutOneCopy(to, offset, kMaxCopy);
  if (length > kMaxCopy) {
    to = PutOneCopy(to, offset, kMaxCopy - kMinMatch);
    length -= kMaxCopy - kMinMatch;
  }
  return PutOneCopy(to, offset, length);
}

// Where a and b, from `at` and an earlier place on, begin to differ; `end` where they do not.
inline const uint8_t* MatchEnd(const uint8_t* at, const uint8_t* earlier, const uint8_t* end) {
  while (end - at >= 8 && std::memcmp(at, earlier, 8) == 0) {
    at += 8;
    earlier += 8;
  }
  while (at < end && *at == *earlier) {
    at++;
    earlier++;
  }
  return at;
}

// Requires: size <= kFragmentSize.
uint8_t* CompressFragment(const uint8_t* base, size_t size, uint8_t* to) {
  const uint8_t* literal = base;
  const uint8_t* const end = base + size;
  if (size > kMinMatch) {
    int bits = kMinHashBits;
    while (bits < kMaxHashBits && (size_t{1} << bits) < size) bits++;
    uint16_t places[1 << kMaxHashBits];
    std::memset(places, 0, sizeof(uint16_t) << bits);
    const uint8_t* const last = end - kMinMatch;
    const uint8_t* at = base + 1;
    uint32_t misses = kMissesPerStep;
    while (at <= last) {
      uint32_t word = Load32(at);
      uint16_t* place = &places[Hash(word, bits)];
      const uint8_t* earlier = base + *place;
      *place = static_cast<uint16_t>(at - base);
      if (Load32(earlier) != word) {
        at += misses++ / kMissesPerStep;
        continue;
      }
      if (literal < at) to = PutLiteral(to, literal, static_cast<size_t>(at - literal));
      bool is_match;
      do {
        const uint8_t* const start = at;
        at = MatchEnd(at + kMinMatch, earlier + kMinMatch, end);
        to = PutCopy(to, static_cast<size_t>(start - earlier), static_cast<size_t>(at - start));
        literal = at;
        if (at > last) break;
        places[Hash(Load32(at - 1), bits)] = static_cast<uint16_t>(at - 1 - base);
        word = Load32(at);
        place = &places[Hash(word, bits)];
        earlier = base + *place;
        *place = static_cast<uint16_t>(at - base);
        is_match = Load32(earlier) == word;
      } while (is_match);
      at++;
      misses = kMissesPerStep;
    }
  }
  if (literal < end) to = PutLiteral(to, literal, static_cast<size_t>(end - literal));
  return to;
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

size_t SnappyBound(size_t size) {
  // A length, and at the worst copies of four bytes in three between literals of one in two.
  return 32 + size + size / 6;
}

size_t CompressSnappy(const uint8_t* source, size_t size, uint8_t* target) {
  uint8_t* to = PutVarint32(target, static_cast<uint32_t>(size));
  for (size_t at = 0; at < size; at += kFragmentSize) {
    to = CompressFragment(source + at, std::min(kFragmentSize, size - at), to);
  }
  return static_cast<size_t>(to - target);
}

}  // namespace sluicedb
