#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian packages of a tarball of make dist: build.sh TARBALL DIRECTORY; make deb calls it.
# Leaves packages and lintian.txt in DIRECTORY.  Fails on an error of lintian.
set -eu
tarball=$(realpath "$1")
mkdir -p "$2"
cd "$2"
for tool in dpkg-buildpackage dh lintian; do
	command -v $tool >/dev/null || {
		echo "build.sh: $tool is missing: apt-get install build-essential debhelper lintian" >&2
		exit 77
	}
done

name=$(basename "$tarball" .tar.gz)
version=${name#shmfs-}
rm -rf "$name" ./*.deb ./*.changes ./*.buildinfo ./*.dsc ./*.debian.tar.* ./*.orig.tar.*
cp "$tarball" "shmfs_$version.orig.tar.gz"
tar -xzf "$tarball"
cp -r "$name/contrib/debian" "$name/debian"
rm "$name/debian/build.sh"
chmod -R u+w "$name"
chmod +x "$name/debian/rules"
(cd "$name" && env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS dpkg-buildpackage -us -uc)
rm -rf "$name"

status=0
lintian --fail-on error --tag-display-limit 0 "shmfs_$version"-*.changes >lintian.txt || status=$?
cat lintian.txt
ls -l ./*.deb
exit $status
