// What an operation of the operating system came to.

#ifndef SLUICEDB_CORE_STATUS_H_
#define SLUICEDB_CORE_STATUS_H_

#include <cerrno>

#ifndef ESTALE
#define ESTALE 10070  // Windows has it for sockets only, under this number
#endif

namespace sluicedb {

struct Status {
  int error_number = 0;      // an errno; 0 is success
  const char* syscall = "";  // a literal: which call failed, under the name that Node uses

  bool ok() const { return error_number == 0; }
};

// 'ENOSPC' for ENOSPC; 'EUNKNOWN' for what has no name here. A literal.
const char* ErrorName(int error_number);

// Descriptions as libuv words them where it has one: 'no space left on device'. A literal.
const char* ErrorDescription(int error_number);

}  // namespace sluicedb

#endif  // SLUICEDB_CORE_STATUS_H_
