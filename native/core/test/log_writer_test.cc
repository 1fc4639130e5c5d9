#include "core/log_writer.h"

#include <deque>
#include <random>
#include <string>
#include <vector>

#include "core/crc32c.h"
#include "core/test/core_test.h"

namespace sluicedb {
namespace test {
namespace {

// What happened to a fake file, kept beyond its life.
struct FakeDisk {
  std::string contents;
  int appends = 0;
  int syncs = 0;
  int closes = 0;
  int resize_error = 0;
  std::vector<uint64_t> resizes;
  bool is_linked = true;
};

// One call's answer: an errno, or how many bytes are taken at most.
struct Answer {
  int error_number;
  size_t limit;
};

class FakeFile final : public AppendableFile {
 public:
  FakeFile(FakeDisk* disk, std::deque<Answer> appends, std::deque<int> syncs)
      : disk_(disk), appends_(appends), syncs_(syncs) {}

  Status Append(const Piece* pieces, size_t count, size_t* written) override {
    disk_->appends++;
    Answer answer = {0, SIZE_MAX};
    if (!appends_.empty()) {
      answer = appends_.front();
      appends_.pop_front();
    }
    if (answer.error_number != 0) return Status{answer.error_number, "write"};
    *written = 0;
    for (size_t i = 0; i < count && *written < answer.limit; i++) {
      const size_t left = answer.limit - *written;
      const size_t size = pieces[i].size < left ? pieces[i].size : left;
      disk_->contents.append(reinterpret_cast<const char*>(pieces[i].data), size);
      *written += size;
    }
    return Status();
  }

  Status Sync() override {
    disk_->syncs++;
    int error_number = 0;
    if (!syncs_.empty()) {
      error_number = syncs_.front();
      syncs_.pop_front();
    }
    return Status{error_number, "fdatasync"};
  }

  // Where appends go on does not change, so the contents stand for what they hold.
  Status Resize(uint64_t size) override {
    disk_->resizes.push_back(size);
    return Status{disk_->resize_error, "ftruncate"};
  }

  Status CheckLinked() override {
    return disk_->is_linked ? Status() : Status{ESTALE, "fdatasync"};
  }

  Status Close() override {
    disk_->closes++;
    return Status();
  }

 private:
  FakeDisk* const disk_;
  std::deque<Answer> appends_;
  std::deque<int> syncs_;
};

LogWriter MakeWriter(FakeDisk* disk, std::deque<Answer> appends = {}, std::deque<int> syncs = {}) {
  return LogWriter(std::make_unique<FakeFile>(disk, appends, syncs));
}

std::string SomeBytes(size_t size, uint32_t seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

Status Append(LogWriter* writer, const std::string& bytes, bool sync = false) {
  return writer->Append(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), sync);
}

// The format written down once more, a byte at a time: the oracle.
void AppendExpected(std::string* contents, const std::string& bytes) {
  size_t at = 0;
  bool is_first = true;
  do {
    size_t left = kBlockSize - contents->size() % kBlockSize;
    if (left < kHeaderSize) {
      contents->append(left, '\0');
      left = kBlockSize;
    }
    const size_t size = std::min(left - kHeaderSize, bytes.size() - at);
    const bool is_last = at + size == bytes.size();
    const uint8_t type = is_first ? (is_last ? 1 : 2) : (is_last ? 4 : 3);
    std::string covered(1, static_cast<char>(type));
    covered.append(bytes, at, size);
    const uint32_t crc = MaskCrc(internal::ExtendCrc32cPortable(
        0, reinterpret_cast<const uint8_t*>(covered.data()), covered.size()));
    for (int shift = 0; shift < 32; shift += 8)
      contents->push_back(static_cast<char>(crc >> shift));
    contents->push_back(static_cast<char>(size));
    contents->push_back(static_cast<char>(size >> 8));
    contents->append(covered);
    at += size;
    is_first = false;
  } while (at < bytes.size());
}

Status AppendRecords(LogWriter* writer, const std::string& list, bool sync = false) {
  return writer->AppendRecords(reinterpret_cast<const uint8_t*>(list.data()), list.size(), sync);
}

void PutRecord(std::string* list, const std::string& bytes) {
  for (int shift = 0; shift < 32; shift += 8)
    list->push_back(static_cast<char>(bytes.size() >> shift));
  list->append(bytes);
}

void TestRecords() {
  FakeDisk disk;
  std::string expected;
  {
    LogWriter writer = MakeWriter(&disk);
    std::mt19937 random(11);
    for (int i = 0; i < 300; i++) {
      std::string list;
      for (uint32_t record = random() % 40; record > 0; record--) {
        const size_t size = record % 13 == 0 ? random() % 40000 : random() % 90;
        const std::string bytes = SomeBytes(size, static_cast<uint32_t>(i) + record);
        PutRecord(&list, bytes);
        AppendExpected(&expected, bytes);
      }
      // Cut inside a record, it is refused and nothing of it is written.
      if (!list.empty()) {
        CHECK(!AppendRecords(&writer, list.substr(0, list.size() - 1)).ok());
      }
      const int appends = disk.appends;
      CHECK(AppendRecords(&writer, list).ok());
      CHECK(disk.appends == appends + (list.empty() ? 0 : 1));
      CHECK(writer.size() == expected.size());
    }
    // No record and a sync is a sync.
    CHECK(AppendRecords(&writer, "", true).ok());
    CHECK(disk.syncs == 1);
  }
  CHECK(disk.contents == expected);
}

void TestFormat() {
  FakeDisk disk;
  std::string expected;
  {
    LogWriter writer = MakeWriter(&disk);
    std::mt19937 random(7);
    for (int i = 0; i < 3000; i++) {
      size_t size = random() % 30;
      const size_t left = kBlockSize - static_cast<size_t>(writer.size() % kBlockSize);
      // To within a few bytes of the block's end, sometimes; and several blocks at once.
      if (i % 5 == 0 && left > 40) size = left - random() % 24;
      if (i % 97 == 0) size = random() % 200000;
      const std::string bytes = SomeBytes(size, static_cast<uint32_t>(i));
      CHECK(Append(&writer, bytes).ok());
      AppendExpected(&expected, bytes);
      CHECK(writer.size() == expected.size());
    }
    CHECK(disk.appends == 3000);
  }
  CHECK(disk.contents == expected);
  CHECK(disk.closes == 1);
}

void TestShortAndInterruptedWrites() {
  const std::string bytes = SomeBytes(100000, 1);
  std::string expected;
  AppendExpected(&expected, bytes);
  AppendExpected(&expected, "tail");
  std::mt19937 random(3);
  for (int round = 0; round < 200; round++) {
    std::deque<Answer> answers;
    for (int i = 0; i < 50; i++) {
      const bool is_interrupted = random() % 3 == 0;
      answers.push_back(is_interrupted ? Answer{EINTR, 0} : Answer{0, 1 + random() % 4000});
    }
    FakeDisk disk;
    LogWriter writer = MakeWriter(&disk, answers);
    CHECK(Append(&writer, bytes).ok());
    CHECK(Append(&writer, "tail", true).ok());
    CHECK(disk.contents == expected);
    CHECK(writer.size() == expected.size());
  }
}

void TestPoison() {
  FakeDisk disk;
  LogWriter writer = MakeWriter(&disk, {{0, SIZE_MAX}, {0, 5}, {ENOSPC, 0}});
  CHECK(Append(&writer, "first", true).ok());
  CHECK(Append(&writer, "second").error_number == ENOSPC);
  CHECK(disk.contents.size() == 12 + 5);
  CHECK(writer.size() == 12);
  const int appends = disk.appends;
  const int syncs = disk.syncs;
  CHECK(Append(&writer, "third", true).error_number == ENOSPC);
  CHECK(writer.Sync().error_number == ENOSPC);
  CHECK(disk.appends == appends && disk.syncs == syncs);
  CHECK(writer.poison().error_number == ENOSPC);
  CHECK(writer.Close().ok() && writer.Close().ok());
  CHECK(disk.closes == 1);
}

void TestFailedSync() {
  FakeDisk disk;
  LogWriter writer = MakeWriter(&disk, {}, {EINTR, 0, EIO});
  CHECK(Append(&writer, "first", true).ok());  // interrupted once
  CHECK(Append(&writer, "second", true).error_number == EIO);
  CHECK(writer.Sync().error_number == EIO);
  CHECK(Append(&writer, "third").error_number == EIO);
  CHECK(disk.syncs == 3);
}

void TestUnlinked() {
  FakeDisk disk;
  LogWriter writer = MakeWriter(&disk);
  disk.is_linked = false;
  CHECK(Append(&writer, "first").ok());
  CHECK(writer.Sync().error_number == ESTALE);
  CHECK(Append(&writer, "second").error_number == ESTALE);
}

void TestNothingTaken() {
  FakeDisk disk;
  LogWriter writer = MakeWriter(&disk, {{0, 3}, {0, 0}});
  CHECK(Append(&writer, "first").error_number == EIO);
}

void TestAfterClose() {
  FakeDisk disk;
  LogWriter writer = MakeWriter(&disk);
  CHECK(writer.Close().ok());
  CHECK(Append(&writer, "late").error_number == EBADF);
  CHECK(writer.Sync().error_number == EBADF);
}

void TestGrowsAhead() {
  FakeDisk disk;
  LogWriter writer = MakeWriter(&disk);
  CHECK(Append(&writer, std::string(1000, 'a'), true).ok());
  CHECK(Append(&writer, std::string(20000, 'b')).ok());
  CHECK(disk.resizes.empty());
  CHECK(Append(&writer, std::string(1000, 'c'), true).ok());
  const uint64_t held = 1007 + 20007 + 1007;
  CHECK(writer.size() == held && disk.contents.size() == held);
  CHECK(disk.resizes.size() == 1 && disk.resizes[0] == 2 * held);
  CHECK(Append(&writer, std::string(1000, 'd'), true).ok());
  CHECK(disk.resizes.size() == 1);
  CHECK(writer.Close().ok());
  CHECK(disk.resizes.size() == 2 && disk.resizes[1] == held + 1007);
}

void TestLargeAppendsDoNotGrow() {
  FakeDisk disk;
  LogWriter writer = MakeWriter(&disk);
  CHECK(Append(&writer, std::string(300000, 'a'), true).ok());
  // With its header it is 8 KiB, and then one byte more.
  CHECK(Append(&writer, std::string(8192 - 7 + 1, 'b'), true).ok());
  CHECK(disk.resizes.empty());
  CHECK(Append(&writer, std::string(8192 - 7, 'c'), true).ok());
  CHECK(disk.resizes.size() == 1 && disk.resizes[0] == writer.size() + 256 * 1024);
}

void TestCannotGrow() {
  FakeDisk disk;
  disk.resize_error = ENOSPC;
  LogWriter writer = MakeWriter(&disk);
  CHECK(Append(&writer, std::string(20000, 'a'), true).ok());
  CHECK(Append(&writer, std::string(1000, 'b'), true).ok());
  CHECK(disk.resizes.size() == 1);
  CHECK(disk.contents.size() == 20007 + 1007);
}

void TestFailedStaysLong() {
  FakeDisk disk;
  LogWriter writer = MakeWriter(&disk, {}, {EIO});
  CHECK(Append(&writer, std::string(20000, 'a')).ok());
  CHECK(Append(&writer, std::string(1000, 'b'), true).error_number == EIO);
  CHECK(writer.Close().ok());
  CHECK(disk.resizes.size() == 1 && disk.resizes[0] == 2 * (20007 + 1007));
}

}  // namespace

void TestLogWriter() {
  TestGrowsAhead();
  TestLargeAppendsDoNotGrow();
  TestCannotGrow();
  TestFailedStaysLong();
  TestFormat();
  TestRecords();
  TestShortAndInterruptedWrites();
  TestPoison();
  TestFailedSync();
  TestUnlinked();
  TestNothingTaken();
  TestAfterClose();
}

}  // namespace test
}  // namespace sluicedb
