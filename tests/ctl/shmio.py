#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Log files of shmio, written and read by the format alone, and damaged ones.

    shmio.py make FILE SEED COUNT [ROOM]   COUNT frames of all sizes, ROOM bytes behind them
    shmio.py words FILE WORD...            a frame for each word
    shmio.py compare FILE <JSON            is it what `shmfsctl tail --format=json` printed?
    shmio.py damage FILE DIR               every damage of it, and DIR/list: for each file
                                           the frames it still has, or - and what is said of it
"""

import base64
import json
import os
import random
import struct
import sys

HEADER = 24


def log(frames, room=0):
    body = b"".join(struct.pack("<H", len(f) + 4) + f + struct.pack("<H", len(f) + 4) for f in frames)
    return struct.pack("<QQQ", HEADER, HEADER, HEADER + len(body)) + body + bytes(room)


def frames_of(data):
    size, start, end = struct.unpack_from("<QQQ", data)
    assert size == start == HEADER and end <= len(data)
    at, frames = start, []
    while at < end:
        (total,) = struct.unpack_from("<H", data, at)
        assert total >= 4 and struct.unpack_from("<H", data, at + total - 2) == (total,)
        frames.append(data[at + 2 : at + total - 2])
        at += total
    assert at == end
    return frames


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def make(path, seed, count, room="0"):
    rng = random.Random(int(seed))
    sizes = [0, 1, 2, 65531] + [rng.choice((rng.randrange(8), rng.randrange(300), rng.randrange(65532)))
                                for _ in range(int(count))]
    write(path, log([rng.randbytes(n) for n in sizes[: int(count)]], int(room)))


def words(path, *texts):
    write(path, log([t.encode() for t in texts]))


def compare(path):
    told = []
    for line in sys.stdin:
        e = json.loads(line)
        told.append(base64.b64decode(e["data_base64"]) if e["data"] is None else e["data"].encode())
    sys.exit(told != frames_of(read(path)))


def damage(path, folder):
    good = read(path)
    frames = frames_of(good)
    starts = [HEADER]
    for f in frames:
        starts.append(starts[-1] + len(f) + 4)
    end = starts.pop()
    cases = []

    def case(data, said, kept="-"):
        name = "%04d" % len(cases)
        write(os.path.join(folder, name), data)
        cases.append("%s\t%s\t%s" % (name, kept, said))

    def patched(at, form, value):
        data = bytearray(good)
        struct.pack_into(form, data, at, value)
        return bytes(data)

    def frame_at(offset):
        return "frame %d at offset %d " % (sum(s <= offset for s in starts), max(s for s in starts if s <= offset))

    for value in (0, 1, 23, 25, 32, 1 << 32, (1 << 64) - 1, 24 << 56):
        case(patched(0, "<Q", value), "header says it has %d bytes" % value)
        case(patched(8, "<Q", value), "header says that data begins at %d" % value)
    for value in (0, 1, 23):
        case(patched(16, "<Q", value), "committed end, %d, is inside the header" % value)
    for value in (end + 1, end + 4, 1 << 32, (1 << 64) - 1, 1 << 63):
        case(patched(16, "<Q", value), "frame %d at offset %d " % (len(frames) + 1, end))
    for value in range(HEADER, end + 1):  # every end there may be
        if value in starts or value == end:
            case(patched(16, "<Q", value), "", sum(s < value for s in starts))
        else:
            case(patched(16, "<Q", value), frame_at(value))
    for size in range(len(good)):  # cut at every byte
        case(good[:size], "shorter than the header" if size < HEADER
             else frame_at(size) + "is cut off: the file ends at %d" % size)
    for i, f in enumerate(frames):
        total, said = len(f) + 4, "frame %d at offset %d " % (i + 1, starts[i])
        for value in (0, 1, 2, 3, total - 1, total + 1, total ^ 0x8000, 65535):
            case(patched(starts[i], "<H", value), said)
            case(patched(starts[i] + total - 2, "<H", value), said + "has two sizes")
    for size in (65532, 65533, 70000, 1 << 17):  # what shmio makes of more than a size can tell
        total = struct.pack("<H", (size + 4) & 0xFFFF)
        data = good + total + b"\x01" * size + total
        case(data[:16] + struct.pack("<Q", len(data)) + data[24:], "frame %d at offset %d " % (len(frames) + 1, end))
    for room in (1, 7, 4096):
        case(good + b"\xff" * room, "", len(frames))
    write(os.path.join(folder, "list"), ("\n".join(cases) + "\n").encode())


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
