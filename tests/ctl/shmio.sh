#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
# Logs of shmio, in and out.  shmio.py writes and reads them by the format alone.
requires python3
shmio() { python3 "$top_srcdir/tests/ctl/shmio.py" "$@"; }
import() { shmfsctl import --format=shmio "$@"; }
export_log() { shmfsctl export --format=shmio "$@"; }
nothing_left() { eq "$(ls -A | grep -c '^new')" 0; }
seed=${SHMIO_SEED:-$$}
echo "# SHMIO_SEED=$seed"

# ---- there and back --------------------------------------------------------------------------

shmio make log "$seed" 400
cp log before
made=$(stat -c '%y %s %i' log)
check "import tells how many frames there were" eq "$(import s.db log)" "frames 400"
shmfsctl tail --format=json s.db >frames
check "every frame is what an independent reader reads" shmio compare log <frames
check "export tells how many" eq "$(export_log s.db out)" "frames 400"
check "and writes the same bytes" cmp out log
check "to standard output too" sh -c 'shmfsctl export --format=shmio s.db 2>count | cmp - log'
check "and the count to standard error" eq "$(cat count)" "frames 400"
check "with --json it is an object" eq "$(export_log --json s.db out)" '{"frames":400}'
check "from a pipe it makes the same" eq "$(cat log | import p.db)" "frames 400"
shmfsctl export --format=shmio p.db again 2>/dev/null >&2
check "as its export shows" cmp again log
check "the source was not written to" cmp log before
check "nor touched" eq "$(stat -c '%y %s %i' log)" "$made"
check "the store is sound" shmfsctl check s.db
chmod 0440 log
check "it need not be writable" eq "$(import new.db log)" "frames 400"
check "and the store is for whom the log was" eq "$(stat -c %a new.db)" 440
rm -f new.db
if has_nobody; then
	mkdir -m 777 open
	chmod 444 log
	check "... nor opened for writing" eq "$(nobody "$SHMFSCTL" import --format=shmio open/new.db log)" "frames 400"
else
	skip "... nor opened for writing" "needs root, and setpriv"
fi
# More behind the end than a read and a pipe hold.
shmio make roomy "$seed" 400 3000000
check "room behind the end is not looked at" eq "$(import new.db roomy)" "frames 400"
check "nor waited for in a pipe that has more" sh -c 'rm new.db
	{ cat roomy && echo sent >told; } | shmfsctl import --format=shmio new.db >/dev/null && test -s told'
export_log --size="$(wc -c <roomy)" new.db out >/dev/null
check "--size gives it back" cmp out roomy
check "less than the frames take is refused" exits 2 export_log --size=1K new.db out
check "... and leaves what was there" cmp out roomy
check "--size is for files" fails_with "--size is for a file" \
	sh -c '{ shmfsctl export --format=shmio --size=1G new.db || kill $$; } | cat'
rm new.db
shmio make none 1 0
check "a log without frames is one" eq "$(import new.db none)" "frames 0"
check "... and back" sh -c 'shmfsctl export --format=shmio new.db out && cmp out none'
rm new.db

# ---- into a store with a log ---------------------------------------------------------------------

shmio words two one two
shmfsctl append m.db zero
check "a store that is there is refused" fails_with "import --merge" import m.db two
check "--merge appends" eq "$(import --merge m.db two)" "frames 2"
check "behind what is there" eq "$(shmfsctl tail m.db | tr '\n' ' ')" "zero one two "
head -c 30 two >cut
check "of a damaged file nothing is" fails_with "frame 1" import --merge m.db cut
check "as is" eq "$(shmfsctl stat m.db | grep '^log_frames ')" "log_frames 3"
check "two exports of it are the same" sh -c 'shmfsctl export --format=shmio m.db a && shmfsctl export --format=shmio m.db b && cmp a b'
shmfsctl trim m.db end

# ---- damage --------------------------------------------------------------------------------------

shmio words small '' a bc 'four' 'seventeen letters'
mkdir damaged
shmio damage small damaged
wrong=0 cases=0
while IFS=$(printf '\t') read -r name kept text; do
	cases=$((cases + 1))
	cp damaged/"$name" case
	said=$(import new.db case 2>&1)
	status=$?
	if [ "$kept" != - ]; then
		[ "$status $said" = "0 frames $kept" ] || { wrong=$((wrong + 1)) && echo "# $name: $said, not $kept"; }
		rm -f new.db
	else
		case $said in
		"shmfsctl: case: "*"$text"*) [ $status = 2 ] ;;
		*) false ;;
		esac || { wrong=$((wrong + 1)) && echo "# $name: $status $said, not $text"; }
		[ ! -e new.db ] || { wrong=$((wrong + 1)) && echo "# $name: a store was made"; }
	fi
	cmp -s case damaged/"$name" || { wrong=$((wrong + 1)) && echo "# $name: was written to"; }
done <damaged/list
check "each field damaged, each end, each cut: the first bad frame is named" eq "$wrong $((cases > 200))" "0 1"
check "and nothing is left" nothing_left
while IFS=$(printf '\t') read -r name kept text; do
	# A few of them through a pipe.
	[ $((${name#"${name%%[!0]*}"}0 % 70)) = 0 ] || continue
	said=$(cat damaged/"$name" | import new.db 2>&1)
	case "$kept $said" in
	"- shmfsctl: standard input: "*"$text"* | "$kept frames $kept") ;;
	*) fail "through a pipe $name is the same" "$said" ;;
	esac
	rm -f new.db
done <damaged/list
check "and through a pipe" nothing_left

# ---- frames that are too long ----------------------------------------------------------------------

shmfsctl append l.db first
head -c 65531 /dev/urandom | shmfsctl append --raw l.db
check "a frame of 65531 bytes goes out" eq "$(export_log l.db out)" "frames 2"
check "... and in" eq "$(import new.db out)" "frames 2"
shmfsctl tail --format=json l.db >frames
check "... and is whole" shmio compare out <frames
rm new.db
head -c 65532 /dev/urandom | shmfsctl append --raw l.db
position=$(shmfsctl tail --format=json --from=-1 l.db | sed 's/{"position":\([0-9]*\).*/\1/')
cp out before
export_log l.db out 2>said
check "one of 65532 is refused, by number and position" \
	eq "$? $(grep -c "^shmfsctl: l.db: frame 3, at position $position, has 65532 bytes" said)" "2 1"
check "the file that was there is as it was" cmp out before
check "nothing goes to standard output" eq "$(export_log l.db 2>/dev/null | wc -c)" 0
check "and none is made" sh -c '! shmfsctl export --format=shmio l.db newout 2>/dev/null && ! test -e newout'
