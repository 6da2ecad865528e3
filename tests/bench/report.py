#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make report.md and its plots of the JSON lines of a run of the benchmarks.

    report.py FIGURES.jsonl DIRECTORY [ABOUT.txt]

ABOUT.txt says what machine it was; it is quoted.  What was not measured has no section.
"""
import json
import os
import re
import sys

sys.dont_write_bytecode = True
import svg  # noqa: E402

PERCENTILES = ["p50", "p99", "p99.9", "max"]
NEEDED = {"work", "who", "ns", "ratio_to_floor", "ratio_to_us"}
GROWING = re.compile(r"put while growing to (\d+) keys")
GET_OF = re.compile(r"get, copy, of (\d+) keys")
SPACE = re.compile(r"space after (\d+) overwrites")
ORDER = ["load", "memcpy", "floor", "shmfs", "strict", "boost", "tkrzw", "tiny", "lmdb", "sqlite", "files",
         "write"]
BESIDE = "gets beside a writer"
MOUNT = "mount: "


def read(path):
    """One row for each work, peer, percentile or unit, and scale: the last one counts."""
    rows = {}
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
                missing = NEEDED - row.keys()
            except (ValueError, AttributeError) as error:
                sys.exit(f"report.py: {path}:{number}: not a figure: {error}")
            if missing:
                sys.exit(f"report.py: {path}:{number}: no {', '.join(sorted(missing))}")
            row["kind"] = row.get("percentile") or row.get("unit") or "ns"
            rows[row["work"], row["who"], row["kind"], row.get("scale")] = row
    if not rows:
        sys.exit(f"report.py: {path}: no figures")
    return list(rows.values())


def names(rows, field):
    return list(dict.fromkeys(row[field] for row in rows))


def peers_of(rows):
    """From memory alone to what is slowest; who is unknown comes last."""
    return sorted(names(rows, "who"), key=lambda who: ORDER.index(who) if who in ORDER else len(ORDER))


def human(n):
    for size, unit in ((10**6, " M"), (10**3, " K")):
        if n >= size:
            return f"{n / size:g}{unit}"
    return str(n)


def us(row):
    return row["ns"] / 1e3 if row["ns"] else None


def plain(work):
    """Its numbers in the short form."""
    return re.sub(r"\d{4,}", lambda match: human(int(match[0])), work)


def value_of(row):
    return row["ns"] if row["kind"] == "ns" else row.get("value")


class Report:
    def __init__(self, directory):
        self.directory, self.out = directory, []

    def say(self, *lines):
        self.out += [*lines, ""]

    def plot(self, name, alt, drawing):
        with open(os.path.join(self.directory, name), "w", encoding="utf-8") as file:
            file.write(drawing)
        self.say(f"![{alt}]({name})")

    def table(self, head, body):
        self.say("| " + " | ".join(head) + " |", "|" + "---|" * len(head),
                 *("| " + " | ".join(row) + " |" for row in body))

    def write(self):
        with open(os.path.join(self.directory, "report.md"), "w", encoding="utf-8") as file:
            file.write("\n".join(self.out))


def cell(row):
    """A figure and its ratio to the floor, or to the store where the floor has none."""
    if row is None or value_of(row) is None:
        return ""
    ratio, to = row["ratio_to_floor"], "floor"
    if not ratio:
        ratio, to = row["ratio_to_us"], "shmfs"
    if not ratio or row["who"] == to:
        return svg.short(value_of(row))
    return f"{svg.short(value_of(row))} ({ratio:.2f}x{'' if to == 'floor' else ' of shmfs'})"


def work_table(report, rows, show=cell):
    peers = peers_of(rows)
    at = {(row["work"], row["who"]): row for row in rows}
    report.table(["work", *peers], [[plain(work), *(show(at.get((work, who))) for who in peers)]
                                    for work in names(rows, "work")])


def groups(rows, value):
    """[(work, [(peer, value)])], for bars."""
    at = {(row["work"], row["who"]): row for row in rows}
    return [(work, [(who, value(at[work, who])) for who in peers_of(rows) if (work, who) in at])
            for work in names(rows, "work")]


def the_map(report, rows):
    rows = [r for r in rows
            if r["kind"] == "ns" and "keys" in r and r["ns"] and not GET_OF.match(r["work"])]
    for scale in sorted(set(names(rows, "scale"))):
        some = [r for r in rows if r["scale"] == scale]
        report.say(f"## The map, {human(scale)} keys")
        fewer = sorted({(r["who"], r["keys"]) for r in some if 64 < r["keys"] < scale})
        report.say("CPU time in ns for each operation, and how many times the floor's that is."
                   + "".join(f" {who} has only {human(keys)} keys." for who, keys in fewer))
        work_table(report, some)
        small = [r for r in some if not r["work"].startswith("64 KiB")]
        report.plot(f"map-{scale}.svg", "throughput by work and peer",
                    svg.bars(f"Throughput of one thread, {human(scale)} keys",
                             groups(small, lambda r: 1e3 / r["ns"]), "million operations a second"))


def sizes(report, rows):
    rows = [r for r in rows if r["work"].startswith("file bytes per") and value_of(r)]
    if not rows:
        return
    report.say("## Bytes per record")
    report.say("What the file system has given the file, after loading, for each record.")
    rows = [dict(r, work=f"{human(r['scale'])} keys") for r in rows]
    work_table(report, rows)
    report.plot("bytes.svg", "bytes per record by peer",
                svg.bars("Bytes of file for each 116-byte record", groups(rows, value_of), "bytes"))


def by_size(rows, pattern, value):
    """[(peer, [(number in the work, value)])]"""
    series = {}
    for row in rows:
        match = pattern.fullmatch(row["work"])
        if match and value(row):
            series.setdefault(row["who"], []).append((int(match[1]), value(row)))
    return [(who, sorted(series[who])) for who in peers_of(rows) if who in series]


def percentile_table(report, rows, column):
    at = {(r["work"], r["who"], r["kind"]): r for r in rows}
    body = []
    for work in names(rows, "work"):
        for who in peers_of([r for r in rows if r["work"] == work]):
            cells = [at.get((work, who, p)) for p in PERCENTILES]
            body.append([plain(work), who, *(svg.short(us(c)) if c and c["ns"] else "" for c in cells)])
    report.table([column, "peer", *(f"{p}, us" for p in PERCENTILES)], body)


def growth(report, rows):
    tails = [r for r in rows if r["kind"] in PERCENTILES and r["work"].startswith("put while growing")]
    gets = by_size(rows, GET_OF, lambda r: r["ns"])
    if not tails and not gets:
        return
    report.say("## Growing")
    if tails:
        report.say("Wall time of single puts, by decade, into a store that was not told how many keys come.")
        percentile_table(report, tails, "puts")
        ours = [(p, points) for p in PERCENTILES
                for who, points in by_size([r for r in tails if r["kind"] == p], GROWING, us)
                if who == "shmfs"]
        if ours:
            report.plot("puts.svg", "percentiles of a put while growing",
                        svg.lines("A put of shmfs while growing", ours, "keys", "us"))
        peers = by_size([r for r in tails if r["kind"] == "p99.9"], GROWING, us)
        if peers:
            report.plot("puts-peers.svg", "p99.9 of a put by peer",
                        svg.lines("p99.9 of a put while growing", peers, "keys", "us"))
    if gets:
        report.plot("growth.svg", "get by number of keys",
                    svg.lines("A get as the store grows", gets, "keys", "ns of CPU time"))


def beside(report, rows):
    tails = [r for r in rows if r["work"] == BESIDE + ", tail"]
    rates = [r for r in rows if r["work"] in (BESIDE, "puts of that writer") and value_of(r)]
    again = [r for r in rows if r["work"] == BESIDE + ", done again"]
    if not rates:
        return
    report.say("## A reader beside a writer")
    report.say("Two processes; millions a second.")
    work_table(report, rates)
    for row in again:
        report.say(f"Of a million gets, {row['who']} did {row['value']:g} again because of the writer.")
    percentile_table(report, tails, "gets")
    report.plot("beside.svg", "rates of a reader beside a writer",
                svg.bars("A reader beside a writer", groups(rates, value_of), "million a second"))


def space(report, rows):
    rows = [r for r in rows if r["kind"] == "MiB" and r["work"].startswith("space")]
    if not rows:
        return
    report.say("## Space")
    report.say("MiB the file system has given the file. An overwrite is as many puts as there are keys,"
               " each of a random one.")
    work_table(report, rows, lambda r: svg.short(r["value"]) if r else "")
    few = {r["who"] for r in rows if r["keys"] < r["scale"]}
    series = by_size([r for r in rows if r["who"] not in few], SPACE, value_of)
    series = [(who, [p for p in points if p[0] > 0]) for who, points in series]
    series = [(who, points) for who, points in series if points]
    promise = next((r["value"] for r in rows if r["work"].startswith("space promised")), None)
    if promise and series:
        last = max(p[0] for _, points in series for p in points)
        series.append(("promise", [(1, promise), (last, promise)]))
    if series:
        report.plot("space.svg", "file size under overwrites",
                    svg.lines("The file under overwrites", series, "overwrites of all keys", "MiB",
                              dashed=("promise",)))


def the_log(report, rows):
    rows = [r for r in rows if "keys" not in r]
    works = [r for r in rows if r["kind"] == "ns" and r["ns"]]
    tails = [r for r in rows if r["kind"] in PERCENTILES]
    if not rows:
        return
    report.say("## The log, 64-byte frames")
    report.say("CPU time in ns for each frame; the floor is a log that neither grows nor survives a"
               " kill. Of *write*, a file that is only appended to, no memory is recycled.")
    if works:
        work_table(report, works)
        report.plot("log.svg", "throughput of the log",
                    svg.bars("Throughput of the log", groups(works, lambda r: 1e3 / r["ns"]),
                             "million frames a second"))
    if tails:
        percentile_table(report, tails, "from append to the reader")


def the_mount(report, rows):
    rows = [dict(r, work=r["work"].removeprefix(MOUNT)) for r in rows if r["work"].startswith(MOUNT)]
    if not rows:
        return
    report.say("## The mount")
    report.say("Wall time in us, of reading GB/s; the floor is tmpfs, *strict* a mount that caches nothing."
               f" {human(rows[0]['keys'])} keys.")
    work_table(report, rows)


def durable(report, rows):
    rows = [r for r in rows if r["work"] == "put and sync on disk"]
    if rows:
        report.say("## A put and its sync on a disk")
        report.say("Wall time in us; the floor writes one page and waits for the disk.")
        work_table(report, rows)


def main(arguments):
    if len(arguments) not in (2, 3):
        sys.exit(__doc__)
    rows = read(arguments[0])
    os.makedirs(arguments[1], exist_ok=True)
    report = Report(arguments[1])
    report.say("# Figures of shmfs and its peers")
    if len(arguments) == 3:
        with open(arguments[2], encoding="utf-8") as file:
            report.say("```", file.read().strip(), "```")
    report.say("Each figure is the median of short rounds in which the peers took turns, a ratio the"
               " median of the rounds' ratios. *floor* is the fastest thing that could do the work,"
               " without growth or crash safety; *memcpy* only copies to and from known places in"
               " memory, *load* only waits for one word of it; *tiny* (Tkrzw's TinyDBM) is the memory"
               " of one process, no store.")
    for section in (the_map, sizes, growth, beside, space, the_log, the_mount,
                    durable):
        section(report, rows)
    report.write()


if __name__ == "__main__":
    main(sys.argv[1:])
