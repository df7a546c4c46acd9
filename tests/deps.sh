#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing of the named groups of tests/packages: as root with apt-get, else prints
# the one line that does and fails. tests/deps.sh -n GROUP… only lists what is missing.
set -euo pipefail
cd "$(dirname "$0")"

policy=/usr/sbin/policy-rc.d

installed() { # PACKAGE
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing() { # GROUP…
	local group package command
	while read -r group package command; do
		case " $* " in *" $group "*) ;; *) continue ;; esac
		if [ -n "$command" ] && command -v "$command" >/dev/null; then continue; fi
		installed "$package" || echo "$package"
	done < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' packages)
}

# Servers among the packages are wanted as programs: nothing is to be started by installing them.
forbid_services() {
	[ -e $policy ] && return
	trap 'rm -f $policy' EXIT
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
}

install() { # PACKAGE…
	local get=(apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300)
	export DEBIAN_FRONTEND=noninteractive
	forbid_services
	"${get[@]}" install "$@" </dev/null && return
	apt-get -qq update && "${get[@]}" install "$@" </dev/null
}

list=0
if [ "${1-}" = -n ]; then list=1 && shift; fi
mapfile -t packages < <(missing "$@")
if [ ${#packages[@]} -eq 0 ]; then exit 0; fi
if [ $list -eq 1 ]; then printf '%s\n' "${packages[@]}" && exit 0; fi
if ! command -v apt-get >/dev/null; then
	echo "missing here (Debian's names): ${packages[*]}" >&2 && exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "some packages are missing; this installs them:" >&2
	echo "  sudo apt-get install -y --no-install-recommends ${packages[*]}" >&2
	exit 1
fi
echo "installing ${packages[*]}"
log=$(mktemp)
if ! install "${packages[@]}" >"$log" 2>&1; then
	cat "$log" >&2 && rm -f "$log"
	echo "apt-get could not install: ${packages[*]}" >&2 && exit 1
fi
rm -f "$log"
