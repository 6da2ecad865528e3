#compdef shmfsctl
# SPDX-License-Identifier: MIT
# Completion of shmfsctl for zsh: verbs, options, stores, keys.
# What there is to complete `shmfsctl help` says, so nothing here goes stale: verbs, options with
# what they do, the values in --log-full=trim|refuse, and from the usage what an operand is.

_shmfsctl_verbs() {
	local -a verbs
	verbs=(${(f)"$(_call_program verbs shmfsctl help 2>/dev/null |
		sed -n '/^Verbs/,/^$/s/^  \([a-z]*\)  *\(.*\)/\1:\2/p')"})
	_describe -t verbs verb verbs
}

# Keys of a store; with --name as the names of their files.  Not more than a terminal shows.
_shmfsctl_keys() {
	local -a keys how
	[[ $as != --key-file ]] || { _files; return }
	[[ -f $store ]] || return 1
	[[ $as != --name ]] || how=(--name)
	keys=(${(f)"$(_call_program keys shmfsctl ls ${how} -- ${(q)store} 2>/dev/null | head -n 1000)"})
	_wanted keys expl key compadd -a keys
}

# Names of cursors: the last column of the list.
_shmfsctl_cursors() {
	local -a names
	[[ -f $store ]] || return 1
	names=(${(f)"$(_call_program cursors shmfsctl cursor -- ${(q)store} list 2>/dev/null | cut -d' ' -f5-)"})
	_wanted cursors expl cursor compadd "$@" -- ${(Q)names}
}

_shmfsctl_places() {
	_wanted places expl place compadd begin end
	_shmfsctl_cursors -p cursor:
}

# Words of trim|refuse|OTHER that can be typed as they are.
_shmfsctl_literal() {
	local -a words
	words=(${${(s:|:)1}:#*[[:upper:]]*})
	_wanted values expl value compadd -a words
}

# KIND, and that of the operand behind, which this one may be where STORE can be left out.
_shmfsctl_operand() {
	case ${1%...} in
	STORE)
		integer found
		_files && found=1
		[[ -n $SHMFS_STORE ]] || return
		_wanted stores expl "that of SHMFS_STORE" compadd @ && found=1
		case ${2%...} in
		KEY | FROM) [[ $as == --key-file ]] || _shmfsctl_keys && found=1 ;;
		PLACE | *\|*) _shmfsctl_operand $2 && found=1 ;;
		esac
		(( found ))
		;;
	FILE | DEST | DIR | SOURCE) _files ;;
	KEY | FROM | TO) _shmfsctl_keys ;;
	NAME) _shmfsctl_cursors ;;
	PLACE) _shmfsctl_places ;;
	VERB) _shmfsctl_verbs ;;
	*\|*) _shmfsctl_literal $1 ;;
	*) _message "${1:-nothing more}" ;;
	esac
}

_shmfsctl() {
	setopt localoptions extendedglob
	local curcontext=$curcontext line option arg text store as word kind expl ended
	local -a specs help kinds takes
	integer n=0 i

	if (( CURRENT == 2 )); then
		if [[ $PREFIX == -* ]]; then
			_wanted options expl option compadd -- --help --version
		else
			_shmfsctl_verbs
		fi
		return
	fi
	help=(${(f)"$(_call_program options shmfsctl help ${(q)words[2]} 2>/dev/null)"})
	[[ $help[1] == *'[OPTION...]'* ]] || return 1
	kinds=(${=${${help[1]##*\[OPTION...\]}//[\[\]]/}})
	for line in $help; do
		[[ $line == (#b)'  '(-?,\ |)(--[a-z-]##)(=[^[:blank:]]##|)(|[[:blank:]]##(*)) ]] || continue
		option=$match[2] arg=${match[3]#=}
		text=${${match[5]//\[/\\[}//\]/\\]}
		text=${text//:/\\:}
		[[ -z $arg ]] || takes+=($option ${match[1][1,2]})
		case $option$arg in
		*\|*) specs+=("$option=[$text]:${arg//|/ or }:{_shmfsctl_literal '$arg'}") ;;
		--from*) specs+=("$option=[$text]:$arg:_shmfsctl_places") ;;
		*[A-Z]) specs+=("$option=[$text]:$arg:") ;;
		*) specs+=("${option}[$text]") ;;
		esac
		[[ -z $match[1] ]] || specs+=("${match[1][1,2]}${arg:++}[$text]${arg:+:$arg:}")
	done
	for (( i = 3; i < CURRENT; i++ )); do
		word=$words[i]
		case $ended$word in
		--) ended=ended ;;
		--name | --key-file) as=$word ;;
		--*) (( ! $takes[(Ie)$word] )) || (( i++ )) ;; # its value
		-?*) (( ! $takes[(Ie)-$word[-1]] )) || (( i++ )) ;;
		*)
			(( ++n != 1 )) || store=${(Q)word}
			;;
		esac
	done
	if [[ -n $SHMFS_STORE && $kinds[1] == STORE ]]; then
		[[ $store == @ || -e $store ]] || (( ! n )) || (( n++ )) # it was left out
		[[ -e $store ]] || store=$SHMFS_STORE
	fi
	kind=$kinds[n+1]
	[[ -n $kind || $kinds[-1] != *... ]] || kind=$kinds[-1]
	words=("${(@)words[2,-1]}")
	(( CURRENT-- ))
	_arguments -S : $specs '*: :{_shmfsctl_operand "$kind" "$kinds[n+2]"}'
}

_shmfsctl "$@"
