#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
[ -n "${MANDOC:-}" ] || skip_all "needs mandoc"

for page in "$top_srcdir"/man/*.[1-9]; do
	# Which other manuals are installed here says nothing about ours.
	"$MANDOC" -T lint -W style "$page" 2>&1 | grep -v -e 'referenced manual not found' \
		-e 'outdated mandoc.db' >complaints
	check "mandoc has no complaint about ${page##*/}" eq "$(cat complaints)" ""
	check "${page##*/} is in Makefile.inc.am" \
		grep -q "man/${page##*/}" "$top_srcdir/man/Makefile.inc.am"
done
