# Sourced by every shell test, first thing:
#
#	. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
#	requires fuse jq
#	mount_store s.db m
#	check "a value comes back as it was written" eq "$(cat m/keys/a)" 42
#
# The test then stands in an empty directory of its own, $tmp, removed at the end with
# every mount in it.  The exit status is that of the cases: a test need not keep count.

set -u
test_name=$(basename "$0" .sh)
test_failed=0
test_cases=0
test_skips=0
test_cleanup=
tmp=$(mktemp -d "${SHMFS_TEST_DIR:-${TMPDIR:-/tmp}}/shmfs-$test_name-XXXXXX") || exit 99
cd "$tmp" || exit 99

# ---- cases -------------------------------------------------------------------

# check SENTENCE COMMAND...: the command must succeed.  Its output is shown if it does not.
check() {
	test_sentence=$1
	shift
	if "$@" >"$tmp/.out" 2>&1; then
		pass "$test_sentence"
	else
		fail "$test_sentence" "exit status $? of: $(printf '%.90s' "$*" | head -n 1)"
		sed 's/^/#   /' "$tmp/.out"
	fi
}

pass() {
	test_cases=$((test_cases + 1))
	printf 'ok - %s\n' "$1"
}

# fail SENTENCE [WHY]
fail() {
	test_cases=$((test_cases + 1))
	test_failed=$((test_failed + 1))
	printf 'not ok - %s\n' "$1"
	[ $# -lt 2 ] || printf '%s\n' "$2" | sed 's/^/# /'
}

# skip SENTENCE WHY: one case; skip_all WHY: the rest of the test.
skip() {
	test_cases=$((test_cases + 1))
	test_skips=$((test_skips + 1))
	echo "skip - $1: $2"
}

skip_all() {
	skip "$test_name" "$1"
	exit 77
}

# Is a sanitizer built in?  It takes terabytes of address space and slows things down.
sanitized() {
	case ${SAN_FLAGS:-} in *-fsanitize=[at]*) true ;; *) false ;; esac
}

# nobody COMMAND...: as a user who owns nothing, if has_nobody.
nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# has_nobody: are we root, and may such a user run our programs?  If the build is below a directory
# that others may not enter, as /root is, from now on copies of them are run.
has_nobody() {
	[ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && chmod 755 "$tmp" || return
	nobody "$SHMFSCTL" --version >/dev/null 2>&1 && return
	mkdir -p -m 755 "$tmp/.bin" &&
		"$LIBTOOL" --silent --mode=install cp "$SHMFSCTL" ${SHMFS:+"$SHMFS"} "$tmp/.bin" 2>/dev/null &&
		cp -L "$top_builddir"/lib/.libs/libshmfs.so.* "$tmp/.bin" || return
	SHMFSCTL=$tmp/.bin/shmfsctl SHMFS=${SHMFS:+$tmp/.bin/shmfs} PATH=$tmp/.bin:$PATH
	export LD_LIBRARY_PATH="$tmp/.bin${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
	nobody "$SHMFSCTL" --version >/dev/null 2>&1
}

# requires WHAT...: skip_all unless each is there: root, nobody, fuse (a mount can be made), or a
# command.
requires() {
	for test_need in "$@"; do
		case $test_need in
		root) [ "$(id -u)" = 0 ] || skip_all "needs root" ;;
		nobody) has_nobody || skip_all "needs root, setpriv, and programs that others may run" ;;
		fuse) test_can_mount ;;
		*) command -v "$test_need" >/dev/null || skip_all "needs $test_need" ;;
		esac
	done
}

test_can_mount() {
	[ -n "$SHMFS" ] || skip_all "needs shmfs, configured --without-fuse"
	[ -r /dev/fuse ] && [ -w /dev/fuse ] || skip_all "needs /dev/fuse"
	command -v fusermount3 >/dev/null || skip_all "needs fusermount3"
	# before there is a mount that may hang: the way to end it
	[ ! -e /sys/fs/fuse/connections ] || mountpoint -q /sys/fs/fuse/connections ||
		mount -t fusectl fusectl /sys/fs/fuse/connections 2>/dev/null
}

# ---- what check calls ----------------------------------------------------------

# eq GOT WANTED
eq() {
	[ "$1" = "$2" ] || {
		printf 'got:    %s\nwanted: %s\n' "$1" "$2"
		return 1
	}
}

not() {
	if "$@"; then return 1; fi
}

# fails_with TEXT COMMAND...: the command fails and says TEXT on standard error.
fails_with() {
	test_text=$1
	shift
	if "$@" 2>"$tmp/.err"; then
		echo "succeeded"
		return 1
	fi
	grep -qF -e "$test_text" "$tmp/.err" || {
		echo "said, without '$test_text':"
		cat "$tmp/.err"
		return 1
	}
}

# exits STATUS COMMAND...
exits() {
	test_wanted=$1
	shift
	"$@"
	eq $? "$test_wanted"
}

# eventually COMMAND...: it succeeds within 10 seconds.
eventually() {
	test_tries=0
	until "$@"; do
		test_tries=$((test_tries + 1))
		[ $test_tries -lt 200 ] || return 1
		sleep 0.05
	done
}

# ---- mounts ------------------------------------------------------------------

# mount_store STORE DIR [OPTION...]: makes DIR, mounts, and unmounts at the end.
mount_store() {
	test_store=$1
	mkdir -p "$2"
	test_dir=$(realpath "$2")
	shift 2
	cleanup "unmount '$test_dir'"
	"$SHMFS" "$test_store" "$test_dir" "$@" || return
	mount_guard "$test_dir"
}

# mount_shown STORE DIR: the same, with every request to the daemon shown in the file "requests".
mount_shown() {
	mkdir -p "$2"
	test_dir=$(realpath "$2")
	"$SHMFS" -f -d "$1" "$test_dir" >requests 2>&1 &
	cleanup "unmount '$test_dir'; wait $!"
	eventually mounted "$2" || {
		fail "a mount comes up" "$(cat requests)"
		exit 1
	}
	mount_guard "$test_dir"
}

# mount_guard DIR: if this mount still stands in $guard_seconds (5 minutes) something waits for ever,
# in a sleep that no signal ends: abort the connection, so that what hangs fails instead, and
# have the test fail with what the daemon was doing.
mount_guard() {
	test_connection=$(connection_of "$1")
	[ -n "$test_connection" ] || return 0
	(
		test_seconds=0
		while [ $test_seconds -lt "${guard_seconds:-300}" ] && kill -0 $$ 2>/dev/null; do
			sleep 1
			test_seconds=$((test_seconds + 1))
		done
		[ "$(connection_of "$1")" = "$test_connection" ] || exit
		test_daemon=$(daemon_of "$1")
		mount_state "$1" "$test_daemon" >"$tmp/.stuck"
		echo 1 >"/sys/fs/fuse/connections/$test_connection/abort"
		# Without permission to abort, and for a daemon that is stopped.
		[ -z "$test_daemon" ] || kill -9 "$test_daemon"
	) >/dev/null 2>&1 </dev/null &
}

# mount_state DIR DAEMON: for whoever has to find out why it hangs.
mount_state() {
	echo "$1 stood after ${guard_seconds:-300} seconds and was aborted, with" \
		"$(cat "/sys/fs/fuse/connections/$(connection_of "$1")/waiting") requests waiting"
	for test_task in /proc/"${2:-none}"/task/[0-9]*; do
		[ -d "$test_task" ] || echo "its daemon is gone"
		awk '/^(Name|State|Pid):/ { $1 = ""; printf "%s", $0 }' "$test_task/status"
		echo " in $(cat "$test_task/wchan")"
	done
}

# connection_of DIR: the number of the mount there, if there is one
connection_of() {
	awk -v dir="$1" '$5 == dir { split($3, n, ":"); print n[2] }' /proc/self/mountinfo
}

# daemon_of DIR: the process that serves it, if it was given the absolute path: other tests
# run at the same time.
daemon_of() {
	test_dir=$(realpath "$1" 2>/dev/null || echo "$tmp/$1")
	for test_process in /proc/[0-9]*; do
		case $(cat "$test_process/comm" 2>/dev/null) in
		shmfs* | lt-shmfs*) ;;
		*) continue ;;
		esac
		{ tr '\0' '\n' <"$test_process/cmdline"; } 2>/dev/null | grep -qxF -e "$test_dir" || continue
		echo "${test_process#/proc/}"
		return
	done
	return 1
}

mounted() {
	grep -q " $(realpath -m "$1") fuse" /proc/self/mounts
}

# unmount DIR.  Detached while somebody still has a file of it open, it would be gone from sight and
# its daemon would live on: that is a mistake of the test, and ended here.
unmount() {
	mounted "$1" || return 0
	test_tries=0
	until fusermount3 -u "$1" 2>"$tmp/.err" || ! mounted "$1"; do
		test_tries=$((test_tries + 1))
		[ $test_tries -lt 40 ] || {
			fail "nothing is open any more in ${1##*/} when it is unmounted" "$(cat "$tmp/.err")"
			test_connection=$(connection_of "$(realpath -m "$1")")
			fusermount3 -u -z "$1"
			echo 1 2>/dev/null >"/sys/fs/fuse/connections/$test_connection/abort"
			return
		}
		sleep 0.05
	done
}

# ---- the end -------------------------------------------------------------------

# cleanup COMMANDS: run at the end, the last registered first.
cleanup() {
	test_cleanup="$1
$test_cleanup"
}

test_end() {
	test_status=$1
	trap - EXIT
	cd "$tmp" && eval "$test_cleanup"
	[ ! -e "$tmp/.stuck" ] || fail "no mount hangs" "$(cat "$tmp/.stuck")"
	cd / && rm -rf --one-file-system "$tmp"
	[ "$test_status" != 77 ] || test_status=0 # skip_all has counted itself
	if [ "$test_status" != 0 ] && [ $test_failed = 0 ]; then
		fail "$test_name runs to its end" "exit status $test_status"
	elif [ $test_cases = 0 ]; then
		fail "$test_name checks something"
	fi
	[ $test_failed = 0 ] || exit 1
	[ $test_skips != $test_cases ] || exit 77
	exit 0
}
trap 'test_end $?' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
