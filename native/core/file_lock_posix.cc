#if !defined(_WIN32)

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "core/file_lock.h"

namespace sluicedb {
namespace {

using FileId = std::pair<dev_t, ino_t>;

FileId IdOf(const struct stat& stat) { return FileId(stat.st_dev, stat.st_ino); }

struct flock WholeFile(short type) {  // NOLINT: the type of l_type
  struct flock range = {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  return range;  // start 0, length 0: to the end, wherever that is
}

int OpenLockFile(const std::string& path) {
  int descriptor;
  do {
    descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

// What fcntl says when another owner has the lock.
bool IsHeld(int error_number) { return error_number == EAGAIN || error_number == EACCES; }

// What this process holds by POSIX locks. Never destroyed: a thread may outlive static objects.
struct ProcessTable {
  std::mutex mutex;
  std::set<FileId> held;
};

ProcessTable& Table() {
  static ProcessTable* const table = new ProcessTable;
  return *table;
}

class ProcessLock final : public FileLock {
 public:
  ProcessLock(int descriptor, FileId id) : descriptor_(descriptor), id_(id) {}
  ~ProcessLock() override {
    ProcessTable& table = Table();
    const std::lock_guard<std::mutex> guard(table.mutex);
    close(descriptor_);
    table.held.erase(id_);
  }

 private:
  const int descriptor_;
  const FileId id_;
};

#if defined(F_OFD_SETLK)

class DescriptionLock final : public FileLock {
 public:
  explicit DescriptionLock(int descriptor) : descriptor_(descriptor) {}
  ~DescriptionLock() override { close(descriptor_); }

 private:
  const int descriptor_;
};

// True when the holder is a POSIX lock of this very process, which closing `descriptor` would drop.
bool HolderIsThisProcess(int descriptor) {
  struct flock holder = WholeFile(F_WRLCK);
  return fcntl(descriptor, F_OFD_GETLK, &holder) == 0 && holder.l_type != F_UNLCK &&
         holder.l_pid == getpid();
}

// Descriptors of files that a LevelDB in this process held when we asked: left open, since to close
// one would drop its lock, and used when we ask again, so that there is one for each file at the
// most. Never destroyed, as above.
struct LeftOpen {
  std::mutex mutex;
  std::map<FileId, int> descriptors;
};

LeftOpen& Left() {
  static LeftOpen* const left = new LeftOpen;
  return *left;
}

// The descriptor that was left open of the file that is now called `path`, or -1.
int TakeLeftOpen(LeftOpen& left, const std::string& path) {
  struct stat named;
  if (left.descriptors.empty() || stat(path.c_str(), &named) != 0) return -1;
  const auto found = left.descriptors.find(IdOf(named));
  if (found == left.descriptors.end()) return -1;
  const int descriptor = found->second;
  left.descriptors.erase(found);
  return descriptor;
}

void LeaveOpen(LeftOpen& left, int descriptor) {
  struct stat opened;
  // Where this fails it is open and forgotten, which costs a descriptor and no lock.
  if (fstat(descriptor, &opened) == 0) left.descriptors.emplace(IdOf(opened), descriptor);
}

#endif

}  // namespace

namespace internal {

Status AcquireProcessLock(const std::string& path, std::unique_ptr<FileLock>* lock) {
  lock->reset();
  ProcessTable& table = Table();
  // Held throughout: between the look at the table and the entry no other thread may open the file.
  const std::lock_guard<std::mutex> guard(table.mutex);
  struct stat named;
  if (stat(path.c_str(), &named) == 0) {
    if (table.held.count(IdOf(named)) != 0) return Status();
  } else if (errno != ENOENT) {
    return Status{errno, "stat"};
  }
  const int descriptor = OpenLockFile(path);
  if (descriptor < 0) return Status{errno, "open"};
  struct stat opened;
  Status status;
  if (fstat(descriptor, &opened) != 0) {
    status = Status{errno, "fstat"};
  } else if (table.held.count(IdOf(opened)) != 0) {
    // It took this name since the look. Left open: to close it would drop the lock that we hold.
    return Status();
  } else {
    struct flock range = WholeFile(F_WRLCK);
    if (fcntl(descriptor, F_SETLK, &range) == 0) {
      table.held.insert(IdOf(opened));
      *lock = std::make_unique<ProcessLock>(descriptor, IdOf(opened));
      return Status();
    }
    if (!IsHeld(errno)) status = Status{errno, "fcntl"};
  }
  close(descriptor);
  return status;
}

}  // namespace internal

Status AcquireFileLock(const std::string& path, std::unique_ptr<FileLock>* lock) {
#if defined(F_OFD_SETLK)
  lock->reset();
  LeftOpen& left = Left();
  // Held throughout: nobody else may open the file while its descriptor is neither there nor here.
  const std::lock_guard<std::mutex> guard(left.mutex);
  int descriptor = TakeLeftOpen(left, path);
  if (descriptor < 0) descriptor = OpenLockFile(path);
  if (descriptor < 0) return Status{errno, "open"};
  struct flock range = WholeFile(F_WRLCK);
  if (fcntl(descriptor, F_OFD_SETLK, &range) == 0) {
    *lock = std::make_unique<DescriptionLock>(descriptor);
    return Status();
  }
  const int error_number = errno;
  if (IsHeld(error_number)) {
    if (HolderIsThisProcess(descriptor)) {
      LeaveOpen(left, descriptor);
    } else {
      close(descriptor);
    }
    return Status();
  }
  close(descriptor);
  // A kernel or a file system without such locks may still have the older kind.
  if (error_number != EINVAL) return Status{error_number, "fcntl"};
#endif
  return internal::AcquireProcessLock(path, lock);
}

}  // namespace sluicedb

#endif  // !defined(_WIN32)
