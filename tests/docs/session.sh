# Sourced by the tests of this folder, after tests/lib.sh: examples that are run.
#
# An example is a session in a shell: "$ " starts a command, "> " goes on with it, the lines
# behind it are what it prints, standard error included.  A missing newline at the end of
# the output is forgiven, as `shmfsctl get` adds none and a reader of the page sees none.

# man_examples PAGE: the text of each .Bd after a line .\" example
man_examples() {
	sed -n '/^\.\\" example$/,/^\.Ed$/p' "$1" | sed -e '/^\./d' -e 's/\\e/\\/g' -e 's/\\&//g'
}

# markdown_blocks PAGE LANGUAGE: the text of each such fenced block
markdown_blocks() {
	sed -n "/^\`\`\`$2\$/,/^\`\`\`\$/p" "$1" | sed '/^```/d'
}

# run_session FILE: every command of it, in this shell, is a case
run_session() {
	session_command=
	session_wanted=
	while IFS= read -r session_line <&3 || [ -n "$session_line" ]; do
		case $session_line in
		'$ '*)
			session_step
			session_command=${session_line#'$ '}
			session_wanted=
			;;
		'> '*)
			session_command="$session_command
${session_line#'> '}"
			;;
		*)
			session_wanted="$session_wanted$session_line
"
			;;
		esac
	done 3<"$1"
	session_step
}

session_step() {
	[ -n "$session_command" ] || return 0
	eval "$session_command" >"$tmp/.session" 2>&1 3<&-
	check "example: $(printf %s "$session_command" | tr '\n' ' ')" \
		eq "$(cat "$tmp/.session")" "$(printf %s "$session_wanted")"
}
