#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The README's promise on a machine with nothing on it: a minimal Debian 12 with git and make, in a
# folder, a fresh clone of this repository's last commit, `make run` and `make check`. By hand, as
# root: tests/chroot.sh FOLDER [COMMAND]. The folder is made once and used again; COMMAND replaces
# the two. Nothing of this machine is changed but FOLDER.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$(realpath -m "${1:?usage: tests/chroot.sh FOLDER [COMMAND]}")
command=${2:-make run && make check}

debian_sources() { # files of this machine's apt that name Debian's own archive
	grep -lE 'debian-archive-keyring|://[^ ]*/debian/? ' /etc/apt/sources.list /etc/apt/sources.list.d/* \
		2>/dev/null || :
}

mirror() { # the archive that this machine uses
	debian_sources | xargs -r grep -hoE '^[^#]*https?://[^ ]*/debian/?( |$)' | grep -oE 'https?://[^ ]*' |
		head -1
}

bootstrap() {
	local conf
	debootstrap --variant=minbase bookworm "$root" "$(mirror)"
	rm -f "$root/etc/apt/sources.list"
	debian_sources | xargs -r -I{} cp {} "$root/etc/apt/sources.list.d/"
	for conf in /etc/apt/apt.conf.d/*; do # proxies and the like, no hooks
		if grep -qE '^Acquire::(http|https|Check)' "$conf"; then cp "$conf" "$root/etc/apt/apt.conf.d/"; fi
	done
	cp /etc/resolv.conf /etc/hosts "$root/etc/"
	inside 'apt-get -qq update && apt-get -qq -y --no-install-recommends install git make >/dev/null'
	touch "$root/.ready"
}

inside() { # COMMAND: in a mount namespace whose root is the folder, so that nothing stays mounted
	# shellcheck disable=SC2016 # expanded inside
	root=$root command=$1 unshare --mount --propagation private bash -euc '
		mount --bind "$root" "$root" && cd "$root" && mkdir -p old
		mount -t proc proc proc && mount --rbind /sys sys && mount --rbind /dev dev
		pivot_root . old && umount -l /old && cd /
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb ${CI:+CI=$CI} \
			bash -euc "$command"' </dev/null
}

tests/deps.sh chroot
[ -e "$root/.ready" ] || bootstrap
rm -rf "$root/root/pmuscope"
git clone -q --no-hardlinks . "$root/root/pmuscope"
inside "cd /root/pmuscope && $command"
