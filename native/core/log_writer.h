// Writes records in LevelDB's log format.
//
// Invariants:
//   One Append is one gather-write, continued where the system took fewer bytes; so is one
//   AppendRecords, however many records it has.
//   After any failure the writer is poisoned: it keeps the first status, answers every later call
//   with it, and touches the file no more. A failed sync is never tried again: the kernel may have
//   dropped the pages, and would answer the second time that all is well.
//   Once the file has kGrowFrom bytes, a synced append of at most kGrowFor that would pass its end
//   makes it longer first, with zeroes, by as much as it holds and at most kGrowBy: a sync that
//   need not record a new length or new blocks takes half the time (measured in log_writer.cc).
//   Readers take zeroes for the end. Close cuts the file to what it holds. It owns its file, and
//   closes it at the latest when destroyed.
// Threads: one at a time, handed over by whoever runs the jobs; size() is for all.

#ifndef SLUICEDB_CORE_LOG_WRITER_H_
#define SLUICEDB_CORE_LOG_WRITER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/appendable_file.h"
#include "core/log_format.h"
#include "core/status.h"

namespace sluicedb {

class LogWriter {
 public:
  // Requires: file is empty.
  explicit LogWriter(std::unique_ptr<AppendableFile> file);
  ~LogWriter();

  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Appends data[0, size) as one record; with `sync`, makes it durable and looks whether the
  // directory still names the file.
  Status Append(const uint8_t* data, size_t size, bool sync);

  // Appends each record of the list [0, size), length: fixed32 and bytes, as one of its own, all in
  // one write; syncs as Append does. A list that ends inside a record is EINVAL, and poisons
  // nothing.
  Status AppendRecords(const uint8_t* list, size_t size, bool sync);

  // Makes all that was appended durable, with the same look at the directory.
  Status Sync();

  // Closes the file. Idempotent.
  Status Close();

  // Bytes in the file as of the last Append that succeeded.
  uint64_t size() const { return size_.load(std::memory_order_relaxed); }

  // The first failure; ok while there was none.
  const Status& poison() const { return poison_; }

 private:
  // Fills headers_ and pieces_ for one record; returns the bytes in all pieces together.
  size_t Fragment(const uint8_t* data, size_t size);
  // Fills image_ with the blocks of the records; false where the list ends inside one.
  bool LayOut(const uint8_t* list, size_t size);
  // Writes pieces_, `length` bytes in all, and syncs when asked.
  Status WritePieces(size_t length, bool sync);
  Status Write();
  // Makes the file longer where the next `length` bytes would pass its end.
  void GrowAhead(size_t length);
  Status SyncAndCheck();
  Status Poison(const Status& status);

  std::unique_ptr<AppendableFile> file_;
  std::atomic<uint64_t> size_{0};
  // How long the file was made ahead of what it holds; 0 while it was not.
  uint64_t grown_size_ = 0;
  Status poison_;
  // Kept from one append to the next, for their memory.
  std::vector<uint8_t> headers_;
  std::vector<uint8_t> image_;
  std::vector<Piece> pieces_;
};

}  // namespace sluicedb

#endif  // SLUICEDB_CORE_LOG_WRITER_H_
