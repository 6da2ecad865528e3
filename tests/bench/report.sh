#!/bin/sh
# The report of figures that were made up (sample.jsonl), not measured.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires python3
here=$top_srcdir/tests/bench

report() {
	python3 "$here/report.py" "$@"
}

has() {
	grep -qF -e "$1" out/report.md || {
		cat out/report.md
		return 1
	}
}

# Every plot: XML, with a size, no number that is none, and a link to it in the report.
plots_are_well() {
	python3 - <<-'END'
		import glob, sys
		from xml.dom.minidom import parse
		report = open("out/report.md").read()
		plots = glob.glob("out/*.svg")
		for name in plots:
		    root = parse(name).documentElement
		    assert root.tagName == "svg" and root.hasAttribute("viewBox"), name
		    assert "nan" not in open(name).read(), name
		    assert f"({name[4:]})" in report, name
		sys.exit(len(plots) < 8)
	END
}

echo "a machine, at rest" >about
check "a report is made" report "$here/sample.jsonl" out about
check "it says on what machine it was" has "a machine, at rest"
check "it has a row for each work, with ratios to the floor" has \
	"| get, copy | 100 | 150 (1.50x) | 1000 (10.00x) | 5000 (50.00x) |"
check "and to the store where there is no floor" has "| get, view |  | 120 |  |  |"
check "each size of the map has a section" has "## The map, 10 M keys"
check "it says who was given fewer keys" has "sqlite has only 100 K keys"
check "percentiles are in a table" has "| put while growing to 1 M keys | shmfs | 0.8 | 3.2 | 20 | 160 |"
check "space is" has "| space after 100 overwrites | 260 |"
check "the log is" has "| append 64 B, recycled memory | 6 | 24 (4.00x) | 600 (100.00x) |"
check "the mount is, beside tmpfs" has "| stat | 1 | 1.2 (1.20x) | 18 (18.00x) |"
check "gets done again are told" has "shmfs did 40 again"
check "the plots are well-formed, and in the report" plots_are_well
check "a plot can be read on light and dark" grep -q "prefers-color-scheme:dark" out/growth.svg

grep '"append' "$here/sample.jsonl" >log.jsonl
check "a report of a part" report log.jsonl out
check "has no section of what was not measured" not has "## Growing"

echo '{"work":"get","who":"shmfs","ns":1}' >>log.jsonl
check "a figure without its ratios is refused, by line" fails_with "log.jsonl:4: no ratio_to_floor" \
	report log.jsonl out
echo 'get 1 ns' >log.jsonl
check "so is a line that is no figure" fails_with "log.jsonl:1: not a figure" report log.jsonl out
: >log.jsonl
check "so is a run without figures" fails_with "no figures" report log.jsonl out
check "no byte code is left beside the sources" not test -e "$here/__pycache__"

# README.md's tables and plots, of the same figures.
printf '%s\n' before '<!-- figures -->' old '<!-- end of figures -->' after >README.md
printf '%s\n' "today, shmfs 1" system "a processor" "9 processors, load" >about
readme() {
	python3 "$here/readme.py" out README.md about
}
report "$here/sample.jsonl" out about
cp "$here/sample.jsonl" out/figures.jsonl
check "the figures are put into README.md" readme
check "each as how many times as long it takes elsewhere" grep -qF "| get | 150 ns | 0.7 | 6.7 |" README.md
check "a rate too" grep -q "^| get beside a process that puts | [0-9.]* ns | " README.md
check "those of the mount beside tmpfs" grep -qF "| stat | 1 us | 1.2 | 18 |" README.md
check "in place of the old ones" not grep -q old README.md
check "and of nothing else" eq "$(sed -n '1p;$p' README.md | tr '\n' ' ')" "before after "
cp README.md once
readme
check "twice is the same as once" cmp once README.md
check "the plots it shows are there" test -s docs/map.svg -a -s docs/beside.svg
cp out/figures.jsonl all.jsonl
grep '"append ' all.jsonl >out/figures.jsonl
check "a run of the log alone is refused" fails_with "no figures of the map" readme
check "and changes nothing" cmp once README.md
cp all.jsonl out/figures.jsonl
echo nothing >README.md
check "a file without their place is refused" fails_with "<!-- figures -->" readme
check "and left as it is" eq "$(cat README.md)" nothing
