# SPDX-License-Identifier: MIT
"""CRC-32C, a byte at a time."""


def table():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


TABLE = tuple(table())


def crc32c(*parts, crc=0):
    """Of the parts, one behind the other; crc: the sum of what is before them."""
    crc ^= 0xFFFFFFFF
    for part in parts:
        for byte in part:
            crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF
