#include "core/snappy.h"

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "core/test/core_test.h"

namespace sluicedb {
namespace test {
namespace {

using Bytes = std::vector<uint8_t>;

// Unpooled memory of exactly the right size, so that a sanitizer sees every step outside.
bool Expands(const Bytes& elements, size_t length, Bytes* expanded) {
  const Bytes exact(elements);
  expanded->assign(length, 0);
  return ExpandSnappy(exact.data(), exact.size(), expanded->data(), length);
}

std::string Text(const Bytes& elements, size_t length) {
  Bytes expanded;
  if (!Expands(elements, length, &expanded)) return "refused";
  return std::string(expanded.begin(), expanded.end());
}

// As the loops of the twin do it.
bool SlowExpand(const Bytes& source, size_t length, Bytes* target) {
  target->clear();
  for (size_t at = 0; at < source.size();) {
    const uint8_t tag = source[at++];
    uint64_t count = (tag >> 2) + 1u;
    uint64_t offset = 0;
    size_t extra = 0;
    if ((tag & 3) == 0) {
      extra = count > 60 ? static_cast<size_t>(count - 60) : 0;
    } else {
      extra = (tag & 3) == 1 ? 1 : (tag & 3) == 2 ? 2 : 4;
    }
    if (extra > source.size() - at) return false;
    uint64_t number = 0;
    for (size_t i = 0; i < extra; i++) number |= static_cast<uint64_t>(source[at + i]) << (8 * i);
    at += extra;
    if ((tag & 3) == 0) {
      if (extra > 0) count = number + 1;
      if (count > source.size() - at || count > length - target->size()) return false;
      target->insert(target->end(), source.begin() + static_cast<long>(at),
                     source.begin() + static_cast<long>(at + count));
      at += static_cast<size_t>(count);
      continue;
    }
    offset = number;
    if ((tag & 3) == 1) {
      count = 4u + ((tag >> 2) & 7u);
      offset |= static_cast<uint64_t>(tag >> 5) << 8;
    }
    if (offset == 0 || offset > target->size() || count > length - target->size()) return false;
    for (uint64_t i = 0; i < count; i++) {
      target->push_back((*target)[target->size() - static_cast<size_t>(offset)]);
    }
  }
  return target->size() == length;
}

void TestElements() {
  CHECK(Text({0x08, 'a', 'b', 'c', 0x01, 0x03}, 7) == "abcabca");
  CHECK(Text({0x00, 'a', 0xfe, 0x01, 0x00}, 65) == std::string(65, 'a'));
  CHECK(Text({0x00, 'a', 0x0f, 1, 0, 0, 0}, 5) == "aaaaa");
  CHECK(Text({0xf0, 3, 'a', 'b', 'c', 'd'}, 4) == "abcd");
  CHECK(Text({0xfc, 3, 0, 0, 0, 'a', 'b', 'c', 'd'}, 4) == "abcd");
  CHECK(Text({}, 0) == "");
  CHECK(Text({0x08, 'a', 'b'}, 3) == "refused");
  CHECK(Text({0xf0}, 3) == "refused");
  CHECK(Text({0xfc, 0xf0, 0xff, 0xff, 0xff, 'a'}, 3) == "refused");
  CHECK(Text({0xfc, 0xff, 0xff, 0xff, 0xff, 'a'}, 3) == "refused");
  CHECK(Text({0x01}, 4) == "refused");
  CHECK(Text({0x00, 'a', 0x01}, 5) == "refused");
  CHECK(Text({0x00, 'a', 0x02, 0x01}, 5) == "refused");
  CHECK(Text({0x00, 'a', 0x03, 1, 0, 0}, 5) == "refused");
  CHECK(Text({0x00, 'a', 0x01, 0x00}, 5) == "refused");
  CHECK(Text({0x00, 'a', 0x01, 0x02}, 5) == "refused");
  CHECK(Text({0x00, 'a', 0x0f, 0xff, 0xff, 0xff, 0xff}, 5) == "refused");
  CHECK(Text({0x00, 'a', 0xfe, 0x01, 0x00}, 64) == "refused");
  CHECK(Text({0x04, 'a', 'b'}, 1) == "refused");
  CHECK(Text({0x00, 'a'}, 2) == "refused");
}

void TestLength() {
  size_t head = 0, length = 0;
  const uint8_t one[] = {0x05, 0, 0};
  CHECK(ReadSnappyLength(one, 3, &head, &length) && head == 1 && length == 5);
  const uint8_t two[6] = {0x80, 0x01, 0, 0, 0, 0};
  CHECK(!ReadSnappyLength(two, 6, &head, &length));  // 128 bytes of 4
  CHECK(!ReadSnappyLength(two, 1, &head, &length));
  CHECK(!ReadSnappyLength(two, 0, &head, &length));
  const uint8_t nothing[] = {0x00};
  CHECK(ReadSnappyLength(nothing, 1, &head, &length) && head == 1 && length == 0);
  const uint8_t bomb[] = {0xff, 0xff, 0xff, 0xff, 0x0f, 0x00};
  CHECK(!ReadSnappyLength(bomb, 6, &head, &length));
  const uint8_t wide[] = {0xff, 0xff, 0xff, 0xff, 0x1f, 0x00};
  CHECK(!ReadSnappyLength(wide, 6, &head, &length));
  const uint8_t endless[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x00};
  CHECK(!ReadSnappyLength(endless, 6, &head, &length));
}

// Elements made at random, most of them possible.
Bytes RandomElements(std::mt19937* random, size_t* length) {
  Bytes elements;
  size_t done = 0;
  for (size_t i = (*random)() % 12; i > 0; i--) {
    const uint32_t draw = (*random)() % 3;
    if (draw == 0 || done == 0) {
      const size_t count = 1 + (*random)() % ((*random)() % 4 == 0 ? 300 : 40);
      if (count <= 60) {
        elements.push_back(static_cast<uint8_t>((count - 1) << 2));
      } else {
        elements.push_back(61 << 2);
        elements.push_back(static_cast<uint8_t>(count - 1));
        elements.push_back(static_cast<uint8_t>((count - 1) >> 8));
      }
      for (size_t j = 0; j < count; j++) elements.push_back(static_cast<uint8_t>((*random)()));
      done += count;
    } else {
      const size_t offset = 1 + (*random)() % (done < 40 || draw == 1 ? done : 40);
      const size_t count = 1 + (*random)() % 64;
      elements.push_back(static_cast<uint8_t>(((count - 1) << 2) | 2));
      elements.push_back(static_cast<uint8_t>(offset));
      elements.push_back(static_cast<uint8_t>(offset >> 8));
      done += count;
    }
  }
  *length = done;
  return elements;
}

void TestRandom() {
  std::mt19937 random(2);
  int whole = 0;
  for (int round = 0; round < 20000; round++) {
    size_t length;
    Bytes elements = RandomElements(&random, &length);
    if (round % 2 == 1 && !elements.empty()) {
      elements[random() % elements.size()] ^= static_cast<uint8_t>(1 << (random() % 8));
    }
    if (round % 5 == 4) elements.resize(random() % (elements.size() + 1));
    Bytes expected, expanded;
    const bool is_whole = SlowExpand(elements, length, &expected);
    CHECK(Expands(elements, length, &expanded) == is_whole);
    if (is_whole) CHECK(expanded == expected);
    whole += is_whole;
  }
  CHECK(whole > 8000);
}

// Runs of a few bytes repeated, random bytes, and earlier parts again.
Bytes Sample(std::mt19937* random) {
  Bytes bytes;
  for (uint32_t parts = (*random)() % 6 + 1; parts > 0; parts--) {
    const uint32_t limits[] = {10, 100, 5000, 100000};
    const size_t length = (*random)() % limits[(*random)() % 4];
    const uint32_t kind = (*random)() % 3;
    const size_t period = (*random)() % 70 + 1;
    const size_t before = bytes.size();
    for (size_t i = 0; i < length; i++) {
      if (kind == 1 && bytes.size() - before >= period) {
        bytes.push_back(bytes[bytes.size() - period]);
      } else if (kind == 2 && i < before) {
        bytes.push_back(bytes[i]);
      } else {
        bytes.push_back(static_cast<uint8_t>((*random)()));
      }
    }
  }
  return bytes;
}

void TestCompression() {
  std::mt19937 random(1);
  for (int round = 0; round < 500; round++) {
    const Bytes source = Sample(&random);
    Bytes data(SnappyBound(source.size()));
    data.resize(CompressSnappy(source.data(), source.size(), data.data()));
    size_t head = 0, length = 0;
    CHECK(ReadSnappyLength(data.data(), data.size(), &head, &length) && length == source.size());
    Bytes expanded;
    CHECK(Expands(Bytes(data.begin() + static_cast<long>(head), data.end()), length, &expanded));
    CHECK(expanded == source);
  }
}

}  // namespace

void TestSnappy() {
  TestElements();
  TestLength();
  TestRandom();
  TestCompression();
}

}  // namespace test
}  // namespace sluicedb
