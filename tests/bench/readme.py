#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Put the figures of a run into README.md: its tables, and plots of some in docs/.

    readme.py BENCH-REPORT README.md ABOUT.txt

BENCH-REPORT is a directory with figures.jsonl.  In README.md what is between two
comments, <!-- figures --> and <!-- end of figures -->, is replaced.
"""
import os
import sys

sys.dont_write_bytecode = True
import report  # noqa: E402
import svg  # noqa: E402

BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->"
BESIDE = (report.BESIDE, "puts of that writer")
DRAWN = ["get, copy", "overwrite", "insert into a new store", "delete"]
PEERS = {"floor": "floor", "lmdb": "LMDB", "boost": "Boost", "tkrzw": "Tkrzw", "sqlite": "SQLite",
         "files": "files"}

# What a reader of README.md asks, and the work and unit that answer it.
MAP = [
    ("get", "get, copy", "ns"), ("get of a missing key", "get, miss", "ns"),
    ("insert", "insert into a new store", "ns"), ("overwrite", "overwrite", "ns"),
    ("delete", "delete", "ns"), ("walk, each key", "iterate, each", "ns"),
    ("get beside a process that puts", "gets beside a writer", "M/s"),
    ("the slowest of 1000 of those gets", "gets beside a writer, tail", "p99.9"),
    ("that process's puts", "puts of that writer", "M/s"),
    ("append a frame of 64 bytes", "append 64 B, fresh memory", "ns"),
    ("the same, read by another process", "stream to a reader, fresh memory", "ns"),
    ("the longest of the puts of 1 M keys", "put while growing, in all", "max"),
    ("put and sync, on a disk", "put and sync on disk", "us"),
    ("bytes of file for a record of 116", "file bytes per 116-byte record", "bytes"),
    ("the file when each was put 5 times more", "space after 5 overwrites", "MiB"),
]
MOUNT = [
    ("stat", "stat"), ("stat of a missing key", "stat of a missing key"),
    ("read of an open file", "pread, open file"), ("open, read, close", "open, read, close"),
    ("`echo v > k`", "echo v > k"), ("append 64 bytes to the log", "append 64 B to the log"),
    ("list, for each name", "readdir, for each name"), ("read 1 GiB", "read 1 GiB by 1 MiB"),
]


def ratio(value):
    return "" if value is None else f"{value:.1f}" if value < 10 else f"{value:.0f}"


def longer(row, by):
    """How many times as long it takes as what it is compared with."""
    if row is None or not row[by]:
        return None
    return 1 / row[by] if row["kind"].endswith("/s") else row[by]


def absolute(row):
    ns = 1e3 / row["value"] if row["kind"] == "M/s" else row["ns"]
    for unit, size in ("ms", 1e6), ("us", 1e3), ("ns", 1):
        if ns and ns >= size:
            return f"{svg.short(ns / size)} {unit}"
    return f"{svg.short(row['value'])} {row['kind']}".removesuffix(" bytes")


def map_table(at):
    out = ["| | shmfs | " + " | ".join(PEERS.values()) + " |", "|---|" + "--:|" * (1 + len(PEERS))]
    for name, work, kind in MAP:
        ours = at.get((work, "shmfs", kind))
        if ours:
            # one file for each key, or one that is appended to
            peers = [at.get((work, who, kind)) for who in PEERS]
            peers[-1] = peers[-1] or at.get((work, "write", kind))
            out.append(f"| {name} | {absolute(ours)} | "
                       + " | ".join(ratio(longer(p, "ratio_to_us")) for p in peers) + " |")
    return out


def mount_table(at):
    out = ["| through the mount | tmpfs | shmfs | `cache=strict` |", "|---|--:|--:|--:|"]
    for name, work in MOUNT:
        for kind in ("us", "GB/s"):
            floor = at.get((report.MOUNT + work, "floor", kind))
            if floor:
                peers = [at.get((report.MOUNT + work, who, kind)) for who in ("shmfs", "strict")]
                out.append(f"| {name} | {absolute(floor)} | "
                           + " | ".join(ratio(longer(p, "ratio_to_floor")) for p in peers) + " |")
    return out if len(out) > 2 else []


def plots(at, rows, scale, docs):
    """Less than the report has: what can be taken in at a glance."""
    groups = [(work, [(who, 1e3 / at[work, who, "ns"]["ns"]) for who in ["shmfs", *PEERS]
                      if (work, who, "ns") in at]) for work in DRAWN]
    beside = report.groups([r for r in rows if r["work"] in BESIDE], report.value_of)
    for name, title, bars, unit in (
            ("map.svg", f"One thread, {report.human(scale)} keys", groups,
             "million operations a second"),
            ("beside.svg", "A reader beside a writer", beside, "million a second")):
        if any(group for _, group in bars):
            with open(os.path.join(docs, name), "w", encoding="utf-8") as file:
                file.write(svg.bars(title, bars, unit))


def main(arguments):
    if len(arguments) != 3:
        sys.exit(__doc__)
    directory, readme, about = arguments
    rows = report.read(os.path.join(directory, "figures.jsonl"))
    scale = min((r["scale"] for r in rows if r.get("scale")), default=None)
    if not scale:
        sys.exit(f"readme.py: {directory} has no figures of the map")
    rows = [r for r in rows if r.get("scale") in (scale, None)]
    at = {(r["work"], r["who"], r["kind"]): r for r in rows}
    with open(about, encoding="utf-8") as file:
        machine = [line.strip() for line in file]
    with open(readme, encoding="utf-8") as file:
        before, found, rest = file.read().partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        sys.exit(f"readme.py: {readme} has no {BEGIN.strip()} and {END}")
    text = [*map_table(at), "", *mount_table(at), "",
            f"{machine[2]}, {machine[3].split(',')[0]}, {machine[0]}.", ""]
    docs = os.path.join(os.path.dirname(os.path.abspath(readme)), "docs")
    os.makedirs(docs, exist_ok=True)
    plots(at, rows, scale, docs)
    with open(readme, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + "\n".join(text) + END + after)


if __name__ == "__main__":
    main(sys.argv[1:])
