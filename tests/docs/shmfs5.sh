#!/bin/sh
# The offsets that shmfs(5) tells are those that format.h asserts.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
page=$top_srcdir/man/shmfs.5
format=$top_srcdir/lib/format.h

# rows SECTION: "offset name" of each row of its tables, the offset in decimal
rows() {
	sed -n "/^\\.Ss $1\$/,/^\\.Ss /s/^\\.It \\(0x[0-9a-f]*\\|[0-9]*\\) Ta /\\1 /p" "$page" |
		while read -r offset rest; do
			# the name is the first column, or the second behind the type
			rest=${rest#u[0-9]* Ta }
			echo "$((offset))" "${rest%% Ta *}"
		done
}

assert=0
while read -r structure field offset; do
	case $structure in
	sfs_super) section=Superblock ;;
	sfs_live) section="Live page" ;;
	sfs_logpage) section="Log page" ;;
	sfs_meta) section=Checkpoints ;;
	sfs_record) section=Records ;;
	*) continue ;;
	esac
	[ "$field" != boot ] || field=session # half of which it is
	assert=$((assert + 1))
	check "$section: $field is at $offset" grep -qx "$((offset)) $field" <<-END
	$(rows "$section")
	END
done <<END
$(sed -n 's/^SFS_AT(\([a-z_]*\), \([a-z_]*\), \([0-9a-fx]*\));$/\1 \2 \3/p' "$format")
END
check "format.h asserts where fields are" test "$assert" -gt 25

sed -n 's/^#define SFS_AT_[A-Z_]* \(0x[0-9a-f]*\)$/\1/p' "$format" >places
check "and where pages are" test "$(wc -l <places)" -ge 10
while read -r place; do
	check "the page has $place" grep -q "^\\.It $(printf '0x%05x' "$((place))") Ta " "$page"
done <places
