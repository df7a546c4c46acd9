#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Packs what the guests of `make check-qemu` boot with: tests/qemu/initrd.sh FILE. In it, at the
# places of a repository below /pmuscope: what was cross-built into build-aarch64, the tests;
# programs compiled here in /programs; the libraries that all of them need.
set -euo pipefail
cd "$(dirname "$0")/../.."
cross=aarch64-linux-gnu-
sysroot=build-sysroot packages=build-guest built=build-aarch64
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

# --- the programs under test ----------------------------------------------------------------------

# Stripped, as distributions ship programs; names are in a debug file of its own.
take_debug() { # PROGRAM
	local id
	id=$(${cross}readelf -n "$1" | sed -n 's/.*Build ID: //p')
	mkdir -p "$root/usr/lib/debug/.build-id/${id:0:2}"
	${cross}objcopy --only-keep-debug "$1" "$root/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug"
	${cross}strip "$1"
}

program() { # NAME SOURCE FLAG…
	local name=$1 source=$2
	shift 2
	${cross}gcc --sysroot=$sysroot -O2 -g -fomit-frame-pointer -Wl,--build-id -o "$root/programs/$name" \
		"$source" "$@"
	take_debug "$root/programs/$name"
}

# NAME SOURCE: static, with Debian's musl for arm64. Its root is known by its name alone.
musl_program() {
	local name=$1 source=$2 musl=$packages/usr/lib/aarch64-linux-musl gcc
	gcc=$(dirname "$(${cross}gcc -print-libgcc-file-name)")
	${cross}gcc -O2 -g -fomit-frame-pointer -Wl,--build-id -nostdinc \
		-isystem $packages/usr/include/aarch64-linux-musl -isystem "$gcc/include" -nostdlib -static \
		-o "$root/programs/$name" $musl/crt1.o $musl/crti.o "$source" $musl/libc.a -lgcc \
		$musl/crtn.o
}

programs() {
	local chain=tests/qemu/programs/chain.c live=tests/live/programs
	mkdir -p "$root/programs"
	program known $live/known.c
	program chain $chain -pthread
	program chain-static $chain -static
	program chain-static-pie $chain -static-pie
	program chain-protected $chain -mbranch-protection=standard
	program chain-protected-leaf $chain -mbranch-protection=pac-ret+leaf+b-key
	program busy $live/busy.c -pthread
	program busy-protected $live/busy.c -pthread -mbranch-protection=standard
	program loader $live/loader.c -mbranch-protection=standard
	program plugin.so $live/loader.c -DPLUGIN -shared -fPIC -mbranch-protection=standard
	musl_program chain-musl $chain
	if command -v go >/dev/null; then
		env GOTOOLCHAIN=local GOPROXY=off CGO_ENABLED=0 GOARCH=arm64 \
			GOCACHE="${GOCACHE:-$(realpath $built)/go-cache}" \
			go build -ldflags -w -o "$root/programs/busy-go" $live/busy.go
	fi
}

# --- the guest ------------------------------------------------------------------------------------

own_files() {
	mkdir -p "$root/pmuscope/build" "$root/pmuscope/tests"
	cp $built/pmuscope $built/pmuscope-* $built/oracle-unwind "$root/pmuscope/build/"
	(cd $built && find tests -type f -name 'test_*' ! -name '*.d') |
		while read -r test; do install -D "$built/$test" "$root/pmuscope/build/$test"; done
	cp -r tests/tap.sh tests/live tests/qemu "$root/pmuscope/tests/"
	cp tests/qemu/guest/init "$root/init"
}

debian_files() {
	mkdir -p "$root"/{bin,usr/bin,lib/aarch64-linux-gnu,etc}
	cp $packages/bin/{busybox,bash,grep,sleep} "$root/bin/"
	cp $packages/usr/bin/{xz,openssl} "$root/usr/bin/"
	cp $sysroot/lib/ld-linux-aarch64.so.1 "$root/lib/"
	printf 'root:x:0:0::/root:/bin/bash\nnobody:x:65534:65534::/:/bin/bash\n' >"$root/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
}

needed() { # FILE…: the libraries that they name
	${cross}readelf -d "$@" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u
}

libraries() { # until no new one is named
	local name path new=1 dir=$root/lib/aarch64-linux-gnu
	while [ $new -eq 1 ]; do
		new=0
		for name in $(find "$root" -type f -perm -u+x -exec bash -c "$(declare -f needed)"'
				cross=$0 && needed "$@"' "$cross" {} + | sort -u); do
			if [ -e "$dir/$name" ] || [ -e "$root/lib/$name" ]; then continue; fi
			path=$(find {$sysroot,$packages}/{usr/,}lib/aarch64-linux-gnu -name "$name" | head -1)
			if [ -z "$path" ]; then echo "no $name for arm64" >&2 && exit 1; fi
			cp -L "$path" "$dir/" && chmod +x "$dir/$name" && new=1
		done
	done
}

own_files
debian_files
programs
libraries
(cd "$root" && find . -print0 | cpio --quiet -0 -o -H newc) | gzip -1 >"$1"
