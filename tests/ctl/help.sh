#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"

verbs=$(shmfsctl help | sed -n '/^Verbs/,/^$/s/^  \([a-z]*\) .*/\1/p')
check "help lists verbs" eq "$(echo $verbs)" \
	"create put get del mv add exists ls watch append tail cursor trim stat sync check copy compact dump load export import name bench help"
check "--help is the same" eq "$(shmfsctl --help)" "$(shmfsctl help)"
check "-h too" eq "$(shmfsctl -h)" "$(shmfsctl help)"
shmfsctl help >all
for verb in $verbs; do
	shmfsctl help "$verb" >help
	cat help >>all
	check "help $verb begins with its usage" grep -q "^Usage: shmfsctl $verb " help
	check "$verb --help is the same" eq "$(shmfsctl "$verb" --help)" "$(cat help)"
	check "$verb -h too" eq "$(shmfsctl "$verb" -h x y z)" "$(cat help)"
	check "$verb refuses an unknown option" exits 2 shmfsctl "$verb" --no-such-option a b c
	# what the manual says of it, to the next verb
	awk -v verb="$verb" '/^\.S[sh] / { on = 0 }
		/^\.It Cm / && here { on = $3 == verb }
		/^\.Ss/ { here = $2 == "Verbs" }
		on' "$top_srcdir/man/shmfsctl.1" >said
	check "the manual has $verb" test -s said
	grep -oE '^ +(-., )?--[a-z-]+' help | grep -oE -e '--[a-z-]+' >options
	while read -r option; do
		case $option in
		--help | --name | --key-file) where=$top_srcdir/man/shmfsctl.1 ;; # said once, for all verbs
		*) where=said ;;
		esac
		check "the manual has $verb $option" grep -qE "Fl Fl ${option#--}( |\$)" "$where"
	done <options
done
check "no line is longer than 80 columns" eq "$(awk 'length > 80' all)" ""
check "--version is a number" sh -c 'shmfsctl --version | grep -qE "^shmfsctl [0-9]+\.[0-9]+\.[0-9]+$"'
check "-V too" eq "$(shmfsctl -V)" "$(shmfsctl --version)"
check "no verb is exit 2" exits 2 shmfsctl
check "a verb that does not exist is exit 2" exits 2 shmfsctl frobnicate s.db
check "and help is named" fails_with "shmfsctl help" shmfsctl frobnicate
check "help of it is exit 2" exits 2 shmfsctl help frobnicate
check "an error is one line on stderr" eq "$(shmfsctl frobnicate 2>&1 >/dev/null | wc -l)" 1
if [ -w /dev/full ]; then
	check "help into a full disk is exit 2" exits 2 sh -c 'shmfsctl help >/dev/full'
	check "--version too" exits 2 sh -c 'shmfsctl --version >/dev/full'
fi
