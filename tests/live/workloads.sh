# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# Programs under load, as people run them: Debian's own stripped ones, and some compiled here in
# the other ways there are. Sourced after lib.sh.
#
# start_NAME brings one up, on loopback only, and sets what to record and what to look at:
#   target   arguments of `record`; -a where one run of the program takes seconds: -p follows
#            only children that start after it
#   look_at  filters of pprof.py
# Everything runs in the background of lib.sh and ends with the test.

WORKLOADS=(nginx redis postgres python node node_perf_map cc1 cc1plus openssl xz sqlite git
	go go_stripped rust musl static_pie cxx)
PROGRAMS=tests/live/programs

# What each needs, for `need`; one a line: NAME COMMAND…
workload_needs() { # NAME
	case $1 in
	nginx) echo /usr/sbin/nginx wrk openssl ;;
	redis) echo redis-server redis-benchmark ;;
	postgres) echo /usr/lib/postgresql/15/bin/pgbench ;;
	python) echo /usr/bin/python3 ;;
	node*) echo node ;;
	cc1) echo gcc ;;
	cc1plus | cxx) echo g++ ;;
	sqlite) echo sqlite3 ;;
	go | go_stripped) echo go ;;
	rust) echo rustc ;;
	musl) echo musl-gcc ;;
	static_pie) echo gcc ;;
	*) echo "$1" ;;
	esac
}

free_port() {
	/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

listening() { # PORT
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

with_children() { # PID: it and its children, as -p takes them
	{ echo "$1"; pgrep -P "$1" || :; } | paste -sd,
}

forever() { # COMMAND…: again and again, until stopped
	while :; do "$@" || sleep 0.1; done
}

built() { # NAME COMMAND…: compiles a program once (OUT is where it goes); a copy of it in $program
	program=$(realpath "$BUILD")/tests/programs/$1
	shift
	mkdir -p "${program%/*}"
	[ -e "$program" ] || "${@/#OUT/$program}"
	cp "$program" "$T/" && program=$T/${program##*/}
}

run_program() { # runs $program, looks at all of it
	background "$program"
	target=(-p "$load") look_at=()
}

# --- servers ----------------------------------------------------------------------------------

nginx_config() { # PORT TLS_PORT
	cat <<-END
		daemon off;
		worker_processes 2;
		pid $T/nginx/pid;
		error_log $T/nginx/error.log;
		events { worker_connections 512; }
		http {
			access_log $T/nginx/access.log;
			client_body_temp_path $T/nginx/body;
			proxy_temp_path $T/nginx/proxy;
			fastcgi_temp_path $T/nginx/fastcgi;
			uwsgi_temp_path $T/nginx/uwsgi;
			scgi_temp_path $T/nginx/scgi;
			gzip on;
			gzip_types *;
			server {
				listen 127.0.0.1:$1;
				listen 127.0.0.1:$2 ssl;
				ssl_certificate $T/nginx/cert.pem;
				ssl_certificate_key $T/nginx/key.pem;
				root $T/nginx/www;
			}
		}
	END
}

start_nginx() {
	local port tls master
	port=$(free_port) tls=$(free_port)
	mkdir -p "$T/nginx/www"
	seq 20000 >"$T/nginx/www/index.html"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
		-keyout "$T/nginx/key.pem" -out "$T/nginx/cert.pem" 2>/dev/null
	nginx_config "$port" "$tls" >"$T/nginx/nginx.conf"
	background /usr/sbin/nginx -c "$T/nginx/nginx.conf" -e "$T/nginx/error.log"
	master=$load
	wait_for 10 listening "$tls"
	background wrk -t1 -c8 -d600 -H 'Accept-Encoding: gzip' "http://127.0.0.1:$port/"
	background wrk -t1 -c4 -d600 -H 'Connection: close' "https://127.0.0.1:$tls/"
	target=(-p "$(with_children "$master")") look_at=()
}

start_redis() {
	local port
	port=$(free_port)
	background redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir "$T"
	target=(-p "$load") look_at=()
	wait_for 10 listening "$port"
	background redis-benchmark -p "$port" -l -q -P 8 -c 8 \
		-t set,get,incr,lpush,sadd,hset,zadd,lrange_100,mset
}

start_postgres() {
	local bin=/usr/lib/postgresql/15/bin data=$T/postgres as=() connect
	# The server refuses to be root.
	[ "$(id -u)" -ne 0 ] || as=(setpriv --reuid=postgres --regid=postgres --init-groups --)
	install -d -m 700 ${as:+-o postgres} "$data"
	connect=(-h "$data" -p 5999 -U postgres)
	"${as[@]}" $bin/initdb -D "$data" -A trust -U postgres --no-sync >"$T/initdb.log"
	background "${as[@]}" $bin/postgres -D "$data" -k "$data" -h '' -p 5999 -c fsync=off
	server=$load
	wait_for 20 "${as[@]}" $bin/psql "${connect[@]}" -c 'select 1'
	"${as[@]}" $bin/pgbench "${connect[@]}" -q -i -s 2 >"$T/pgbench.log" 2>&1
	background "${as[@]}" $bin/pgbench "${connect[@]}" -n -c 4 -j 1 -T 600
	sleep 1
	target=(-p "$(with_children "$server")") look_at=()
}

# --- interpreters and JITs --------------------------------------------------------------------

start_python() {
	background /usr/bin/python3 $PROGRAMS/busy.py
	target=(-p "$load") look_at=()
}

start_node() {
	background node $PROGRAMS/busy.js
	target=(-p "$load") look_at=()
	sleep 1
}

start_node_perf_map() {
	background node --logfile="$T/v8-%p.log" --perf-basic-prof $PROGRAMS/busy.js
	finally "rm -f /tmp/perf-$load.map"
	target=(-p "$load") look_at=()
	sleep 1
}

# --- tools ------------------------------------------------------------------------------------

compile_own() {
	for source in agent/*/*.c pmu/*.c; do
		gcc -std=gnu11 -O2 -g -I. -D_GNU_SOURCE -c -o "$T/own.o" "$source" || :
	done
}

start_cc1() {
	background forever compile_own
	target=(-p "$load") look_at=(--comm '^cc1$')
}

start_cc1plus() {
	background forever g++ -std=c++17 -O2 -g -c -o "$T/busy.o" $PROGRAMS/busy.cc
	target=(-a) look_at=(--comm '^cc1plus$')
}

speed() {
	local what
	for what in '-evp aes-256-gcm' '-evp sha256' '-evp chacha20-poly1305' rsa2048 ecdsap256 ecdhx25519; do
		# shellcheck disable=SC2086 # words
		openssl speed -seconds 1 -bytes 8192 $what
	done
}

start_openssl() {
	background forever speed
	target=(-p "$load") look_at=(--comm '^openssl$')
}

compress() {
	xz -6 -T1 -kc "$T/data" >"$T/data.xz" && xz -T2 -3 -kc "$T/data" >/dev/null && xz -dc "$T/data.xz" >/dev/null
}

start_xz() {
	head -c 8000000 "$(readlink -f /usr/bin/python3)" >"$T/data"
	background forever compress
	target=(-p "$load") look_at=(--comm '^xz$')
}

query() {
	sqlite3 "$T/data.sqlite" <<-'END'
		pragma synchronous = off;
		drop table if exists t;
		create table t (id integer primary key, name text, value real);
		with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
			insert into t select i, printf('name %d', (i * 7919) % 5003), i / 3.0 from n;
		create index by_name on t (name);
		select count(*), sum(a.value) from t a join t b on a.name = b.name where a.id % 7 = 0;
		select name, count(*) from t where name like '%9%' group by name order by 2 desc limit 5;
		update t set value = value * 2, name = upper(name) where id % 3 = 0;
	END
}

start_sqlite() {
	background forever query
	target=(-p "$load") look_at=(--comm '^sqlite3$')
}

git_history() { # a repository's history for git fast-import: 1500 commits of 20 files
	awk 'BEGIN {
		for (c = 1; c <= 1500; c++) {
			printf "commit refs/heads/main\ncommitter A <a@localhost> %d +0000\n", 1e9 + c
			printf "data 2\nc\n"
			text = ""
			for (i = 1; i <= 200; i++) text = text "line " i " of " int((c * i) % (7 + i)) "\n"
			printf "M 644 inline file%d\ndata %d\n%s\n", c % 20, length(text), text
		}
	}'
}

use_git() {
	git log -p && git repack -adfq && git grep -c 'of 3' HEAD~10 && git blame file3
}

start_git() {
	git init -q -b main "$T/repository"
	git_history | git -C "$T/repository" fast-import --quiet
	git -C "$T/repository" reset -q --hard main
	background env -C "$T/repository" bash -c "$(declare -f use_git forever); forever use_git >/dev/null"
	target=(-p "$load") look_at=(--comm '^git$')
}

# --- compiled here ----------------------------------------------------------------------------

build_go() { # FLAG…: go build
	env GOTOOLCHAIN=local GOPROXY=off CGO_ENABLED=0 GOCACHE="${GOCACHE:-$T/go-cache}" \
		go build "$@" $PROGRAMS/busy.go
}

start_go() {
	built busy-go build_go -o OUT
	run_program
}

start_go_stripped() { # its roots have no names without symbols: those of its twin tell
	built busy-go build_go -o OUT
	local twin=$program
	built busy-go-stripped build_go -ldflags '-s -w' -o OUT
	run_program
	look_at=(--twin "$program=$twin")
}

start_rust() {
	built busy-rust rustc -O -C strip=symbols -o OUT $PROGRAMS/busy.rs
	run_program
}

start_musl() {
	built busy-musl musl-gcc -O2 -static -o OUT $PROGRAMS/busy.c
	run_program
}

start_static_pie() {
	built busy-static-pie gcc -O2 -static-pie -o OUT $PROGRAMS/busy.c -pthread
	run_program
}

start_cxx() {
	built busy-cxx g++ -std=c++17 -O2 -s -o OUT $PROGRAMS/busy.cc -pthread
	run_program
}
