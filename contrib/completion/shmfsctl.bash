# SPDX-License-Identifier: MIT
# Completion of shmfsctl for bash: verbs, options, stores, keys.
# A test compares the lists below with what `shmfsctl help` prints.

_shmfsctl_verbs="create put get del mv add exists ls watch append tail cursor trim \
stat sync check copy compact dump load name help"

_shmfsctl_options()
{
	local key="--name --key-file"

	case $1 in
	create) echo "--size= --keys= --max-size= --garbage= --log-limit= --log-full= \
--always-wake --no-sync" ;;
	put) echo "$key --type= --if-absent --if-present --if-version=" ;;
	get | add) echo "$key" ;;
	del) echo "$key --if-version=" ;;
	mv) echo "$key --no-replace" ;;
	exists) echo "$key --long --json" ;;
	ls) echo "--prefix= --long --name --null --json" ;;
	watch) echo "$key --list --count= --null --json" ;;
	append) echo "--raw" ;;
	tail) echo "--from= --follow --count= --format= --reverse" ;;
	cursor) echo "--name --json" ;;
	stat) echo "--json" ;;
	check) echo "--lock --repair --json" ;;
	load) echo "--merge --edited --new-seed" ;;
	name) echo "--null" ;;
	esac
	echo "--help"
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
# for a million lines.
_shmfsctl_keys()
{
	local store=$1 typed=$2 as=$3 plain=1 key
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

_shmfsctl()
{
	local rest=$COMP_LINE word current verb store='' as='' done='' i operands=0
	local -a words=()

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

	for ((i = 2; i < ${#words[@]} - 1; i++)); do
		case ${words[i]} in
		--name | --key-file) as=${words[i]} ;;
		-*) ;;
		*)
			operands=$((operands + 1))
			[ $operands != 1 ] || store=${words[i]}
			;;
		esac
	done

	COMPREPLY=()
	if [ ${#words[@]} = 2 ]; then
		_shmfsctl_match "$current" $_shmfsctl_verbs --help --version
		return
	fi
	case $current in
	--type=*) _shmfsctl_match "$current" --type=bytes --type=string --type=number ;;
	--format=*)
		_shmfsctl_match "$current" --format=lines --format=raw --format=nul --format=json
		;;
	--from=*) _shmfsctl_places "$store" "$current" --from= ;;
	--log-full=*) _shmfsctl_match "$current" --log-full=trim --log-full=refuse ;;
	-*)
		_shmfsctl_match "$current" $(_shmfsctl_options "$verb")
		[[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace
		;;
	*)
		case $verb:$operands in
		help:0) _shmfsctl_match "$current" $_shmfsctl_verbs ;;
		name:0) _shmfsctl_match "$current" encode decode ;;
		cursor:1) _shmfsctl_match "$current" list show create set rm ;;
		cursor:2) _shmfsctl_cursors "$store" "$current" "" ;;
		cursor:3 | trim:1) _shmfsctl_places "$store" "$current" "" ;;
		help:* | name:*) ;;
		*:0 | copy:1 | dump:1 | load:1) _shmfsctl_files "$current" ;;
		put:1 | get:1 | add:1 | exists:1 | mv:[12] | del:* | watch:*)
			_shmfsctl_keys "$store" "$current" "$as"
			;;
		esac
		;;
	esac
	for ((i = 0; i < ${#COMPREPLY[@]}; i++)); do
		COMPREPLY[i]=${COMPREPLY[i]#"$done"}
	done
}

complete -F _shmfsctl shmfsctl
