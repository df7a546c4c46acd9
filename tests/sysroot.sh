#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fills a folder with Debian's arm64 headers and libraries that a cross build needs, without
# touching the machine's own package state: tests/sysroot.sh FOLDER. Nothing is done when it is full.
set -euo pipefail

wanted=(libc6-dev libpfm4-dev libdw-dev libelf-dev libcap-ng-dev libseccomp-dev zlib1g-dev
	libprotobuf-c-dev liblzma-dev libdeflate-dev libzstd-dev libiberty-dev uthash-dev libcmocka-dev)

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
apt-get -qq -y --download-only install "${wanted[@]}" </dev/null
mkdir -p "$sysroot"
for package in "$state"/cache/archives/*.deb; do dpkg -x "$package" "$sysroot"; done
relative_links
rm -rf "$state"
echo "${wanted[*]}" >"$sysroot/.complete"
