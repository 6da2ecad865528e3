# SPDX-License-Identifier: MIT
"""A shmfs store without the library: a second reading of shmfs(5).

A key that a walk meets it also looks up by its hash; checksums are compared.  Plain Python cannot order
its loads: beside writers this is right on x86-64, and elsewhere on a store that nobody writes.
"""
import ctypes
import fcntl
import mmap
import os
import struct

from crc32c import crc32c
from xxh3 import MASK, u32, u64, xxh3_64, xxh3_128

PAGE, SEG = 4096, 1 << 20
LEASE = 1 << 62
GATE, READER, LEASES = LEASE + 4096, LEASE + 4098, 1023
LOG_SEG, EMPTY, RESERVED, DONE = 1 << 24, 0, 1, 2
TRIES = 1000
SUMMED_MOST = 64 << 10  # checksums of longer values would take Python minutes
TOMBSTONE = 15 << 60


class Damaged(Exception):
    pass


class Overtaken(Exception):
    pass


# ---- the session, and locks -------------------------------------------------------------


def session_id(fd):
    with open('/proc/sys/kernel/random/boot_id', 'rb') as f:
        boot = f.read(40)
    statx = ctypes.create_string_buffer(256)
    if ctypes.CDLL(None, use_errno=True).statx(fd, b'', 0x1000, 0xFFF, statx):
        raise OSError(ctypes.get_errno(), 'statx')
    mask, inode = u32(statx, 0), u64(statx, 32)
    born = struct.unpack_from('<qI', statx, 80) if mask & 0x800 else (0, 0)
    major, minor = struct.unpack_from('<II', statx, 136)
    generation = bytearray(8)
    try:
        fcntl.ioctl(fd, 0x80087601, generation)  # FS_IOC_GETVERSION
    except OSError:
        generation = bytearray(8)
    low, high = xxh3_128(boot.ljust(40, b'\0') +
                         struct.pack('<QQqQ', major << 32 | minor, inode, *born) + generation)
    return low | 1, high


def flock(kind, at, n):
    return struct.pack('hhqqixxxx', kind, os.SEEK_SET, at, n, 0)


def write_locked(fd, at, n):
    found = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, flock(fcntl.F_RDLCK, at, n))
    return struct.unpack_from('h', found)[0] != fcntl.F_UNLCK


# ---- a store ------------------------------------------------------------------------------


class Record:
    def __init__(self, store, ref):
        store.inside(ref, 32)
        header = store.map[ref:ref + 32]
        self.ref = ref
        self.crc, klen, self.type, self.space, vlen, self.seq, self.time_ns = \
            struct.unpack('<IHBBQQQ', header)
        self.size = vlen & (1 << 48) - 1
        self.value_at = ref + 32 + (klen + 7 & ~7)
        store.inside(ref, self.value_at - ref + (self.size + 7 & ~7))
        self.key = store.map[ref + 32:ref + 32 + klen]
        self.summed, self.map = header[4:], store.map

    def check(self):
        wanted = {2: 8, 3: LOG_SEG}.get(self.type, 8 if self.space == 2 else self.size)
        if self.type > 3 or (self.type == 3) != (self.space == 1) or self.size != wanted:
            raise Damaged('a value of no known type at %#x' % self.ref)
        if self.type != 3 and self.size > SUMMED_MOST:
            return
        value = b'' if self.type == 3 else self.value()
        if self.crc != crc32c(value, self.key, self.summed):
            raise Damaged('a checksum does not match at %#x' % self.ref)

    def value(self):
        return self.map[self.value_at:self.value_at + self.size]


class Store:
    def __init__(self, path):
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        # nobody creates, recovers or cuts the file until we know what we read
        fcntl.fcntl(self.fd, fcntl.F_OFD_SETLKW, flock(fcntl.F_RDLCK, GATE, 1))
        fcntl.fcntl(self.fd, fcntl.F_OFD_SETLKW, flock(fcntl.F_RDLCK, READER, 1))
        self.size = os.fstat(self.fd).st_size
        magic = os.pread(self.fd, 8, 0)
        if self.size == 0 or magic == b'shmfs\r\n\0':
            raise Damaged('nothing in it yet: its creation did not end')
        if magic != b'shmfs\r\n\1':
            raise Damaged('not a shmfs store')
        self.map = mmap.mmap(self.fd, self.size, prot=mmap.PROT_READ)
        self.check_superblock()
        self.seed = u64(self.map, 24)
        self.session = session_id(self.fd)
        self.meta = None
        if not self.same_session() and not write_locked(self.fd, LEASE + 1, LEASES):
            self.meta = self.newest_meta()
        nseg = self.meta['nseg'] if self.meta else u64(self.map, 0x1030)
        if nseg * SEG > self.size:
            raise Damaged('the file is shorter than it was')
        fcntl.fcntl(self.fd, fcntl.F_OFD_SETLK, flock(fcntl.F_UNLCK, GATE, 1))

    def check_superblock(self):
        s = self.map[:84].ljust(84, b'\0')
        if u32(s, 8) > 1:
            raise Damaged('made by a newer format')
        if self.size < 5 * SEG:
            raise Damaged('damaged: the file is shorter than any store')
        if (u32(s, 8) != 1 or u32(s, 80) != crc32c(s[0:80]) or s[16] != 20 or s[17] != 24 or
                not 100 <= u32(s, 20) <= 900):
            raise Damaged('the superblock is damaged')

    def same_session(self):
        return struct.unpack_from('<QQ', self.map, 0x1020) == self.session

    def complete(self, raw):
        """Are the bytes there that went to the disk together with this checkpoint?"""
        delta = [struct.unpack_from('<QQ', raw, 160 + 16 * i) for i in range(4)]
        if u64(raw, 8) <= u64(self.map, 0x1090) or not any(size for _, size in delta):
            return True
        if any(size > 1 << 17 or at + size > self.size for at, size in delta):
            return False
        return u32(raw, 148) == crc32c(b''.join(self.map[at:at + size] for at, size in delta))

    def newest_meta(self):
        best = None
        for slot in (0, 1):
            raw = self.map[0x3000 + slot * PAGE:][:228]
            turn = u64(raw, 0)
            if turn and turn & 1 == slot and u32(raw, 224) == crc32c(raw[:224]) and self.complete(raw):
                if not best or turn > best['turn']:
                    best = {'turn': turn, 'epoch': u64(raw, 8), 'root': u64(raw, 16),
                            'nseg': u64(raw, 48), 'freed': u64(raw, 56), 'count': u64(raw, 64),
                            'head': u64(raw, 104), 'tail': u64(raw, 112)}
        if not best:
            volatile = u64(self.map, 0x1038) & 2 or u32(self.map, 12) & 1
            raise Damaged('copied, or caught by a reboot, while it was open: it has no checkpoint'
                          if volatile else 'both checkpoints are damaged')
        return best

    def inside(self, at, n):
        if at + n > self.size:
            self.size = os.fstat(self.fd).st_size  # it may have grown
            if self.size > len(self.map):
                self.map = mmap.mmap(self.fd, self.size, prot=mmap.PROT_READ)
        if at < SEG or at + n > self.size:
            raise Damaged('offset %#x is not in the file' % at)

    def attempt(self, work):
        """work(root word), again while writers overtake it."""
        for _ in range(TRIES):
            if self.meta and self.same_session():
                self.meta = None  # a writer has recovered the store: the live page counts now
            stamp = u64(self.map, 0x1010)
            root = self.meta['root'] if self.meta else u64(self.map, 0x1000)
            try:
                result, error = work(root), None
            except Damaged as e:
                error = e
            intact = not self.same_session() if self.meta else u64(self.map, 0x1018) <= stamp
            if intact and error:
                raise error
            if intact:
                return result
        raise Overtaken('writers overtook it %d times' % TRIES)

    def hash(self, space, key):
        return xxh3_64(key, self.seed + space * 0x9E3779B97F4A7C15 & MASK)

    def bucket(self, word, h):
        """The word of the bucket for this hash."""
        for _ in range(10):
            page, depth = word & 0xFFFFFFFFF000, word & 63
            self.inside(page, PAGE)
            if not word & 0x800:
                return word
            word = u64(self.map, page + 16 * ((h << depth & MASK) >> 56))
        raise Damaged('the index is too deep')

    def find(self, root, space, key):
        h = self.hash(space, key)
        word = self.bucket(root, h)
        page, depth = word & 0xFFFFFFFFF000, word & 63
        phase = h >> 61 if depth >= 3 else 0
        base = depth + phase & ~7
        base = base - phase if base else 0
        bits = (h << base & MASK) >> 49
        for distance in range(14):
            at = page + ((h + distance) & 63) * 64
            line = struct.unpack_from('<8Q', self.map, at)
            for slot in line:
                if slot >> 45 == (distance + 1) << 15 | bits:
                    record = Record(self, (slot & (1 << 45) - 1) << 3)
                    if record.space == space and record.key == key:
                        return record
            if any(slot >> 45 == 0 for slot in line):
                break
        return None

    def bucket_records(self, root, start, use):
        """What use() makes of the user's records of the bucket that holds hash `start`, from there on;
        where the next begins."""
        word = self.bucket(root, start)
        end, page = start | MASK >> (word & 63), word & 0xFFFFFFFFF000
        found, slots = [], self.map[page:page + PAGE]
        for slot in struct.unpack('<512Q', slots):
            if slot == 0 or slot == TOMBSTONE:
                continue
            record = Record(self, (slot & (1 << 45) - 1) << 3)
            h = self.hash(record.space, record.key)
            if h > end:
                raise Damaged('a record in the wrong bucket')
            if h < start or record.space != 0:
                continue
            same = self.find(root, 0, record.key)
            if not same or same.ref != record.ref:  # overwritten a moment ago?
                if self.bucket(root, start) == word and self.map[page:page + PAGE] == slots:
                    raise Damaged('a search for a key does not find its record')
            record.check()
            found.append(((h, record.key), use(record)))
        return [made for _, made in sorted(found, key=lambda pair: pair[0])], end + 1

    def walk(self, use):
        start = 0
        while start <= MASK:
            made, start = self.attempt(lambda root: self.bucket_records(root, start, use))
            yield from made

    def get(self, space, key):
        def work(root):
            record = self.find(root, space, key)
            if record:
                record.check()
            return record and (record.type, record.value())
        return self.attempt(work)

    def log_head(self):
        return self.meta['head'] if self.meta else u64(self.map, 0x2080)

    def segment_frames(self, root, at):
        """(position, payload) of each frame from there to the end of its segment; whether it ended."""
        number, found = at // LOG_SEG, []
        segment = self.find(root, 1, struct.pack('<Q', number))
        if segment:
            segment.check()
        while segment and at < (number + 1) * LOG_SEG:
            if at >= (self.meta['tail'] if self.meta else u64(self.map, 0x2088)):
                return found, False
            here = segment.value_at + at % LOG_SEG
            word = u64(self.map, here)
            size, state = word & 0xFFFFFFFF, word >> 32 & 3
            lease = word >> 40 & 0xFFFF
            if state == EMPTY or state == RESERVED and write_locked(self.fd, LEASE + lease, 1):
                return found, False
            if state == RESERVED and u64(self.map, here) != word:
                continue
            total = size if state == RESERVED else size + 31 & ~15
            if not 0 < total <= LOG_SEG - at % LOG_SEG or total % 16:
                raise Damaged('a frame at %d leaves its segment' % at)
            if state == DONE:
                payload, tail = self.map[here + 8:here + 8 + size], u64(self.map, here + total - 8)
                if tail & 0xFFFFFFFF != size or size <= SUMMED_MOST and tail >> 32 != crc32c(
                        payload, crc=at & 0xFFFFFFFF):
                    raise Damaged('a checksum does not match in the frame at %d' % at)
                found.append((at, payload))
            at += total
        if self.log_head() > (found[0][0] if found else at):
            raise Overtaken('the log was trimmed meanwhile')
        return found, bool(segment)

    def frames(self):
        at, more = self.log_head(), True
        while more:
            found, more = self.attempt(lambda root: self.segment_frames(root, at))
            yield from found
            at = (at // LOG_SEG + 1) * LOG_SEG

    def cursors(self):
        _, roll = self.get(3, b'cursors') or (0, b'')
        while roll:
            name, roll = roll[1:1 + roll[0]], roll[1 + roll[0]:]
            found = self.get(2, name)
            if found:
                yield name, u64(found[1], 0)
