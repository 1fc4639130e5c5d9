#include "core/log_writer.h"

#include <algorithm>
#include <utility>

#include "core/crc32c.h"

namespace sluicedb {
namespace {

constexpr size_t kDataSize = kBlockSize - kHeaderSize;
constexpr uint8_t kZeroes[kHeaderSize - 1] = {};

// More fragments than this were an exception: their memory is given back (1 MiB of headers would
// be a record of 4.8 GB; a usual group has at most some 35 fragments).
constexpr size_t kKeptFragments = 4096;

// The same for the image of a list of records: a usual group has at most a little over 1 MiB.
constexpr size_t kKeptImage = 4 * 1024 * 1024;

// A sync that has a new length or new blocks to record waits for a commit of the file system's
// journal, and with it for whatever else the system has in it. So the file is made longer ahead, by
// zeroes that are written: a hole would need its blocks all the same, when it is filled.
// Appends of 2 KiB, each with fdatasync, without the waiting for a processor, median of the means
// of rounds in turns: on a busy disk 1.48 ms ahead of a hole and 0.57 ms ahead of zeroes, on a
// quieter one 0.36 and 0.30 ms at the lower quartile; of 140 bytes 1.39 and 0.59 ms, then 0.27 both
// (ext4, 2026-11-21; `node dist/scripts/bench-pieces.js ahead` compares them). Of 33 KiB, which is
// nearly the zeroes again, 1.15 and 0.57 ms, then 0.33 and 0.41: such an append is worth its own
// commit. 1 MiB of zeroes at a time was no better, and its first sync is a long one. A small file,
// as most manifests are, stays as long as what it holds.
constexpr uint64_t kGrowFrom = 16 * 1024;
constexpr uint64_t kGrowBy = 256 * 1024;
constexpr size_t kGrowFor = 8 * 1024;

size_t FragmentCount(size_t left_in_block, size_t size) {
  const size_t first = left_in_block - kHeaderSize;
  return size <= first ? 1 : 1 + (size - first + kDataSize - 1) / kDataSize;
}

void PutHeader(uint8_t* header, FragmentType type, const uint8_t* data, size_t size) {
  const uint8_t type_byte = type;
  const uint32_t crc = MaskCrc(ExtendCrc32c(ExtendCrc32c(0, &type_byte, 1), data, size));
  header[0] = static_cast<uint8_t>(crc);
  header[1] = static_cast<uint8_t>(crc >> 8);
  header[2] = static_cast<uint8_t>(crc >> 16);
  header[3] = static_cast<uint8_t>(crc >> 24);
  header[4] = static_cast<uint8_t>(size);
  header[5] = static_cast<uint8_t>(size >> 8);
  header[6] = type;
}

// Calls add(type, data, size) for each fragment of a record where `left` bytes of the block are
// free, at least a header's; returns what is left of the last one's block.
template <typename Add>
size_t ForEachFragment(size_t left, const uint8_t* data, size_t size, Add add) {
  for (bool is_first = true;; is_first = false, left = kBlockSize) {
    const size_t part = std::min(size, left - kHeaderSize);
    const bool is_last = part == size;
    add(is_first ? (is_last ? kFullType : kFirstType) : (is_last ? kLastType : kMiddleType), data,
        part);
    if (is_last) return left - kHeaderSize - part;
    data += part;
    size -= part;
  }
}

uint32_t Fixed32At(const uint8_t* bytes) {
  return static_cast<uint32_t>(bytes[0]) | static_cast<uint32_t>(bytes[1]) << 8 |
         static_cast<uint32_t>(bytes[2]) << 16 | static_cast<uint32_t>(bytes[3]) << 24;
}

}  // namespace

LogWriter::LogWriter(std::unique_ptr<AppendableFile> file) : file_(std::move(file)) {}

LogWriter::~LogWriter() {
  // Ignored: whoever cared for the answer has called Close.
  static_cast<void>(Close());
}

Status LogWriter::Append(const uint8_t* data, size_t size, bool sync) {
  if (!poison_.ok()) return poison_;
  const Status status = WritePieces(Fragment(data, size), sync);
  if (pieces_.capacity() > 2 * kKeptFragments) {
    pieces_.shrink_to_fit();
    headers_.clear();
    headers_.shrink_to_fit();
  }
  return status;
}

Status LogWriter::AppendRecords(const uint8_t* list, size_t size, bool sync) {
  if (!poison_.ok()) return poison_;
  if (!LayOut(list, size)) return Status{EINVAL, "write"};
  pieces_.clear();
  if (!image_.empty()) pieces_.push_back({image_.data(), image_.size()});
  const Status status = WritePieces(image_.size(), sync);
  image_.clear();
  if (image_.capacity() > kKeptImage) image_.shrink_to_fit();
  return status;
}

Status LogWriter::Sync() {
  if (!poison_.ok()) return poison_;
  return Poison(SyncAndCheck());
}

Status LogWriter::Close() {
  if (file_ == nullptr) return Status();
  // Ignored: zeroes at the end are as good. After a failure the end is left as evidence.
  if (poison_.ok() && grown_size_ > size()) static_cast<void>(file_->Resize(size()));
  const Status status = file_->Close();
  file_.reset();
  Poison(Status{EBADF, "write"});
  return status;
}

size_t LogWriter::Fragment(const uint8_t* data, size_t size) {
  size_t left = kBlockSize - static_cast<size_t>(this->size() % kBlockSize);
  size_t length = size;
  pieces_.clear();
  if (left < kHeaderSize) {
    pieces_.push_back({kZeroes, left});
    length += left;
    left = kBlockSize;
  }
  headers_.resize(FragmentCount(left, size) * kHeaderSize);
  length += headers_.size();
  uint8_t* header = headers_.data();
  ForEachFragment(left, data, size, [&](FragmentType type, const uint8_t* part, size_t part_size) {
    PutHeader(header, type, part, part_size);
    pieces_.push_back({header, kHeaderSize});
    if (part_size > 0) pieces_.push_back({part, part_size});
    header += kHeaderSize;
  });
  return length;
}

// Copied together rather than gathered: most records of a list are small, and a gather-write of two
// pieces each takes longer than the copy, in 1,024 pieces a call.
bool LogWriter::LayOut(const uint8_t* list, size_t size) {
  size_t left = kBlockSize - static_cast<size_t>(this->size() % kBlockSize);
  image_.clear();
  while (size > 0) {
    if (size < sizeof(uint32_t)) return false;
    const size_t record_size = Fixed32At(list);
    list += sizeof(uint32_t);
    size -= sizeof(uint32_t);
    if (record_size > size) return false;
    if (left < kHeaderSize) {
      image_.insert(image_.end(), left, 0);
      left = kBlockSize;
    }
    left = ForEachFragment(left, list, record_size,
                           [&](FragmentType type, const uint8_t* part, size_t part_size) {
                             uint8_t header[kHeaderSize];
                             PutHeader(header, type, part, part_size);
                             image_.insert(image_.end(), header, header + kHeaderSize);
                             image_.insert(image_.end(), part, part + part_size);
                           });
    list += record_size;
    size -= record_size;
  }
  return true;
}

Status LogWriter::WritePieces(size_t length, bool sync) {
  if (sync) GrowAhead(length);
  Status status = Write();
  if (status.ok() && sync) status = SyncAndCheck();
  if (status.ok()) size_.store(this->size() + length, std::memory_order_relaxed);
  pieces_.clear();  // They point into the caller's bytes.
  return Poison(status);
}

void LogWriter::GrowAhead(size_t length) {
  const uint64_t end = size() + length;
  if (end <= std::max(grown_size_, kGrowFrom) || length > kGrowFor) return;
  const uint64_t target = end + std::min(end, kGrowBy);
  // Ignored: the append itself makes the file longer, or says why it cannot. Not tried again before
  // the next step.
  static_cast<void>(file_->Resize(target));
  grown_size_ = target;
}

Status LogWriter::Write() {
  Piece* pieces = pieces_.data();
  size_t count = pieces_.size();
  while (count > 0) {
    size_t written = 0;
    const Status status = file_->Append(pieces, count, &written);
    if (!status.ok()) {
      if (status.error_number == EINTR) continue;
      return status;
    }
    // A device that takes nothing and reports nothing would keep us here for ever.
    if (written == 0) return Status{EIO, "write"};
    for (; count > 0 && written >= pieces->size; pieces++, count--) written -= pieces->size;
    if (written > 0) {
      pieces->data += written;
      pieces->size -= written;
    }
  }
  return Status();
}

Status LogWriter::SyncAndCheck() {
  Status status;
  do {
    status = file_->Sync();
  } while (status.error_number == EINTR);  // interrupted before it began, as libuv takes it
  return status.ok() ? file_->CheckLinked() : status;
}

Status LogWriter::Poison(const Status& status) {
  if (poison_.ok()) poison_ = status;
  return status;
}

}  // namespace sluicedb
