// The tables of CRC-32C, computed by the compiler.
//
// A CRC is a polynomial over GF(2) modulo P; here bit 31 is x^0, as the reflected CRC has it. To
// append n zero bytes to what a CRC covers is to multiply it by x^(8n): that is how streams that
// were computed side by side are joined.

#ifndef SLUICEDB_CORE_CRC32C_TABLES_H_
#define SLUICEDB_CORE_CRC32C_TABLES_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluicedb {
namespace internal {

constexpr uint32_t kPolynomial = 0x82f63b78u;  // P without x^32, reflected

constexpr uint32_t TimesX(uint32_t a) { return (a & 1) != 0 ? (a >> 1) ^ kPolynomial : a >> 1; }

// a * b modulo P.
constexpr uint32_t Multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (int bit = 31; bit >= 0; bit--) {
    if (((a >> bit) & 1) != 0) product ^= b;
    b = TimesX(b);
  }
  return product;
}

// x^exponent modulo P.
constexpr uint32_t PowerOfX(uint64_t exponent) {
  uint32_t power = 1u << 31;   // x^0
  uint32_t square = 1u << 30;  // x^1
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0) power = Multiply(power, square);
    square = Multiply(square, square);
  }
  return power;
}

// Multiplies by one constant with four lookups, one for each byte.
class ShiftTable {
 public:
  // Appends `zero_bytes` zero bytes.
  constexpr explicit ShiftTable(size_t zero_bytes) : entries_{} {
    const uint32_t factor = PowerOfX(8 * static_cast<uint64_t>(zero_bytes));
    for (uint32_t byte = 0; byte < 4; byte++) {
      for (uint32_t i = 0; i < 256; i++) entries_[byte][i] = Multiply(factor, i << (8 * byte));
    }
  }

  constexpr uint32_t Apply(uint32_t crc) const {
    return entries_[0][crc & 0xff] ^ entries_[1][(crc >> 8) & 0xff] ^
           entries_[2][(crc >> 16) & 0xff] ^ entries_[3][crc >> 24];
  }

 private:
  std::array<std::array<uint32_t, 256>, 4> entries_;
};

// Tables of the portable code: [k][i] is the CRC register after byte i and k zero bytes.
using SlicingTables = std::array<std::array<uint32_t, 256>, 8>;

constexpr SlicingTables MakeSlicingTables() {
  SlicingTables tables{};
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = TimesX(crc);
    tables[0][i] = crc;
  }
  for (size_t k = 1; k < tables.size(); k++) {
    for (uint32_t i = 0; i < 256; i++) {
      const uint32_t crc = tables[k - 1][i];
      tables[k][i] = (crc >> 8) ^ tables[0][crc & 0xff];
    }
  }
  return tables;
}

}  // namespace internal
}  // namespace sluicedb

#endif  // SLUICEDB_CORE_CRC32C_TABLES_H_
