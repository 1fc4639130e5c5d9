// A file open for appending, under the log writer: a descriptor, or a fake in the core's tests.

#ifndef SLUICEDB_CORE_APPENDABLE_FILE_H_
#define SLUICEDB_CORE_APPENDABLE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/status.h"

namespace sluicedb {

struct Piece {
  const uint8_t* data;
  size_t size;
};

class AppendableFile {
 public:
  virtual ~AppendableFile() = default;

  // One call of the operating system: appends the pieces in order, or fewer bytes than they have,
  // and puts the bytes that were taken into *written. May end with EINTR.
  virtual Status Append(const Piece* pieces, size_t count, size_t* written) = 0;

  // Makes the data durable. May end with EINTR.
  virtual Status Sync() = 0;

  // Makes the file `size` bytes long. Where it grows, zeroes are written, so that the blocks are
  // there for what is appended later; after an error it may have grown by less. Where Append goes
  // on does not change.
  virtual Status Resize(uint64_t size) = 0;

  // Whether the path the file was created with still names it; if not, the status is ESTALE.
  virtual Status CheckLinked() = 0;

  // Closes. The file is gone whatever the status says; later calls do nothing.
  virtual Status Close() = 0;
};

// Creates the file, empty, truncating what stood there. `path` is absolute, UTF-8.
Status CreateAppendableFile(const std::string& path, std::unique_ptr<AppendableFile>* file);

// Makes the entries of the directory durable. A no-op on Windows, which has no such call.
Status SyncDirectory(const std::string& path);

}  // namespace sluicedb

#endif  // SLUICEDB_CORE_APPENDABLE_FILE_H_
