#!/bin/sh
# No operation takes more instructions, nor misses the cache more often, than was recorded.
#
# Counts do not drift as times do: callgrind takes them of tests/gate/ops, on a store with a fixed
# seed, with a simulated first-level cache of 32 KiB (so a miss is a line that the operation has
# to fetch).  `limits.txt` holds what gcc 12 at -O2 on x86-64 took; 5 % more fails, 15 % with another
# gcc, and 10 % more misses.  Other compilers, flags and processors are not measured.
# To record new limits: tests/run.sh ../tests/gate/gate.sh --record
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires valgrind awk

limits=$top_srcdir/tests/gate/limits.txt
macros=$(echo | $CC $CFLAGS -dM -E - 2>/dev/null | awk '{print $2 "=" $3}')
is() {
	echo "$macros" | grep -qx "$1"
}
version=$(echo "$macros" | sed -n 's/^__GNUC__=//p')
sanitized && skip_all "takes a plain build"
[ -z "${SAN_FLAGS:-}" ] || skip_all "takes a plain build"
is __x86_64__=1 && ! is __clang__=1 || skip_all "limits are of gcc on x86-64"
case " $CFLAGS " in
*' -O2 '*) ;;
*) skip_all "limits are of -O2, not of $CFLAGS" ;;
esac
! is __AVX2__=1 && ! is __SSE4_2__=1 || skip_all "limits are of generic x86-64"
slack=5
[ "$version" = 12 ] || slack=15

# Of the functions gate_NAME, what calls to them cost, them included.
costs() {
	awk 'NR == FNR { n[$1] = $2; next }
		/^cfn=gate_/ {
			name = substr($0, 10)
			getline
			getline
			printf "%s %.1f %.2f\n", name, $2 / n[name], ($6 + $7) / n[name]
		}' operations out | sort
}

# The implementation that glibc picks of memcpy depends on the processor: the plainest.
measure() {
	without=-AVX2_Usable,-AVX2,-AVX_Fast_Unaligned_Load,-ERMS,-AVX512F,-AVX512VL
	GLIBC_TUNABLES=glibc.cpu.hwcaps=$without LD_BIND_NOW=1 "$LIBTOOL" --mode=execute valgrind -q --tool=callgrind --compress-strings=no \
		--collect-atstart=no --toggle-collect='gate_*' --cache-sim=yes --I1=32768,8,64 \
		--D1=32768,8,64 --LL=1048576,16,64 --callgrind-out-file=out \
		"$top_builddir/tests/gate/ops" store >operations 2>said || {
		cat said
		return 1
	}
	costs >costs
	[ "$(wc -l <operations)" = "$(wc -l <costs)" ] || {
		echo "callgrind did not tell all functions apart"
		return 1
	}
}

# within GOT LIMIT PERCENT WHAT
within() {
	awk -v got="$1" -v limit="$2" -v percent="$3" 'BEGIN { exit !(got <= limit * (1 + percent / 100)) }' || {
		echo "$1 $4, recorded were $2, and $3 % more are allowed"
		return 1
	}
}

# keeps NAME: it is within its limits
keeps() {
	read -r insns misses <<-EOF_
		$(sed -n "s/^$1 //p" costs)
	EOF_
	read -r insns_limit misses_limit <<-EOF_
		$(sed -n "s/^$1 //p" "$limits")
	EOF_
	[ -n "${insns:-}" ] && [ -n "${insns_limit:-}" ] || {
		echo "no such line in tests/gate/limits.txt: $1"
		return 1
	}
	within "$insns" "$insns_limit" $slack instructions && within "$misses" "$misses_limit" 10 "cache misses"
}

if [ "${1:-}" = --record ]; then
	check "callgrind counts what operations take" measure
	[ $test_failed = 0 ] || exit 1
	{ sed -n '/^#/p' "$limits"; cat costs; } >new && cp new "$limits"
	pass "limits recorded"
	exit
fi
check "callgrind counts what operations take" measure
[ $test_failed = 0 ] || exit 1
while read -r name _; do
	check "$name takes no more instructions and cache lines than recorded" keeps "$name"
done <operations
echo "# each operation: name, instructions, first-level cache misses"
sed 's/^/# /' costs
