#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires jq awk
# stat --prometheus: the text format 0.0.4, read strictly.

# strict FILE: what is wrong with it, and in which line; prints nothing of a good one.
strict() {
	LC_ALL=C awk '
	function bad(why) { print FNR ": " why ": " $0 }
	function name_ok(s) { return s ~ /^[a-zA-Z_:][a-zA-Z0-9_:]*$/ }
	# Cut NAME="VALUE" pairs off; false if they are none.
	function labels_ok(s) {
		while (s != "") {
			if (!match(s, /^[a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\["\\n])*"/))
				return 0
			s = substr(s, RLENGTH + 1)
			if (s != "" && !sub(/^,/, "", s))
				return 0
		}
		return 1
	}
	/^# HELP / {
		if (!name_ok($3)) bad("name")
		if (NF < 4) bad("no help")
		if ($3 in help) bad("second HELP")
		help[$3] = 1; family = $3; next
	}
	/^# TYPE / {
		if ($3 != family) bad("TYPE of another")
		if ($4 != "counter" && $4 != "gauge") bad("type")
		if (($4 == "counter") != ($3 ~ /_total$/)) bad("a counter ends in _total, a gauge does not")
		type[$3] = $4; next
	}
	!match($0, /^[^{ ]+/) { bad("no name"); next }
	{
		name = substr($0, 1, RLENGTH); rest = substr($0, RLENGTH + 1)
		if (!name_ok(name)) bad("name")
		if (!(name in type) || name != family) bad("not behind its TYPE")
		if (!match(rest, /\} [^ ]+$/) || !sub(/^\{/, "", rest)) { bad("form"); next }
		value = rest; sub(/^.*\} /, "", value)
		labels = substr(rest, 1, length(rest) - length(value) - 2)
		if (!labels_ok(labels)) bad("labels")
		if (value !~ /^-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?$/) bad("value")
		if (seen[name labels]++) bad("second sample")
	}' "$1"
}

shmfsctl put s.db a 1
shmfsctl put s.db b 2
printf 'one\ntwo\n' | shmfsctl append s.db
shmfsctl cursor s.db create worker
shmfsctl cursor s.db create 'we"ird\' -1
shmfsctl cursor s.db create "$(printf 'new\nline')"
shmfsctl cursor s.db create "$(printf 'no\377utf')"
shmfsctl stat --prometheus s.db >m
check "it is the text format" eq "$(strict m)" ""
check "with many metrics" test "$(grep -c '^# TYPE shmfs_' m)" -gt 25
check "all of them are ours" eq "$(grep -v '^#' m | grep -vc '^shmfs_')" 0
check "keys" grep -qx 'shmfs_keys{store="s.db"} 2' m
check "a counter" grep -qx 'shmfs_puts_total{store="s.db"} [0-9]*' m
check "(with its type)" grep -qx '# TYPE shmfs_puts_total counter' m
check "frames of the log" grep -qx 'shmfs_log_frames{store="s.db"} 2' m
check "times are in seconds" grep -qE '^shmfs_sync_age_seconds\{store="s.db"\} [0-9]+(\.[0-9]+)?$' m
check "shares are fractions" grep -qx 'shmfs_garbage_limit_ratio{store="s.db"} 0.4' m
check "the lag of a cursor" grep -qx 'shmfs_cursor_lag_frames{store="s.db",cursor="worker"} 2' m
check "in bytes" grep -qx 'shmfs_cursor_lag_bytes{store="s.db",cursor="worker"} 8' m
check "quotes and backslashes are escaped" \
	grep -qxF 'shmfs_cursor_lag_frames{store="s.db",cursor="we\"ird\\"} 1' m
check "and newlines" grep -qxF 'shmfs_cursor_lag_frames{store="s.db",cursor="new\nline"} 2' m
check "what is not UTF-8 is a file name" grep -qF 'cursor="no%FFutf"' m
shmfsctl stat --json s.db | jq -r 'del(.cursors) | keys_unsorted[]' | while read -r name; do
	case $name in
	index_buckets_max | load_factor_max | gets_retried | window_bytes) continue ;; # say nothing of the store
	load_factor) name=index_load_ratio ;;
	garbage) name=garbage_limit_ratio ;;
	is_volatile) name=volatile ;;
	sync_age_ms) name=sync_age_seconds ;;
	file_allocated) name=file_allocated_bytes ;;
	log_limit) name=log_limit_bytes ;;
	puts | cleaned_bytes) name=${name}_total ;;
	esac
	grep -q "^shmfs_$name{" m || echo "$name"
done >missing
check "no figure of stat is missing" eq "$(cat missing)" ""
mkdir 'a"b'
shmfsctl put 'a"b/s.db' k v
shmfsctl stat --prometheus 'a"b/s.db' >m2
check "a path is escaped too" grep -qxF 'shmfs_keys{store="a\"b/s.db"} 1' m2
check "and the format strict" eq "$(strict m2)" ""
check "without cursors there are no metrics of them" not grep -q cursor m2
check "--json excludes it" exits 2 shmfsctl stat --prometheus --json s.db

# The parser sees what is wrong.
sed 's/^# TYPE shmfs_keys gauge/# TYPE shmfs_keys counter/' m >bad
check "(a wrong type is seen)" test -n "$(strict bad)"
sed 's/{store="s.db"} 2$/{store="s.db} 2/' m >bad
check "(an open quote is seen)" test -n "$(strict bad)"
sed '/^# TYPE shmfs_keys /d' m >bad
check "(a missing type is seen)" test -n "$(strict bad)"

if command -v promtool >/dev/null; then
	check "promtool has no complaint" eq "$(promtool check metrics <m 2>&1)" ""
else
	skip "promtool has no complaint" "needs promtool"
fi
