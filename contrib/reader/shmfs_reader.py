#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Read a shmfs store without the library.

    shmfs_reader.py ls STORE        a JSON object a line: key or key_base64,
                                    type, size, version
    shmfs_reader.py get STORE KEY   the value; KEY is the word's bytes
    shmfs_reader.py log STORE       a JSON object a line: position and size
                                    of each frame
    shmfs_reader.py cursors STORE   a JSON object a line: name or name_base64,
                                    position
    shmfs_reader.py dump STORE      all of it as text, shmfs-dump(5)
    shmfs_reader.py info STORE      what is read, and from where

Only the standard library; never writes to the store.  Compares checksums,
but for what is longer than 64 KiB.  The exit status is 0; 1 if there is no
such key; 2 if something is wrong.
"""
import base64
import json
import os
import signal
import sys

from shmfs_dump import TYPES, dump, number_text
from shmfs_store import Damaged, Overtaken, Store
from xxh3 import u64


VERBS = {'ls': 1, 'get': 2, 'log': 1, 'cursors': 1, 'dump': 1, 'info': 1}  # and how many operands


def named(field, name, **others):
    try:
        entry = {field: name.decode()}
    except UnicodeDecodeError:
        entry = {field + '_base64': base64.b64encode(name).decode()}
    return json.dumps({**entry, **others}, ensure_ascii=False, separators=(',', ':')).encode() + b'\n'


def describe(record):
    return named('key', record.key, type=TYPES.get(record.type, 'unknown'), size=record.size,
                 version=record.seq)


def main(verb, path, *operands):
    store, out = Store(path), sys.stdout.buffer
    if verb == 'info':
        count = store.meta['count'] if store.meta else u64(store.map, 0x10B0)
        print('%s, %d keys' % ('checkpoint' if store.meta else 'live page', count))
    elif verb == 'ls':
        out.writelines(store.walk(describe))
    elif verb == 'dump':
        out.writelines(dump(store))
    elif verb == 'log':
        for position, payload in store.frames():
            print('{"position":%d,"size":%d}' % (position, len(payload)))
    elif verb == 'cursors':
        out.writelines(named('name', name, position=at) for name, at in sorted(store.cursors()))
    elif verb == 'get':
        found = store.get(0, os.fsencode(operands[0]))
        if not found:
            print('shmfs_reader: %s: no such key: %s' % (path, operands[0]), file=sys.stderr)
            return 1
        kind, value = found
        out.write(number_text(value).encode() + b'\n' if kind == 2 else value)
    return 0


def run(words):
    if words in (['--help'], ['-h'], ['help']):
        print(__doc__.strip())
        return 0
    if len(words) - 1 != VERBS.get(''.join(words[:1])):
        print(__doc__.split('\n\n')[1], file=sys.stderr)
        return 2
    try:
        return main(*words)
    except (Damaged, Overtaken) as error:
        text = error
    except OSError as error:
        text = error.strerror
    print('shmfs_reader: %s: %s' % (words[1], text), file=sys.stderr)
    return 2


if __name__ == '__main__':
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(run(sys.argv[1:]))
