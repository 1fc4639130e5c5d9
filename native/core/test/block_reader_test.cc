#ifndef _WIN32

#include "core/block_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "core/crc32c.h"
#include "core/log_format.h"
#include "core/test/core_test.h"
#include "core/test/temporary_directory.h"

namespace sluicedb {
namespace test {
namespace {

// A block as it is stored.
std::string Stored(const std::string& contents, char type) {
  std::string block = contents + type;
  const uint32_t crc =
      MaskCrc(ExtendCrc32c(0, reinterpret_cast<const uint8_t*>(block.data()), block.size()));
  for (int i = 0; i < 4; i++) block += static_cast<char>(crc >> (8 * i));
  return block;
}

class BlockFile {
 public:
  explicit BlockFile(const std::string& bytes) {
    const std::string path = directory_.path() + "/blocks";
    descriptor_ = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(write(descriptor_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  ~BlockFile() { close(descriptor_); }

  BlockLocation At(uint64_t position, size_t size) const { return {descriptor_, position, size}; }

 private:
  TemporaryDirectory directory_;
  int descriptor_;
};

// 'refused', or the contents as both ways of reading give them.
std::string Read(const BlockLocation& block, bool verify) {
  std::unique_ptr<uint8_t[]> contents;
  const int64_t size = ReadBlock(block, verify, &contents);
  std::vector<uint8_t> target(size < 0 ? 100 : static_cast<size_t>(size));
  CHECK(ReadBlock(block, verify, false, target.data(), target.size()) == size);
  if (size < 0) return size == kBlockRefused ? "refused" : "strange";
  if (size > 0) {
    CHECK(std::memcmp(target.data(), contents.get(), target.size()) == 0);
    CHECK(ReadBlock(block, verify, false, target.data(), target.size() - 1) == kBlockRefused);
  }
  return std::string(target.begin(), target.end());
}

void TestKinds() {
  const std::string plain = Stored("contents as they are", 0);
  const std::string snappy = Stored(std::string("\x07\x08"
                                                "abc\x01\x03",
                                                7),
                                    1);
  const std::string unknown = Stored("contents", 2);
  const std::string nothing = Stored("", 0);
  const BlockFile file(plain + snappy + unknown + nothing);
  uint64_t at = 0;
  CHECK(Read(file.At(at, plain.size()), true) == "contents as they are");
  at += plain.size();
  CHECK(Read(file.At(at, snappy.size()), true) == "abcabca");
  at += snappy.size();
  CHECK(Read(file.At(at, unknown.size()), true) == "refused");
  at += unknown.size();
  CHECK(Read(file.At(at, nothing.size()), true) == "");
  CHECK(Read(file.At(at, nothing.size() + 1), true) == "refused");  // past the end of the file
  CHECK(Read(file.At(at, 4), true) == "refused");
  CHECK(Read(file.At(~0ull, 5), true) == "refused");
  CHECK(Read({-1, 0, 5}, true) == "refused");
}

void TestDamage() {
  const std::string snappy = Stored(std::string("\x07\x08"
                                                "abc\x01\x03",
                                                7),
                                    1);
  for (size_t bit = 0; bit < 8 * snappy.size(); bit++) {
    std::string damaged = snappy;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const BlockFile file(damaged);
    CHECK(Read(file.At(0, damaged.size()), true) == "refused");
    Read(file.At(0, damaged.size()), false);  // whatever it is, inside its memory
  }
}

// Larger than what is read onto the stack.
void TestLarge() {
  std::string contents(300000, 'x');
  contents[299999] = 'y';
  const std::string stored = Stored(contents, 0);
  const BlockFile file(stored);
  CHECK(Read(file.At(0, stored.size()), true) == contents);
  AnnounceRead(file.At(0, stored.size()));
}

void TestAtHand() {
  const std::string stored = Stored("contents", 0);
  const BlockFile file(stored);
  uint8_t target[8];
  // It was just written; a file system may have no way to tell.
  const int64_t size = ReadBlock(file.At(0, stored.size()), true, true, target, sizeof target);
  CHECK(size == 8 || size == kBlockNoWay);
  if (size == 8) CHECK(std::memcmp(target, "contents", 8) == 0);
  if (size == 8) {
    CHECK(ReadBlock(file.At(1, stored.size()), true, true, target, 8) == kBlockNotAtHand);
  }
}

// A key that the block of one entry has, one that it has not, and places for the contents.
void TestFind() {
  const std::string tag = std::string("\x01\x05", 2) + std::string(6, '\0');
  const std::string entry = std::string("\x00\x0b\x05", 3) + "key" + tag + "value";
  const std::string contents = entry + std::string(4, '\0') + std::string("\x01\0\0\0", 4);
  const std::string stored = Stored(contents, 0);
  const BlockFile file(stored);
  const auto as_bytes = [](const std::string& text) {
    return Bytes{reinterpret_cast<const uint8_t*>(text.data()), text.size()};
  };
  const std::string key = "key" + tag, other = "kez" + tag, below = "a" + tag;
  const BlockLocation block = file.At(0, stored.size());
  BlockMemory memory;
  const BlockFind found = FindInBlock(block, true, false, {as_bytes(key), {}, {}}, &memory);
  CHECK(found.size == static_cast<int64_t>(contents.size()));
  CHECK(found.answer == BlockAnswer::kValue);
  CHECK(std::memcmp(memory.data() + found.value.start, "value", 5) == 0);
  CHECK(found.value.end == found.value.start + 5);
  CHECK(FindInBlock(block, true, false, {as_bytes(other), {}, as_bytes(other)}, &memory).answer ==
        BlockAnswer::kAbsent);
  // Out of its place; no room; not there.
  CHECK(FindInBlock(block, true, false, {as_bytes(key), {}, as_bytes(below)}, &memory).size ==
        kBlockRefused);
  uint8_t room[10];
  BlockMemory small(room, sizeof room);
  CHECK(FindInBlock(block, true, false, {as_bytes(key), {}, {}}, &small).size == kBlockRefused);
  CHECK(
      FindInBlock(file.At(1, stored.size()), true, false, {as_bytes(key), {}, {}}, &memory).size ==
      kBlockRefused);
}

}  // namespace

void TestBlockReader() {
  TestKinds();
  TestDamage();
  TestLarge();
  TestAtHand();
  TestFind();
}

}  // namespace test
}  // namespace sluicedb

#else

#include "core/test/core_test.h"

namespace sluicedb {
namespace test {

void TestBlockReader() {}

}  // namespace test
}  // namespace sluicedb

#endif  // _WIN32
