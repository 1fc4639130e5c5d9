#include "core/file_lock.h"

#include <filesystem>
#include <memory>
#include <string>

#include "core/test/core_test.h"
#include "core/test/temporary_directory.h"

#if !defined(_WIN32)
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace sluicedb {
namespace test {
namespace {

using Acquire = Status (*)(const std::string& path, std::unique_ptr<FileLock>* lock);

void TestInOneProcess(Acquire acquire, const TemporaryDirectory& directory) {
  const std::string path = directory.File("LOCK");
  std::unique_ptr<FileLock> first, second;
  CHECK(acquire(path, &first).ok() && first != nullptr);
  for (int i = 0; i < 3; i++) CHECK(acquire(path, &second).ok() && second == nullptr);
  first.reset();
  CHECK(acquire(path, &second).ok() && second != nullptr);
  CHECK(acquire(directory.File("missing/LOCK"), &first).error_number == ENOENT);
}

#if !defined(_WIN32)

// Whether another process, by LevelDB's own call, finds the file locked.
bool IsLockedForOthers(const std::string& path) {
  const pid_t child = fork();
  if (child == 0) {
    const int descriptor = open(path.c_str(), O_RDWR);
    struct flock range = {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    _exit(fcntl(descriptor, F_SETLK, &range) == 0 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status) == 1;
}

void TestOtherProcesses(Acquire acquire, const TemporaryDirectory& directory) {
  const std::string path = directory.File("LOCK");
  const std::string link = directory.File("link-to-LOCK");
  std::unique_ptr<FileLock> first, second;
  CHECK(acquire(path, &first).ok() && first != nullptr);
  CHECK(IsLockedForOthers(path));
  std::filesystem::create_symlink(path, link);
  // Refusals, under either name, must not drop the lock.
  CHECK(acquire(path, &second).ok() && second == nullptr);
  CHECK(acquire(link, &second).ok() && second == nullptr);
  CHECK(IsLockedForOthers(path));
  first.reset();
  CHECK(!IsLockedForOthers(path));
  std::filesystem::remove(link);
}

#if defined(F_OFD_SETLK)

// A LevelDB in this process holds the file by a POSIX lock, which any close of it would drop.
void TestLevelDbInThisProcess(const TemporaryDirectory& directory) {
  const std::string path = directory.File("LOCK");
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT, 0644);
  struct flock range = {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  CHECK(fcntl(descriptor, F_SETLK, &range) == 0);
  std::unique_ptr<FileLock> lock;
  CHECK(AcquireFileLock(path, &lock).ok() && lock == nullptr);
  // The lowest that is free: refusals after the first one take no further descriptor.
  const int before = dup(descriptor);
  for (int i = 0; i < 3; i++) CHECK(AcquireFileLock(path, &lock).ok() && lock == nullptr);
  const int after = dup(descriptor);
  CHECK(after == before + 1);
  CHECK(IsLockedForOthers(path));
  struct flock free = {};
  free.l_type = F_UNLCK;
  free.l_whence = SEEK_SET;
  CHECK(fcntl(descriptor, F_SETLK, &free) == 0);
  CHECK(AcquireFileLock(path, &lock).ok() && lock != nullptr);
  CHECK(IsLockedForOthers(path));
  lock.reset();
  CHECK(!IsLockedForOthers(path));
  close(before);
  close(after);
  close(descriptor);
}

#endif
#endif

}  // namespace

void TestFileLock() {
  const TemporaryDirectory directory;
  TestInOneProcess(AcquireFileLock, directory);
#if !defined(_WIN32)
  TestInOneProcess(internal::AcquireProcessLock, directory);
  TestOtherProcesses(AcquireFileLock, directory);
  TestOtherProcesses(internal::AcquireProcessLock, directory);
#if defined(F_OFD_SETLK)
  TestLevelDbInThisProcess(directory);
#endif
#endif
}

}  // namespace test
}  // namespace sluicedb
