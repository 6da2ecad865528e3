#!/bin/sh
# shmfs.hpp by each compiler that is there, with warnings as errors.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"

for cxx in g++ clang++; do
	if ! command -v $cxx >/dev/null ||
		! printf '#include <string_view>\nint main() {}\n' | $cxx -std=c++17 -x c++ - -o probe 2>/dev/null; then
		skip "shmfs.hpp by $cxx" "no $cxx"
		continue
	fi
	# What the build's own compiler took need not be known to this one.
	sanitize=
	case $(basename "${CC%% *}"):$cxx in gcc*:g++ | cc*:g++ | clang*:clang++) sanitize=$SAN_FLAGS ;; esac
	[ -z "${SAN_FLAGS:-}" ] || [ -n "$sanitize" ] || {
		skip "shmfs.hpp by $cxx" "sanitizers of another compiler"
		continue
	}
	# shellcheck disable=SC2086
	for standard in c++17 c++20; do
		check "shmfs.hpp by $cxx as $standard, without a warning" "$LIBTOOL" --quiet --tag=CC --mode=link \
			$cxx -std=$standard -O2 -g $sanitize -Wall -Wextra -Wshadow -Wconversion -Werror -pedantic \
			-I"$top_srcdir/contrib/cxx" -I"$top_srcdir/lib" "$top_srcdir/tests/install/cxx.cc" -o cxx \
			"$top_builddir/lib/libshmfs.la"
	done
	good=$cxx
	good_sanitize=$sanitize
	mkdir $cxx.dir
	# Its cases are cases of this test.
	./cxx $cxx.dir >cases
	status=$?
	sed "s/C++:/$cxx:/" cases
	check "the program of $cxx ends with success" eq $status 0
done

# ---- shmfspp(3) ---------------------------------------------------------------------------

[ -n "${good:-}" ] || exit
page=$top_srcdir/man/shmfspp.3
part() { # WHAT NAME: the text of the .Bd behind a line .\" WHAT NAME
	sed -n "/^\\.\\\\\" $1 $2\$/,/^\\.Ed\$/p" "$page" | sed -e '/^\./d' -e 's/\\e/\\/g' -e 's/\\&//g'
}
for program in tour setting; do
	part program $program >$program.cc
	part output $program | sort >wanted # the keys come in the order of a random hash
	# shellcheck disable=SC2086
	check "the manual's $program compiles without a warning" "$LIBTOOL" --quiet --tag=CC --mode=link \
		"$good" -std=c++17 $good_sanitize -Wall -Wextra -Werror -I"$top_srcdir/contrib/cxx" \
		-I"$top_srcdir/lib" $program.cc -o $program "$top_builddir/lib/libshmfs.la"
	check "and prints what the manual says" eq "$(./$program | sort)" "$(cat wanted)"
done
check "it has no other programs" eq "$(grep -c '^\.\\" program ' "$page")" 2

cat >methods.awk <<'X'
/^public:/ { public = 1 }
/^(private:|};)/ { public = 0 }
public && match($0, /^\t[a-z:][A-Za-z_:<>* &]*[ *&]([a-z_]+)\(/) {
	name = substr($0, RSTART, RLENGTH - 1)
	sub(/.*[ *&]/, "", name)
	if (name !~ /^(begin|end|bool)$/) # what a loop and an if call
		print name
}
X
cd "$top_srcdir/contrib/cxx" || exit 1
awk -f "$tmp/methods.awk" shmfs.hpp shmfspp/log.hpp shmfspp/map.hpp shmfspp/watch.hpp | sort -u >"$tmp/methods"
cd "$tmp" || exit 1
check "the headers have methods" test "$(wc -l <methods)" -gt 40
while read -r method; do
	grep -qE "^\.(It )?Fn (.* Fn )?$method\b" "$page" || echo "$method"
done <methods >unexplained
check "and shmfspp(3) explains each" eq "$(cat unexplained)" ""
