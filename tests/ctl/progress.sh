#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires tmux seq
# What a person sees: a session in tmux.  SHMFS_SCREENS=FILE keeps the screens.

: "${SHMFS_SCREENS:=$tmp/screens}"
tmux() { command tmux -L "shmfs-$$" -f /dev/null "$@"; }
cleanup 'tmux kill-server 2>/dev/null'
export TERM=screen ENV= PS1='$ '
tmux new-session -d -x 80 -y 12 "PS1='$ ' exec ${BASH:-/bin/sh}" 2>/dev/null || skip_all "needs tmux that starts"

screen() { tmux capture-pane -p; }
# keep SENTENCE: the screen as it is, for who wants to look
keep() {
	{
		printf -- '---- %s\n' "$1"
		screen | sed '/^$/d'
	} >>"$SHMFS_SCREENS"
}
type_line() { tmux send-keys -l "$1" && tmux send-keys Enter; }
shows() { screen | grep -qE -- "$1"; }
clear_screen() { tmux send-keys C-l; type_line clear; eventually not shows clear; }

seq 200000 | sed 's/$/ a frame of the log, long enough to fill a pipe again and again/' |
	shmfsctl append s.db
shmfsctl dump s.db whole

# ---- dump: a total is known -------------------------------------------------------------
bar='\[#+-+\]'
type_line "cd '$tmp'; clear"
type_line "shmfsctl dump s.db | while head -c 1000000 | grep -q .; do sleep 0.3; done"
check "dump shows how far it is, rate and time left" \
	eventually shows "^dump: [0-9]+ % $bar [0-9.]+ [kM]/s, [0-9]+:[0-9][0-9] left"
keep "dump, through a slow pipe"
percent() { screen | sed -n 's/^dump: \([0-9]*\) %.*/\1/p'; }
first=$(percent)
further() { now=$(percent); [ -n "$now" ] && [ "$now" -gt "${first:-100}" ]; }
check "and goes on" eventually further
check "in one line" eq "$(screen | grep -c '^dump: ')" 1
tmux send-keys C-c
check "a signal ends it, and takes the line away" eventually not shows '^dump: '
type_line "clear; shmfsctl dump s.db | { sleep 1.5; head -c 1000000 >head.out; sleep 1; }; echo over"
check "it is there again" eventually shows '^dump: '
check "and goes when nobody reads on" eventually shows '^over$'
check "without a word" eq "$(screen | grep -cE '^dump: |^shmfsctl: ')" 0
tmux resize-window -x 40 -y 12
type_line "clear; shmfsctl dump s.db | while head -c 1000000 | grep -q .; do sleep 0.3; done"
check "it fits a narrow terminal" eventually shows '^dump: [0-9]+ %( \[.*\])? [0-9.]+ [kM]/s, .* left$'
keep "on a terminal of 40 columns"
tmux send-keys C-c
eventually not shows '^dump: '
tmux resize-window -x 80 -y 12

# ---- load: of a pipe nobody knows how much there is ------------------------------------------
type_line clear
type_line "while head -c 1000000; do sleep 0.3; done <whole | shmfsctl load new.db"
check "load from a pipe shows how much, rate and time" \
	eventually shows "^load: [0-9.]+ [kM]B, [0-9.]+ [kM]B/s, [0-9]+:[0-9][0-9]"
keep "load, from a slow pipe"
tmux send-keys C-c
check "interrupted it says what became of it" eventually shows 'interrupted; no store was made'
check "in one line, and takes the other away" eq "$(screen | grep -c 'load: \|cut off')" 0
keep "load, interrupted"
check "(none was)" not test -e new.db

# ---- what is fast shows nothing -----------------------------------------------------------------
type_line clear
type_line "shmfsctl check s.db 2>&1 >/dev/null; echo status \$?"
eventually shows 'status 0'
check "what takes less than a second shows nothing" not shows 'check: '

# ---- an error and its hint; completion -------------------------------------------------------------
type_line clear
type_line "shmfsctl putt s.db greeting hello"
check "an error has a hint" eventually shows 'putt: no such verb; did you mean put\?'
keep "an error and its hint"
if command -v bash >/dev/null; then
	type_line "bash --norc --noprofile"
	type_line "PS1='\$ '; . '$top_srcdir/contrib/completion/shmfsctl.bash'; clear"
	eventually not shows noprofile
	tmux send-keys -l "shmfsctl com"
	tmux send-keys Tab
	check "a verb is completed" eventually shows '^\$ shmfsctl compact$'
	tmux send-keys C-u
	tmux send-keys -l "shmfsctl load --"
	tmux send-keys Tab Tab
	check "options are listed" eventually shows '^--edited +--'
	keep "completion in bash"
else
	skip "a verb is completed" "needs bash"
fi

# ---- every verb that takes long ---------------------------------------------------------------------
# A clock that runs fast makes them slow.
requires script
! sanitized || skip_all "needs LD_PRELOAD without a sanitizer"
cat >clock.c <<'X'
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A second of this clock is 10 microseconds. */
int clock_gettime(clockid_t id, struct timespec *t)
{
	int rc = (int)syscall(SYS_clock_gettime, id, t);
	static time_t start;

	if (id == CLOCK_MONOTONIC && !rc) {
		start = start ? start : t->tv_sec;
		t->tv_sec = (t->tv_sec - start) * 100000 + t->tv_nsec / 10000;
	}
	return rc;
}
X
"$CC" -shared -fPIC -o clock.so clock.c 2>/dev/null || skip_all "needs a shared library"
seq 20000 | sed 's/.*/bytes\tkey &\tvalue &/' | { printf 'shmfs-dump 1\n'; cat; } | shmfsctl load --edited keys.db
shmfsctl dump keys.db text
for line in "check keys.db" "check --lock keys.db" "check --repair keys.db" "copy keys.db keys2.db" "compact keys.db" \
	"dump keys.db text2" "load keys3.db text" "load --merge keys3.db text" \
	"export keys.db lines" "import keys4.db lines" "import --merge keys4.db lines"; do
	script -qec "LD_PRELOAD=$tmp/clock.so shmfsctl $line" /dev/null </dev/null >shown
	check "$line shows a bar" grep -qE "\[K[a-z ]+: [0-9]+ % $bar" shown
	check "(and takes it away)" eq "$(tr '\r' '\n' <shown | grep '\[K' | tail -n 1 | grep -c %)" 0
done
script -qec "LD_PRELOAD=$tmp/clock.so TERM=dumb shmfsctl check keys.db" /dev/null </dev/null >shown
check "on a dumb terminal there is none" eq "$(grep -c % shown)" 0
check "elsewhere than on a terminal there is none" \
	eq "$(LD_PRELOAD=$tmp/clock.so shmfsctl check keys.db 2>&1 | grep -c %)" 0
