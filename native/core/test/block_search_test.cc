#include "core/block_search.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/test/core_test.h"

namespace sluicedb {
namespace test {
namespace {

// A key as a block holds it: the tag is the sequence and the type.
std::string Key(const std::string& user, uint64_t sequence, uint8_t type = 1) {
  std::string key = user;
  const uint64_t tag = sequence << 8 | type;
  for (int i = 0; i < 8; i++) key += static_cast<char>(tag >> (8 * i));
  return key;
}

std::string Fixed(uint32_t value) {
  std::string bytes;
  for (int i = 0; i < 4; i++) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

// Lengths below 128 only.
std::string Entry(size_t shared, const std::string& rest, const std::string& value) {
  return std::string{static_cast<char>(shared), static_cast<char>(rest.size()),
                     static_cast<char>(value.size())} +
         rest + value;
}

std::string Contents(const std::string& entries, const std::vector<uint32_t>& restarts) {
  std::string contents = entries;
  for (const uint32_t restart : restarts) contents += Fixed(restart);
  return contents + Fixed(static_cast<uint32_t>(restarts.size()));
}

// What is found: the value, 'absent', 'deleted' or 'refused'. The contents stand in memory of their
// very size, so that a sanitizer sees every read beside them.
std::string Search(const std::string& contents, const std::string& key,
                   const std::string& floor = "", const std::string& separator = "") {
  std::unique_ptr<uint8_t[]> bytes(new uint8_t[contents.size()]);
  if (!contents.empty()) std::memcpy(bytes.get(), contents.data(), contents.size());
  const auto as_bytes = [](const std::string& text) {
    return Bytes{reinterpret_cast<const uint8_t*>(text.data()), text.size()};
  };
  ValueRange value = {0, 0};
  const BlockQuery query = {as_bytes(key), as_bytes(floor), as_bytes(separator)};
  switch (SearchBlock({bytes.get(), contents.size()}, query, &value)) {
    case BlockAnswer::kAbsent:
      return "absent";
    case BlockAnswer::kDeleted:
      return "deleted";
    case BlockAnswer::kRefused:
      return "refused";
    case BlockAnswer::kValue:
      break;
  }
  CHECK(value.start <= value.end && value.end <= contents.size());
  return contents.substr(value.start, value.end - value.start);
}

// apple@5, apple@3 deleted, banana@7 | bandana@7, cat@1
std::string Fruits() {
  const std::string first = Entry(0, Key("apple", 5), "red");
  const std::string second = Entry(5, Key("", 3, 0), "");
  const std::string third = Entry(0, Key("banana", 7), "yellow");
  const std::string fourth = Entry(0, Key("bandana", 7), "cloth");
  const std::string fifth = Entry(0, Key("cat", 1), "");
  const uint32_t restart = static_cast<uint32_t>(first.size() + second.size() + third.size());
  return Contents(first + second + third + fourth + fifth, {0, restart});
}

void TestAnswers() {
  const std::string block = Fruits();
  CHECK(Search(block, Key("apple", 9)) == "red");
  CHECK(Search(block, Key("apple", 5)) == "red");
  CHECK(Search(block, Key("apple", 4)) == "deleted");
  CHECK(Search(block, Key("apple", 2)) == "absent");
  CHECK(Search(block, Key("appl", 9)) == "absent");
  CHECK(Search(block, Key("apples", 9)) == "absent");
  CHECK(Search(block, Key("banana", 7)) == "yellow");
  CHECK(Search(block, Key("banana", 6)) == "absent");
  CHECK(Search(block, Key("bandana", 8)) == "cloth");
  CHECK(Search(block, Key("cat", 8)) == "");
  CHECK(Search(block, Key("dog", 8)) == "absent");
  CHECK(Search(block, Key("", 8)) == "absent");
  CHECK(Search(Contents("", {0}), Key("a", 1)) == "absent");
  CHECK(Search(Contents("", {}), Key("a", 1)) == "absent");
}

void TestPlace() {
  const std::string block = Fruits();
  const std::string key = Key("apple", 9);
  CHECK(Search(block, key, Key("aardvark", 1), Key("cat", 1)) == "red");
  CHECK(Search(block, key, Key("apple", 6), Key("d", 1)) == "red");
  CHECK(Search(block, key, "", Key("d", 1)) == "red");
  CHECK(Search(block, key, Key("apple", 5), Key("d", 1)) == "refused");  // the first is no floor
  CHECK(Search(block, key, Key("b", 1), Key("d", 1)) == "refused");
  CHECK(Search(block, key, Key("zebra", 1), Key("zz", 1)) == "refused");
  CHECK(Search(block, key, "", Key("cat", 2)) == "refused");  // the last is above it
  CHECK(Search(block, key, "", Key("bandana", 7)) == "refused");
  CHECK(Search(block, key, "", "short") == "refused");
  CHECK(Search(block, "short") == "refused");
}

void TestRefused() {
  const std::string entry = Entry(0, Key("apple", 5), "red");
  const std::string key = Key("apple", 9);
  CHECK(Search(Contents(entry, {0}), key) == "red");
  CHECK(Search("", key) == "refused");
  CHECK(Search("abc", key) == "refused");
  CHECK(Search(Fixed(1), key) == "refused");
  CHECK(Search(Fixed(0xffffffff), key) == "refused");
  CHECK(Search(Contents(entry, {}), key) == "refused");
  CHECK(Search(Contents(entry, {1}), key) == "refused");
  CHECK(Search(Contents(entry, {0, 0}), key) == "refused");
  CHECK(Search(Contents(entry, {0, 1000}), key) == "refused");
  CHECK(Search(Contents(Entry(1, Key("apple", 5), "red"), {0}), key) == "refused");
  CHECK(Search(Contents(Entry(0, "short", "red"), {0}), key) == "refused");
  CHECK(Search(Contents(Entry(0, Key("apple", 5, 2), "red"), {0}), key) == "refused");
  CHECK(Search(Contents(entry.substr(0, entry.size() - 1), {0}), key) == "refused");
  CHECK(Search(Contents(std::string(5, '\xff'), {0}), key) == "refused");
}

// Tags that are shared in part with the entry before.
void TestSharedTags() {
  const std::string entries = Entry(0, Key("apple", 0x305), "new") +
                              Entry(6, Key("apple", 0x304).substr(6), "old") +
                              Entry(7, Key("apple", 0x204).substr(7), "older");
  const std::string block = Contents(entries, {0});
  CHECK(Search(block, Key("apple", 0x400)) == "new");
  CHECK(Search(block, Key("apple", 0x304)) == "old");
  CHECK(Search(block, Key("apple", 0x303)) == "older");
  CHECK(Search(block, Key("apple", 0x203)) == "absent");
  CHECK(Search(block, Key("apple", 0x400), "", Key("apple", 0x204)) == "new");
  CHECK(Search(block, Key("apple", 0x400), "", Key("apple", 0x205)) == "refused");
  // Shared with an entry of another user key, whose tag reads like this one's user key.
  const std::string user = Key("a", 5).substr(0, 5);
  const std::string odd = Entry(0, Key("a", 5), "") + Entry(7, std::string(6, '\1'), "odd");
  const std::string deletion = user + std::string(2, '\0') + std::string(6, '\1');
  CHECK(Search(Contents(odd, {0}), deletion) == "refused");
}

// Every byte in turn replaced by some others: whatever it is, inside its memory.
void TestDamage() {
  const std::string block = Fruits();
  for (size_t i = 0; i < block.size(); i++) {
    for (const int byte : {0, 1, 2, 7, 8, 20, 127, 128, 200, 255}) {
      std::string damaged = block;
      damaged[i] = static_cast<char>(byte);
      for (const char* user : {"apple", "banana", "bandana", "cat", "zebra"}) {
        Search(damaged, Key(user, 9), Key("a", 1), Key("d", 1));
        Search(damaged, Key(user, 9));
      }
    }
  }
}

}  // namespace

void TestBlockSearch() {
  TestAnswers();
  TestPlace();
  TestRefused();
  TestSharedTags();
  TestDamage();
}

}  // namespace test
}  // namespace sluicedb
