// The lock on a LOCK file that other processes, and LevelDB in C++, see.
//
// Linux: a lock of the open file description (F_OFD_SETLK). It belongs to the descriptor, so
// another opener in this process conflicts with it too, and closing some other descriptor of the
// file does not drop it. It conflicts with the POSIX lock that LevelDB takes, also with one of a
// LevelDB in this process, which a refusal leaves intact. Other POSIX systems:
// LevelDB's own fcntl lock, and a table of what this process holds, by device and inode. The table
// is looked at before the file is opened: closing any descriptor of a file drops all POSIX locks
// that the process has on it. Windows: the file is opened for us alone.

#ifndef SLUICEDB_CORE_FILE_LOCK_H_
#define SLUICEDB_CORE_FILE_LOCK_H_

#include <memory>
#include <string>

#include "core/status.h"

namespace sluicedb {

class FileLock {
 public:
  // Gives the lock up.
  virtual ~FileLock() = default;
};

// Takes the lock, creating the file when it is not there. When someone holds it, *lock is null and
// the status ok: nothing went wrong.
Status AcquireFileLock(const std::string& path, std::unique_ptr<FileLock>* lock);

namespace internal {

// What AcquireFileLock uses where there is no F_OFD_SETLK; on every POSIX system, for the tests.
Status AcquireProcessLock(const std::string& path, std::unique_ptr<FileLock>* lock);

}  // namespace internal
}  // namespace sluicedb

#endif  // SLUICEDB_CORE_FILE_LOCK_H_
