// The smallest test frame that will do: CHECK reports and goes on; main returns 1 after a failure.

#ifndef SLUICEDB_CORE_TEST_CORE_TEST_H_
#define SLUICEDB_CORE_TEST_CORE_TEST_H_

#include <cstdio>

namespace sluicedb {
namespace test {

// Failures and checks so far. The tests run on one thread.
extern int failures;
extern int checks;

#define CHECK(condition)                                                        \
  do {                                                                          \
    ::sluicedb::test::checks++;                                                 \
    if (!(condition)) {                                                         \
      ::sluicedb::test::failures++;                                             \
      std::printf("%s:%d: CHECK failed: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                           \
  } while (false)

void TestBlockReader();
void TestBlockSearch();
void TestCrc32c();
void TestLogWriter();
void TestFile();
void TestFileLock();
void TestSnappy();

}  // namespace test
}  // namespace sluicedb

#endif  // SLUICEDB_CORE_TEST_CORE_TEST_H_
