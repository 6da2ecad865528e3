# SPDX-License-Identifier: MIT
"""XXH3 for what a store needs of it: 64 bits with a seed, and 128 bits of 17 bytes or more.

Written from the published algorithm; slow, as plain Python is.
"""
import struct

MASK, LOW = (1 << 64) - 1, (1 << 32) - 1
P32_1, P32_2, P32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
P64_1, P64_2, P64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P64_4, P64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5

SECRET = bytes.fromhex(
    'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f'
    'cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c'
    '3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8'
    'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364'
    'eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e'
    '2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e')


def u32(data, at):
    return struct.unpack_from('<I', data, at)[0]


def u64(data, at):
    return struct.unpack_from('<Q', data, at)[0]


def swap(value, size):
    return int.from_bytes(value.to_bytes(size, 'little'), 'big')


def rotate(value, n):
    return (value << n | value >> (64 - n)) & MASK


def fold(a, b):
    product = a * b
    return (product & MASK) ^ (product >> 64)


def avalanche(h):
    h ^= h >> 37
    h = h * 0x165667919E3779F9 & MASK
    return h ^ h >> 32


def avalanche_xxh64(h):
    h = (h ^ h >> 33) * P64_2 & MASK
    h = (h ^ h >> 29) * P64_3 & MASK
    return h ^ h >> 32


def mix16(data, at, secret_at, seed):
    return fold(u64(data, at) ^ (u64(SECRET, secret_at) + seed & MASK),
                u64(data, at + 8) ^ (u64(SECRET, secret_at + 8) - seed & MASK))


def short(data, seed):
    n = len(data)
    if n > 8:
        low = u64(data, 0) ^ ((u64(SECRET, 24) ^ u64(SECRET, 32)) + seed & MASK)
        high = u64(data, n - 8) ^ ((u64(SECRET, 40) ^ u64(SECRET, 48)) - seed & MASK)
        return avalanche(n + swap(low, 8) + high + fold(low, high) & MASK)
    if n >= 4:
        seed ^= swap(seed & 0xFFFFFFFF, 4) << 32
        h = u32(data, n - 4) + (u32(data, 0) << 32)
        h ^= (u64(SECRET, 8) ^ u64(SECRET, 16)) - seed & MASK
        h ^= rotate(h, 49) ^ rotate(h, 24)
        h = h * 0x9FB21C651E98DF25 & MASK
        h ^= (h >> 35) + n
        h = h * 0x9FB21C651E98DF25 & MASK
        return h ^ h >> 28
    if n:
        h = data[0] << 16 | data[n >> 1] << 24 | data[n - 1] | n << 8
        return avalanche_xxh64(h ^ ((u32(SECRET, 0) ^ u32(SECRET, 4)) + seed & MASK))
    return avalanche_xxh64(seed ^ u64(SECRET, 56) ^ u64(SECRET, 64))


def middle(data, seed):
    n = len(data)
    acc = n * P64_1
    if n <= 128:
        for i in range((n - 1) // 32, -1, -1):
            acc += mix16(data, 16 * i, 32 * i, seed)
            acc += mix16(data, n - 16 * (i + 1), 32 * i + 16, seed)
        return avalanche(acc & MASK)
    for i in range(8):
        acc += mix16(data, 16 * i, 16 * i, seed)
    acc = avalanche(acc & MASK)
    for i in range(8, n // 16):
        acc += mix16(data, 16 * i, 16 * (i - 8) + 3, seed)
    return avalanche(acc + mix16(data, n - 16, 136 - 17, seed) & MASK)


def accumulate(data, secret):
    """The eight sums of what is longer than 240 bytes."""
    acc = [P32_3, P64_1, P64_2, P64_3, P64_4, P32_2, P64_5, P32_1]
    keys = [struct.unpack_from('<8Q', secret, 8 * n) for n in range(16)]
    last = struct.unpack_from('<8Q', secret, 192 - 64 - 7)

    def stripe(at, key):
        a0, a1, a2, a3, a4, a5, a6, a7 = acc
        v0, v1, v2, v3, v4, v5, v6, v7 = struct.unpack_from('<8Q', data, at)
        k0, k1, k2, k3, k4, k5, k6, k7 = key
        k0 ^= v0; k1 ^= v1; k2 ^= v2; k3 ^= v3; k4 ^= v4; k5 ^= v5; k6 ^= v6; k7 ^= v7
        acc[:] = (a0 + v1 + (k0 & LOW) * (k0 >> 32) & MASK, a1 + v0 + (k1 & LOW) * (k1 >> 32) & MASK,
                  a2 + v3 + (k2 & LOW) * (k2 >> 32) & MASK, a3 + v2 + (k3 & LOW) * (k3 >> 32) & MASK,
                  a4 + v5 + (k4 & LOW) * (k4 >> 32) & MASK, a5 + v4 + (k5 & LOW) * (k5 >> 32) & MASK,
                  a6 + v7 + (k6 & LOW) * (k6 >> 32) & MASK, a7 + v6 + (k7 & LOW) * (k7 >> 32) & MASK)

    for n in range((len(data) - 1) // 64):
        stripe(64 * n, keys[n % 16])
        if n % 16 == 15:
            for i in range(8):
                acc[i] = (acc[i] ^ acc[i] >> 47 ^ u64(secret, 128 + 8 * i)) * P32_1 & MASK
    stripe(len(data) - 64, last)
    return acc


def merge(acc, secret, at, h):
    for i in range(4):
        h += fold(acc[2 * i] ^ u64(secret, at + 16 * i), acc[2 * i + 1] ^ u64(secret, at + 8 + 16 * i))
    return avalanche(h & MASK)


def long(data, seed):
    secret = b''.join(struct.pack('<QQ', u64(SECRET, i) + seed & MASK, u64(SECRET, i + 8) - seed & MASK)
                      for i in range(0, 192, 16))
    return merge(accumulate(data, secret), secret, 11, len(data) * P64_1)


def xxh3_64(data, seed=0):
    return (short if len(data) <= 16 else middle if len(data) <= 240 else long)(data, seed)


def middle_128(data):
    n = len(data)
    low, high = n * P64_1 & MASK, 0

    def mix32(a, b, secret_at):
        nonlocal low, high
        low = low + mix16(data, a, secret_at, 0) & MASK
        low ^= u64(data, b) + u64(data, b + 8) & MASK
        high = high + mix16(data, b, secret_at + 16, 0) & MASK
        high ^= u64(data, a) + u64(data, a + 8) & MASK

    if n <= 128:
        for i in range((n - 1) // 32, -1, -1):
            mix32(16 * i, n - 16 * (i + 1), 32 * i)
    else:
        for i in range(4):
            mix32(32 * i, 32 * i + 16, 32 * i)
        low, high = avalanche(low), avalanche(high)
        for i in range(4, n // 32):
            mix32(32 * i, 32 * i + 16, 32 * (i - 4) + 3)
        mix32(n - 16, n - 32, 136 - 17 - 16)
    return (avalanche(low + high & MASK),
            -avalanche(low * P64_1 + high * P64_4 + n * P64_2 & MASK) & MASK)


def xxh3_128(data):
    """(low, high) of 17 bytes or more, seed 0."""
    if len(data) <= 240:
        return middle_128(data)
    acc = accumulate(data, SECRET)
    return (merge(acc, SECRET, 11, len(data) * P64_1 & MASK),
            merge(acc, SECRET, 192 - 64 - 11, ~(len(data) * P64_2) & MASK))
