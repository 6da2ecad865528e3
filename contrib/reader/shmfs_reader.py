#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Read a shmfs store without the library.

    shmfs_reader.py ls STORE        a JSON object a line: key or key_base64, type, size, version
    shmfs_reader.py get STORE KEY   the value; KEY is the word's bytes
    shmfs_reader.py log STORE       a JSON object a line: position and size of each frame
    shmfs_reader.py dump STORE      all of it as text, shmfs-dump(5)
    shmfs_reader.py info STORE      what is read, and from where

Only the standard library; never writes to the store.
"""
import base64
import json
import os
import sys

from shmfs_dump import TYPES, dump, number_text
from shmfs_store import Damaged, Overtaken, Store
from xxh3 import u64


def describe(record):
    entry = {'key': None, 'key_base64': base64.b64encode(record.key).decode()}
    try:
        entry = {'key': record.key.decode()}
    except UnicodeDecodeError:
        pass
    entry.update(type=TYPES.get(record.type, 'unknown'), size=record.size, version=record.seq)
    return json.dumps(entry, ensure_ascii=False, separators=(',', ':'))


def main(verb, path, *operands):
    store = Store(path)
    if verb == 'info':
        count = store.meta['count'] if store.meta else u64(store.map, 0x10B0)
        print('%s, %d keys' % ('checkpoint' if store.meta else 'live page', count))
    elif verb == 'ls':
        for line in store.walk(describe):
            sys.stdout.buffer.write(line.encode() + b'\n')
    elif verb == 'dump':
        sys.stdout.buffer.writelines(dump(store))
    elif verb == 'log':
        for position, payload in store.frames():
            print('{"position":%d,"size":%d}' % (position, len(payload)))
    elif verb == 'get':
        found = store.get(0, os.fsencode(operands[0]))
        if not found:
            return 1
        kind, value = found
        sys.stdout.buffer.write(number_text(value).encode() + b'\n' if kind == 2 else value)
    return 0


if __name__ == '__main__':
    if len(sys.argv) != {'get': 4, 'ls': 3, 'log': 3, 'dump': 3, 'info': 3}.get(''.join(sys.argv[1:2])):
        sys.exit(__doc__.split('\n\n')[1])
    try:
        sys.exit(main(*sys.argv[1:]))
    except (Damaged, Overtaken, OSError) as error:
        print('shmfs_reader: %s: %s' % (sys.argv[2], error), file=sys.stderr)
        sys.exit(2)
