# SPDX-License-Identifier: MIT
# Completion of shmfsctl for bash: verbs, options, stores, keys.
# What there is to complete `shmfsctl help` says, so nothing here goes stale: verbs, options, the
# values in --log-full=trim|refuse, and from the usage which operand is a file, a key, a place.

_shmfsctl_verbs()
{
	shmfsctl help 2>/dev/null | sed -n '/^Verbs/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

# The options of a verb; one that takes a value ends in "=".
_shmfsctl_options()
{
	shmfsctl help "$1" 2>/dev/null | sed -n 's/^  \(-., \)\{0,1\}\(--[a-z-]*=\{0,1\}\).*/\2/p'
}

# Those that take a value in the next word: --last -n
_shmfsctl_takers()
{
	shmfsctl help "$1" 2>/dev/null |
		sed -n 's/^  \(-., \)\{0,1\}\(--[a-z-]*\)=.*/ \1\2 /p' | tr -d ',\n'
}

# _shmfsctl_values VERB OPTION: what it is called, in place of its value
_shmfsctl_values()
{
	shmfsctl help "$1" 2>/dev/null | sed -n "s/^  \\(-., \\)\\{0,1\\}$2=\\([^ ]*\\).*/\\2/p"
}

# The operands of a verb, a word each: STORE KEY VALUE; what may be repeated ends in "...".
_shmfsctl_operands()
{
	shmfsctl help "$1" 2>/dev/null | sed -n '1{s/.*\[OPTION\.\.\.\]//;s/[][]//g;p;}'
}

# Words of trim|refuse|OTHER that can be typed as they are, each with "$1" in front.
_shmfsctl_literal()
{
	local word

	for word in ${2//|/ }; do
		[[ $word == *[[:upper:]]* ]] || echo "$1$word"
	done
}

# Words that match what is typed, "$1", out of the others.
_shmfsctl_match()
{
	local typed=$1 word

	shift
	for word; do
		[[ $word != "$typed"* ]] || COMPREPLY+=("$word")
	done
}

_shmfsctl_files()
{
	mapfile -t COMPREPLY < <(compgen -f -- "$1")
	compopt -o filenames
}

# Keys of a store, as names if --name is there.  Many are not shown: a terminal is no place
# for a million lines.  $4: not empty: quote what needs it.
_shmfsctl_keys()
{
	local store=$1 typed=$2 as=$3 plain=$4 key
	local -a how

	[ "$as" != --key-file ] || { _shmfsctl_files "$typed"; return; }
	[ -f "$store" ] || return
	case $typed in # a word that is quoted already is not quoted again
	[\'\"]*) typed=${typed:1} plain= ;;
	*) typed=${typed//\\/} ;;
	esac
	how=(--prefix="$typed")
	[ "$as" != --name ] || how=(--name)
	while IFS= read -r key && [ ${#COMPREPLY[@]} -lt 1000 ]; do
		[[ $key == "$typed"* ]] || continue
		[ -z "$plain" ] || printf -v key %q "$key"
		COMPREPLY+=("$key")
	done < <(shmfsctl ls "${how[@]}" -- "$store" 2>/dev/null)
}

# Names of cursors: the last column of the list, quoted already.  "$3" goes in front of each.
_shmfsctl_cursors()
{
	local store=$1 typed=$2 name

	[ -f "$store" ] || return
	while read -r _ _ _ _ name; do
		[[ $3$name != "$typed"* ]] || COMPREPLY+=("$3$name")
	done < <(shmfsctl cursor -- "$store" list 2>/dev/null)
}

# Places in the log.
_shmfsctl_places()
{
	_shmfsctl_match "$2" "$3begin" "$3end"
	_shmfsctl_cursors "$1" "$2" "$3cursor:"
}

# _shmfsctl_operand KIND STORE TYPED AS NEXT: NEXT is the kind of the operand behind, which this one
# may be where STORE can be left out.  Among files bash does the quoting.
_shmfsctl_operand()
{
	case ${1%...} in
	STORE)
		_shmfsctl_files "$3"
		[ -n "$SHMFS_STORE" ] || return
		_shmfsctl_match "$3" @
		case ${5%...} in
		KEY | FROM) [ "$4" = --key-file ] || _shmfsctl_keys "$2" "$3" "$4" "" ;;
		PLACE | *"|"*) _shmfsctl_operand "$5" "$2" "$3" ;;
		esac
		;;
	FILE | DEST | DIR | SOURCE) _shmfsctl_files "$3" ;;
	KEY | FROM | TO) _shmfsctl_keys "$2" "$3" "$4" quote ;;
	NAME) _shmfsctl_cursors "$2" "$3" "" ;;
	PLACE) _shmfsctl_places "$2" "$3" "" ;;
	VERB) _shmfsctl_match "$3" $(_shmfsctl_verbs) ;;
	*"|"*) _shmfsctl_match "$3" $(_shmfsctl_literal "" "$1") ;;
	esac
}

_shmfsctl()
{
	local rest=$COMP_LINE word current verb store='' as='' done='' i n=0 kind takers ended=''
	local -a words=() options kinds

	# bash cuts words at ":" and "=" too, as in --type=string or the key user:1.  Join what no
	# blank keeps apart; at the end the reply must again leave out what is before the cut.
	for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
		if [ ${#words[@]} -gt 0 ] && [[ $rest != [[:blank:]]* ]]; then
			words[${#words[@]} - 1]+=$word
		else
			rest=${rest#"${rest%%[![:blank:]]*}"}
			words+=("$word")
		fi
		rest=${rest#"$word"}
	done
	current=${words[${#words[@]} - 1]}
	verb=${words[1]}
	[[ $word == [:=]* ]] || done=${current%"$word"}
	[[ $word != [:=]* ]] || done=$current

	COMPREPLY=()
	if [ ${#words[@]} = 2 ]; then
		_shmfsctl_match "$current" $(_shmfsctl_verbs) --help --version
		return
	fi
	mapfile -t options < <(_shmfsctl_options "$verb")
	takers=$(_shmfsctl_takers "$verb")
	for ((i = 2; i < ${#words[@]} - 1; i++)); do
		word=${words[i]}
		case $ended$word in
		--) ended=ended ;;
		--name | --key-file) as=$word ;;
		--*) [[ $takers != *" $word "* ]] || i=$((i + 1)) ;; # its value
		-?*) [[ $takers != *" -${word: -1} "* ]] || i=$((i + 1)) ;;
		*)
			n=$((n + 1))
			[ $n != 1 ] || store=$word
			;;
		esac
	done
	read -ra kinds < <(_shmfsctl_operands "$verb")
	if [ -n "$SHMFS_STORE" ] && [ "${kinds[0]}" = STORE ]; then
		[ "$store" = @ ] || [ $n = 0 ] || [ -e "$store" ] || n=$((n + 1)) # it was left out
		[ -e "$store" ] || store=$SHMFS_STORE
	fi

	case $ended$current in
	--from=*) _shmfsctl_places "$store" "$current" --from= ;;
	--*=*)
		_shmfsctl_match "$current" $(_shmfsctl_literal "${current%%=*}=" \
			"$(_shmfsctl_values "$verb" "${current%%=*}")")
		;;
	-*)
		_shmfsctl_match "$current" "${options[@]}"
		[[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace
		;;
	*)
		kind=${kinds[n]}
		# The last one may be one that is repeated.
		[ -n "$kind" ] || [ ${#kinds[@]} = 0 ] || kind=${kinds[${#kinds[@]} - 1]}
		[ $n -lt ${#kinds[@]} ] || [[ $kind == *... ]] || kind=
		_shmfsctl_operand "$kind" "$store" "$current" "$as" "${kinds[n + 1]}"
		;;
	esac
	for ((i = 0; i < ${#COMPREPLY[@]}; i++)); do
		COMPREPLY[i]=${COMPREPLY[i]#"$done"}
	done
}

complete -F _shmfsctl shmfsctl
