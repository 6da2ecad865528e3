# SPDX-License-Identifier: MIT
# Sourced: what is written down of a golden store besides its dump: what a dump does not keep.

# facts STORE: names, types, sizes, versions and times of keys; positions of frames and cursors
facts() {
	shmfsctl ls --json "$1" | jq -c '[.name, .type, .size, .version, .time]' | LC_ALL=C sort
	shmfsctl tail --format=json "$1" | jq -c '[.position]'
	shmfsctl cursor --json "$1" list | jq -c '[.name // .name_base64, .position, .frames, .bytes, .lost]'
}
