// Files and directories where the system is POSIX.

#if !defined(_WIN32)

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/appendable_file.h"

namespace sluicedb {
namespace {

#if defined(IOV_MAX)
constexpr size_t kMaxPieces = IOV_MAX;
#else
constexpr size_t kMaxPieces = 16;  // what POSIX promises
#endif

constexpr size_t kZeroesAtATime = 64 * 1024;

int OpenRetrying(const char* path, int flags, mode_t mode) {
  int descriptor;
  do {
    descriptor = open(path, flags | O_CLOEXEC, mode);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

// The strongest barrier the platform has for a file's data.
int SyncData(int descriptor) {
#if defined(__APPLE__)
  // fsync on macOS leaves the data in the drive's cache.
  if (fcntl(descriptor, F_FULLFSYNC) == 0) return 0;
  // Network and foreign file systems do not have it; any other failure is one of the sync itself.
  if (errno != ENOTSUP && errno != ENOTTY && errno != EINVAL && errno != ENOSYS) return -1;
  return fsync(descriptor);
#elif defined(__linux__) || (defined(_POSIX_SYNCHRONIZED_IO) && _POSIX_SYNCHRONIZED_IO > 0)
  return fdatasync(descriptor);
#else
  return fsync(descriptor);
#endif
}

class PosixFile final : public AppendableFile {
 public:
  PosixFile(int descriptor, std::string path, const struct stat& created)
      : descriptor_(descriptor),
        path_(std::move(path)),
        device_(created.st_dev),
        inode_(created.st_ino) {}

  ~PosixFile() override { static_cast<void>(Close()); }

  Status Append(const Piece* pieces, size_t count, size_t* written) override {
    struct iovec vectors[kMaxPieces];
    const size_t used = std::min(count, kMaxPieces);
    for (size_t i = 0; i < used; i++) {
      vectors[i].iov_base = const_cast<uint8_t*>(pieces[i].data);
      vectors[i].iov_len = pieces[i].size;
    }
    const ssize_t result = writev(descriptor_, vectors, static_cast<int>(used));
    if (result < 0) return Status{errno, "write"};
    *written = static_cast<size_t>(result);
    return Status();
  }

  Status Sync() override {
    return SyncData(descriptor_) == 0 ? Status() : Status{errno, "fdatasync"};
  }

  Status Resize(uint64_t size) override {
    struct stat now;
    if (fstat(descriptor_, &now) != 0) return Status{errno, "fstat"};
    const uint64_t now_size = static_cast<uint64_t>(now.st_size);
    if (now_size < size) return WriteZeroes(now_size, size);
    return ftruncate(descriptor_, static_cast<off_t>(size)) == 0 ? Status()
                                                                 : Status{errno, "ftruncate"};
  }

  Status CheckLinked() override {
    struct stat own, named;
    if (fstat(descriptor_, &own) != 0) return Status{errno, "fstat"};
    if (own.st_nlink == 0) return Status{ESTALE, "fdatasync"};
    if (stat(path_.c_str(), &named) != 0) {
      const bool is_gone = errno == ENOENT || errno == ENOTDIR;
      return is_gone ? Status{ESTALE, "fdatasync"} : Status{errno, "stat"};
    }
    const bool is_same = named.st_dev == device_ && named.st_ino == inode_;
    return is_same ? Status() : Status{ESTALE, "fdatasync"};
  }

  Status Close() override {
    if (descriptor_ < 0) return Status();
    // Not repeated on EINTR: the descriptor is gone on Linux and may be someone else's by then.
    const int result = close(std::exchange(descriptor_, -1));
    return result == 0 || errno == EINTR ? Status() : Status{errno, "close"};
  }

 private:
  Status WriteZeroes(uint64_t start, uint64_t end) {
    const std::vector<uint8_t> zeroes(kZeroesAtATime);
    while (start < end) {
      const size_t size = static_cast<size_t>(std::min<uint64_t>(end - start, zeroes.size()));
      const ssize_t written = pwrite(descriptor_, zeroes.data(), size, static_cast<off_t>(start));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return Status{errno, "write"};
      if (written == 0) return Status{EIO, "write"};
      start += static_cast<uint64_t>(written);
    }
    return Status();
  }

  int descriptor_;
  const std::string path_;
  const dev_t device_;
  const ino_t inode_;
};

}  // namespace

Status CreateAppendableFile(const std::string& path, std::unique_ptr<AppendableFile>* file) {
  const int descriptor = OpenRetrying(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (descriptor < 0) return Status{errno, "open"};
  struct stat created;
  if (fstat(descriptor, &created) != 0) {
    const Status status{errno, "fstat"};
    close(descriptor);
    return status;
  }
  *file = std::make_unique<PosixFile>(descriptor, path, created);
  return Status();
}

Status SyncDirectory(const std::string& path) {
  const int descriptor = OpenRetrying(path.c_str(), O_RDONLY | O_DIRECTORY, 0);
  if (descriptor < 0) return Status{errno, "open"};
  int result;
  do {
#if defined(__APPLE__)
    result = SyncData(descriptor);
#else
    result = fsync(descriptor);
#endif
  } while (result != 0 && errno == EINTR);
  const Status status = result == 0 ? Status() : Status{errno, "fsync"};
  close(descriptor);
  return status;
}

}  // namespace sluicedb

#endif  // !defined(_WIN32)
