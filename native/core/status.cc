#include "core/status.h"

namespace sluicedb {
namespace {

struct Entry {
  int error_number;
  const char* name;
  const char* description;
};

// What the calls of this module can end with. Those that some system lacks stand in conditions.
constexpr Entry kErrors[] = {
    {E2BIG, "E2BIG", "argument list too long"},
    {EACCES, "EACCES", "permission denied"},
    {EAGAIN, "EAGAIN", "resource temporarily unavailable"},
    {EBADF, "EBADF", "bad file descriptor"},
    {EBUSY, "EBUSY", "resource busy or locked"},
#ifdef EDQUOT
    {EDQUOT, "EDQUOT", "disk quota exceeded"},
#endif
    {EEXIST, "EEXIST", "file already exists"},
    {EFAULT, "EFAULT", "bad address in system call argument"},
    {EFBIG, "EFBIG", "file too large"},
    {EINTR, "EINTR", "interrupted system call"},
    {EINVAL, "EINVAL", "invalid argument"},
    {EIO, "EIO", "i/o error"},
    {EISDIR, "EISDIR", "illegal operation on a directory"},
    {ELOOP, "ELOOP", "too many symbolic links encountered"},
    {EMFILE, "EMFILE", "too many open files"},
#ifdef EMLINK
    {EMLINK, "EMLINK", "too many links"},
#endif
    {ENAMETOOLONG, "ENAMETOOLONG", "name too long"},
    {ENFILE, "ENFILE", "file table overflow"},
    {ENODEV, "ENODEV", "no such device"},
    {ENOENT, "ENOENT", "no such file or directory"},
    {ENOLCK, "ENOLCK", "no locks available"},
    {ENOMEM, "ENOMEM", "not enough memory"},
    {ENOSPC, "ENOSPC", "no space left on device"},
    {ENOSYS, "ENOSYS", "function not implemented"},
    {ENOTDIR, "ENOTDIR", "not a directory"},
    {ENOTSUP, "ENOTSUP", "operation not supported on socket"},
    {ENOTTY, "ENOTTY", "inappropriate ioctl for device"},
    {ENXIO, "ENXIO", "no such device or address"},
    {EOVERFLOW, "EOVERFLOW", "value too large for defined data type"},
    {EPERM, "EPERM", "operation not permitted"},
    {EPIPE, "EPIPE", "broken pipe"},
    {EROFS, "EROFS", "read-only file system"},
    {ESPIPE, "ESPIPE", "invalid seek"},
    {ESTALE, "ESTALE", "stale file handle"},
    {ETIMEDOUT, "ETIMEDOUT", "connection timed out"},
#ifdef ETXTBSY
    {ETXTBSY, "ETXTBSY", "text file is busy"},
#endif
    {EXDEV, "EXDEV", "cross-device link not permitted"},
};

const Entry* Find(int error_number) {
  for (const Entry& entry : kErrors) {
    if (entry.error_number == error_number) return &entry;
  }
  return nullptr;
}

}  // namespace

const char* ErrorName(int error_number) {
  const Entry* entry = Find(error_number);
  return entry != nullptr ? entry->name : "EUNKNOWN";
}

const char* ErrorDescription(int error_number) {
  const Entry* entry = Find(error_number);
  return entry != nullptr ? entry->description : "unknown error";
}

}  // namespace sluicedb
