# SPDX-License-Identifier: MIT
"""A store as text, shmfs-dump(5): the bytes that `shmfsctl dump` writes, if nobody writes to the store.

Beside writers the keys and frames of this are not of one moment, those of shmfsctl are.
"""
import math
import re
import struct

from xxh3 import u32, u64, xxh3_128

TYPES = {0: 'bytes', 1: 'string', 2: 'number'}
LINE = 65535  # bytes, less the newline
# What stays together, when a line is broken.
ATOMS = re.compile(rb'(?:[^\\\x80-\xff]+|\\x..|\\[^x]|[\xc2-\xdf].|[\xe0-\xef]..|[\xf0-\xf4]...)*',
                   re.DOTALL)
ESCAPES = {ord('\\'): '\\\\', ord('\t'): '\\t', ord('\n'): '\\n', ord('\r'): '\\r'}
for code in [*range(0x20), 0x7F]:
    ESCAPES.setdefault(code, '\\x%02x' % code)
for code in range(0x80, 0xA0):
    ESCAPES[code] = '\\xc2\\x%02x' % code
for code in range(0x80, 0x100):
    ESCAPES[0xDC00 + code] = '\\x%02x' % code  # a byte that is not UTF-8


def escape(data):
    return data.decode('utf-8', 'surrogateescape').translate(ESCAPES).encode()


def line(*fields, whole=False):
    """The fields with TABs between them, broken into lines if need be; `whole`: not the last one."""
    out = b'\t'.join(fields)
    if len(out) <= LINE:
        return out + b'\n'
    out, column = [], 0
    for n, field in enumerate(fields):
        for part in ([b'\t'] if n else []) + [field]:
            at = 0
            while at < len(part):
                cut = ATOMS.match(part, at, at + LINE - column).end()
                if whole and n == len(fields) - 1 and cut < len(part):
                    cut = at
                out.append(part[at:cut])
                column += cut - at
                at = cut
                if at < len(part):
                    out.append(b'\n+')
                    column = 1
    return b''.join(out) + b'\n'


def number_text(value):
    """The shortest decimal that reads back as the same double, or its bits."""
    number = struct.unpack('<d', value)[0]
    if not math.isfinite(number):
        return '0x%016x' % u64(value, 0)
    if abs(number) <= 1 << 53 and number == int(number):
        return '%.0f' % number
    return next(text for text in ('%.*g' % (digits, number) for digits in range(1, 18))
                if float(text) == number)


def options(store):
    s = store.map
    flags = u32(s, 12)
    yield 'seed', u64(s, 24)
    yield 'size', u64(s, 72)
    yield 'max_size', u64(s, 64)
    yield 'garbage', number_text(struct.pack('<d', u32(s, 20) / 1000))
    yield 'log_limit', u64(s, 56)
    yield 'log_full', 'refuse' if flags & 4 else 'trim'
    yield 'always_wake', flags >> 1 & 1
    yield 'no_sync', flags & 1


def key_line(record):
    kind, value = TYPES[record.type].encode(), record.value()
    if record.type == 2:
        return line(kind, escape(record.key), number_text(value).encode(), whole=True)
    return line(kind, escape(record.key), escape(value))


def log_lines(store):
    """The frames, and each cursor before the frame that it reads next."""
    left = sorted((position, name) for name, position in store.cursors())
    count, head = 0, store.log_head()

    def cursors(before, place):
        here = [name for position, name in left if position < before]
        del left[:len(here)]
        return [line(b'cursor', escape(name), place) for name in sorted(here)]

    yield from cursors(head, b'stale')
    for position, payload in store.frames():
        yield from cursors(position + 1, b'%d' % count)
        yield line(b'frame', escape(payload))
        count += 1
    yield from cursors(1 << 64, b'%d' % count)


def body(store):
    yield b'shmfs-dump 1\n'
    for name, value in options(store):
        yield line(b'option', name.encode(), str(value).encode())
    yield from store.walk(key_line)
    yield from log_lines(store)


def dump(store):
    """All lines, the sum of all but the last in that."""
    lines, counts = list(body(store)), {'frame': 0, 'cursor': 0}
    for text in lines:
        kind = text.split(None, 1)[0].decode()
        counts[kind] = counts.get(kind, 0) + 1
    low, high = xxh3_128(b''.join(lines))
    keys = sum(counts.get(kind, 0) for kind in TYPES.values())
    return lines + [b'end\tkeys=%d\tframes=%d\tcursors=%d\txxh128=%016x%016x\n' %
                    (keys, counts['frame'], counts['cursor'], high, low)]
