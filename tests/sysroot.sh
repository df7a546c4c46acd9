#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fills a folder with Debian's arm64 packages, without touching the machine's own package state:
# tests/sysroot.sh [--alone] FOLDER GROUP. The group is one of tests/packages, with all that it
# depends on, or --alone. Nothing is done when the folder is full.
set -euo pipefail

alone=0
if [ "$1" = --alone ]; then alone=1 && shift; fi
mapfile -t wanted < <(sed -nE "s/^$2 ([^ ]+).*/\1/p" "$(dirname "$0")/packages")
sysroot=$(realpath -m "$1")
state=$sysroot.apt
# Full, and of this list of packages.
[ "$(cat "$sysroot/.complete" 2>/dev/null)" = "${wanted[*]}" ] && exit 0
rm -rf "$sysroot"

write_config() { # apt of another architecture, all of its state in $state, this machine's sources
	mkdir -p "$state"/{lists/partial,cache/archives/partial}
	: >"$state/status"
	cat >"$state/apt.conf" <<-END
		APT::Architecture "arm64";
		APT::Architectures { "arm64"; };
		APT::Install-Recommends "false";
		APT::Sandbox::User "";
		Dir::State "$state";
		Dir::State::status "$state/status";
		Dir::State::lists "$state/lists";
		Dir::Cache "$state/cache";
		Debug::NoLocking "true";
		#clear DPkg::Post-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
	END
}

real_name() { # PACKAGE: a kernel's package only depends on the one of the day
	case $1 in
	linux-image-*) apt-cache depends "$1" | sed -n 's/.*Depends: \(linux-image-.*\)/\1/p' ;;
	*) echo "$1" ;;
	esac
}

download() {
	local package names=()
	if [ $alone -eq 0 ]; then
		apt-get -qq -y --download-only install "${wanted[@]}" </dev/null
		return
	fi
	for package in "${wanted[@]}"; do names+=("$(real_name "$package")"); done
	(cd "$state/cache/archives" && apt-get -qq download "${names[@]}")
}

relative_links() { # absolute symbolic links would lead out of the sysroot
	local link target
	find "$sysroot" -type l -lname '/*' | while read -r link; do
		target=$(readlink "$link")
		ln -sfnr "$sysroot$target" "$link"
	done
}

write_config
export APT_CONFIG=$state/apt.conf DEBIAN_FRONTEND=noninteractive
apt-get -qq update || echo "some package lists could not be fetched" >&2
download
mkdir -p "$sysroot"
for package in "$state"/cache/archives/*.deb; do dpkg -x "$package" "$sysroot"; done
relative_links
rm -rf "$state"
echo "${wanted[*]}" >"$sysroot/.complete"
