#!/usr/bin/env python3
"""An implementation of parts of LevelDB's formats, as an example of how another language joins.

Reads a question a line from standard input and answers each with a line: see docs/conformance.md.
It can be asked for checksums, integers, logs and blocks; to the rest it says that it cannot.
"""

import json
import sys


class Corruption(Exception):
    pass


TABLE = list(range(256))
for _ in range(8):
    TABLE = [value >> 1 ^ 0x82F63B78 if value & 1 else value >> 1 for value in TABLE]


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def mask(crc):
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def unmask(masked):
    rotated = (masked - 0xA282EAD8) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


def fixed(data, at, length=4):
    return int.from_bytes(data[at:at + length], "little")


def encode_varint(value):
    encoded = bytearray()
    while value >= 128:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes(encoded + bytes([value]))


def varint(data, at, bits=32):
    """The value at `at`, and where it ends."""
    value = 0
    for index in range((bits + 6) // 7):
        if at + index >= len(data):
            break
        value |= (data[at + index] & 127) << 7 * index
        if data[at + index] < 128:
            if value >> bits:
                break
            return value, at + index + 1
    raise Corruption("malformed varint")


def read_log(data):
    """The records before the first damage, and how the log ends."""
    records, parts, at = [], None, 0
    while True:
        left = 32768 - at % 32768
        if left < 7:
            at += left
        if not any(data[at:]) and (len(data) - at < 7 or data[at + 6] == 0):
            return records, "clean" if parts is None else "torn"
        if len(data) - at < 7:
            return records, "torn"
        kind, end = data[at + 6], at + 7 + fixed(data, at + 4, 2)
        if end > at - at % 32768 + 32768 or end > len(data):
            return records, "damaged" if end > at - at % 32768 + 32768 else "torn"
        if kind not in (1, 2, 3, 4) or unmask(fixed(data, at)) != crc32c(data[at + 6:end]):
            return records, "damaged"
        if parts is not None and kind in (1, 2) and not any(parts):
            parts = None  # an old writer's empty first fragment
        if (parts is None) != (kind in (1, 2)):
            return records, "damaged"
        parts = (parts or []) + [data[at + 7:end]]
        if kind in (1, 4):
            records.append(b"".join(parts).hex())
            parts = None
        at = end


def read_block(data):
    """Every entry of the contents of a block."""
    count = fixed(data, len(data) - 4) if len(data) >= 4 else -1
    limit = len(data) - 4 - 4 * count
    if count < 0 or limit < 0:
        raise Corruption("no room for the restart points")
    points = [fixed(data, limit + 4 * index) for index in range(count)]
    if limit > 0 and (points[:1] != [0] or points != sorted(set(points)) or points[-1] >= limit):
        raise Corruption("restart points out of place")
    entries, key, at = [], b"", 0
    while at < limit:
        shared, at = varint(data[:limit], at)
        rest, at = varint(data[:limit], at)
        size, at = varint(data[:limit], at)
        if shared > len(key) or rest + size > limit - at:
            raise Corruption("an entry reaches too far")
        key = key[:shared] + data[at:at + rest]
        entries.append([key.hex(), data[at + rest:at + rest + size].hex()])
        at += rest + size
    return entries


def decode_varint(data, bits):
    value, length = varint(data, 0, bits)
    return {"value": value if bits == 32 else str(value), "length": length}


ANSWERS = {
    "hello": lambda q, data: {"name": "the example in Python"},
    "crc32c": lambda q, data: {"crc": crc32c(data)},
    "crc32c.mask": lambda q, data: {"masked": mask(q["crc"])},
    "crc32c.unmask": lambda q, data: {"crc": unmask(q["masked"])},
    "fixed32.encode": lambda q, data: {"bytes": q["value"].to_bytes(4, "little").hex()},
    "fixed32.decode": lambda q, data: {"value": fixed(data, 0)},
    "fixed64.encode": lambda q, data: {"bytes": int(q["value"]).to_bytes(8, "little").hex()},
    "fixed64.decode": lambda q, data: {"value": str(fixed(data, 0, 8))},
    "varint32.encode": lambda q, data: {"bytes": encode_varint(q["value"]).hex()},
    "varint32.decode": lambda q, data: decode_varint(data, 32),
    "varint64.encode": lambda q, data: {"bytes": encode_varint(int(q["value"])).hex()},
    "varint64.decode": lambda q, data: decode_varint(data, 64),
    "log.read": lambda q, data: dict(zip(("records", "end"), read_log(data))),
    "block.read": lambda q, data: {"entries": read_block(data)},
}

for line in sys.stdin:
    question = json.loads(line)
    answer = {"id": question["id"]}
    if question["do"] not in ANSWERS:
        answer["unsupported"] = "not in this example"
    else:
        try:
            data = bytes.fromhex(question.get("bytes", ""))
            answer["result"] = ANSWERS[question["do"]](question, data)
        except Corruption as error:
            answer["error"], answer["says"] = "corruption", str(error)
    print(json.dumps(answer), flush=True)
