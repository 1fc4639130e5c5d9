#include "core/test/core_test.h"

namespace sluicedb {
namespace test {

int failures = 0;
int checks = 0;

}  // namespace test
}  // namespace sluicedb

int main() {
  using namespace sluicedb::test;  // NOLINT
  TestCrc32c();
  TestLogWriter();
  TestFile();
  TestFileLock();
  TestSnappy();
  TestBlockReader();
  TestBlockSearch();
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
