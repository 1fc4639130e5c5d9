// The mask that LevelDB puts over every stored checksum.
//
// A CRC over bytes that contain their own CRC is weak, so what is stored is rotated and offset:
//   masked = rotate_right(crc, 15) + 0xa282ead8   (modulo 2^32)

// On disk: never change this value.
const MASK_DELTA = 0xa282ead8

export function maskCrc(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0
}

export function unmaskCrc(masked: number): number {
  const rotated = (masked - MASK_DELTA) >>> 0
  return ((rotated >>> 17) | (rotated << 15)) >>> 0
}
