# Sourced by run-tests and quickstart, which stand at the top of the source tree:
# install what is missing, configure and make in $BUILD.

: "${BUILD:=build}"

# What building takes, what the tests like to have besides, and what the benchmarks do.
packages_build="build-essential autoconf automake libtool pkg-config libxxhash-dev libjansson-dev libfuse3-dev fuse3"
packages_tests="libcunit1-dev mandoc attr jq python3 rsync git e2fsprogs spin valgrind xxhash
	xz-utils tmux zsh fish vim nodejs sqlite3 inotify-tools"
packages_bench="liblmdb-dev libboost-dev libtkrzw-dev libsqlite3-dev"

say() {
	echo "== $*"
}

die() {
	echo "${0##*/}: $*" >&2
	exit 2
}

is_debian() {
	command -v dpkg-query >/dev/null && command -v apt-get >/dev/null
}

# The packages of the list that are not installed.
missing_packages() {
	for package in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
			printf '%s ' "$package"
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

apt() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" </dev/null
}

# What would end it later, with less said: make does not take such a path, nor autogen.sh a
# directory that it may not write to.
case ${top:?} in
*[[:space:]]* | *[][{}\(\)\<\>\;\|\*\?\!\"\#\$\&\'\`\\]*)
	die "$top: its path has a space or a sign that make and the shell understand: move it"
	;;
esac
[ -x "$top/configure" ] || [ -w "$top" ] ||
	die "$top has no configure, and may not be written to: take a copy of it"

# Install what is missing of the listed packages; nothing is asked of the network otherwise.
install_packages() {
	if ! is_debian; then
		say "not Debian: nothing is installed for you; what configure misses, by its Debian name:"
		echo "   $*"
		return
	fi
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
		echo "Missing, and neither root nor sudo without a password to install it:" >&2
		echo "   sudo apt-get install $missing" >&2
		return 1
	fi
	say "installing $missing"
	if [ -z "${apt_updated:-}" ]; then
		apt update || say "going on with what apt-get knew before"
		apt_updated=1
	fi
	# shellcheck disable=SC2086
	apt install --no-install-recommends $missing || {
		echo "Not installed: $missing" >&2
		return 1
	}
}

# build [CONFIGURE OPTION...]: configures once, then leaves it to make to notice changes.  Options that
# it was not configured with are not passed over in silence.
build() {
	[ -x configure ] || {
		say "autogen.sh"
		./autogen.sh || die "autogen.sh failed"
	}
	mkdir -p "$BUILD" || die "BUILD=DIR ${0##*/} builds in another directory"
	if [ ! -f "$BUILD/Makefile" ]; then
		say "configure in $BUILD"
		(cd "$BUILD" && "$top/configure" "$@") || die "configure failed"
		echo "$*" >"$BUILD/configured"
	elif [ $# != 0 ] && [ "$*" != "$(cat "$BUILD/configured" 2>/dev/null)" ]; then
		die "$BUILD is configured without $*; BUILD=DIR ${0##*/} $* builds in another directory"
	fi
	say "make"
	make --no-print-directory -C "$BUILD" -j"$(nproc)" || die "make failed"
}
