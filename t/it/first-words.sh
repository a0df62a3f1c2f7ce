#!/bin/sh
# The first hour of somebody new: commands without what they need, with too
# much, with nothing, with names that do not exist, with no server and without
# a token.  Each ends with the code that the manual gives it, and says where
# the matter lies.
set -eu
build=${top_builddir:-.}
dir=$(mktemp -d "${TMPDIR:-/tmp}/tocsin-words-XXXXXX")
server=
count=0
end()
{
	[ -z "$server" ] || { kill "$server" && wait "$server"; } || :
	rm -rf "$dir"
}
trap end EXIT
trap 'exit 1' INT TERM

# answers CODE WANT WORD…: tocsin ends so and says so, on either stream
answers()
{
	code=$1
	want=$2
	shift 2
	count=$((count + 1))
	rc=0
	"$build/tocsin" "$@" > "$dir/out" 2>&1 || rc=$?
	if [ "$rc" -ne "$code" ] || ! grep -qF -- "$want" "$dir/out"; then
		echo "FAIL: tocsin $*: $rc, not $code with '$want': $(cat "$dir/out")"
		exit 1
	fi
}

here=$dir/state
mkdir -p "$here"
cat > "$here/tocsin.yaml" << END
listen: 127.0.0.1:0
state_dir: $here
partitions:
  - name: rack1
    hosts: [{name: h1, address: 127.1.0.1}]
END
# no server yet
answers 1 "connect" status --server http://127.0.0.1:1
answers 2 "begins with http" status --server nonsense
answers 2 "empty" status --server ""
answers 1 "/nowhere: No such file" status --token-file /nowhere

"$build/src/daemon/tocsind" --config "$here/tocsin.yaml" --plugin-dir \
	"$build/probes/ping/.libs" > "$dir/log" 2>&1 &
server=$!
tries=200
until "$build/tocsin" status --state-dir "$here" > /dev/null 2>&1; do
	tries=$((tries - 1))
	if [ $tries -eq 0 ] || ! kill -0 "$server"; then
		echo "FAIL: no server: $(cat "$dir/log")"
		exit 1
	fi
	sleep 0.1	# lint: there is no event to wait for in a shell
done
url=$(cat "$here/server.url")

mkdir "$dir/other"
answers 1 "401" status --server "$url" --state-dir "$dir/other"
answers 1 "other/admin.token" status --server "$url" --state-dir "$dir/other"
set -- --state-dir "$here"
answers 0 "1 host" status "$@"
answers 0 "nobody has said anything" comment "$@"
answers 0 '"items"' comment --json "$@"
answers 0 "is kept" comment host h1 "in hall 2" "$@"
answers 0 "in hall 2" comment "$@"
answers 0 "0 devices on 0 hosts" scorecard "$@"
answers 0 "rack1" config "$@"

answers 2 "no such command; stat" statsu "$@"
answers 2 "one word too many" status extra "$@"
answers 2 "needs HOST" host "$@"
answers 2 "'' is nothing" host "" "$@"
answers 2 "'' is nothing" explain "" "$@"
answers 2 "'' is nothing" healthy-set "" "$@"
answers 2 "no such option; --hosts" maintenance add --host h1 "$@"
answers 2 "maintenance needs --hosts" maintenance impact "$@"
answers 2 "'-1'" hosts --limit -1 "$@"
answers 2 "no count" hosts --limit 999999999999999999999 "$@"
answers 1 "no 'bogus'" hosts --state bogus "$@"
answers 1 "no host nobody" host nobody "$@"
answers 1 "'nobody'" explain nobody "$@"
answers 1 "no host nobody" evacuations nobody "$@"
answers 1 "no host 'nobody'" repair nobody quarantined "$@"
answers 1 "no host 'nobody'" simulate --hosts nobody "$@"
answers 1 "no partition 'nope'" brake release nope --reason x "$@"
answers 1 "no device 'nobody'" outcome failed nobody "$@"
answers 1 "'99'" ack 99 "$@"
answers 2 "tocsin alerts" ack x "$@"
answers 1 "no window '77'" maintenance remove 77 "$@"
answers 1 "no token 77" token revoke 77 "$@"
answers 1 "no host 'nobody' (--new" token create --role agent --host nobody "$@"
answers 1 "/role" token create --role king "$@"
answers 2 "--role" token create "$@"
answers 1 "/nowhere: No such file" import /nowhere "$@"
answers 1 "/nowhere: No such file" backtest --data /nowhere
answers 2 "no day" rehearse --from x --to y "$@"
answers 2 "NAME.so" plugin test /nowhere

rc=0
"$build/src/daemon/tocsind" --check-config --config /nowhere \
	> "$dir/out" 2>&1 || rc=$?
if [ "$rc" -ne 1 ] || ! grep -qx "/nowhere: No such file or directory" \
    "$dir/out"; then
	echo "FAIL: --check-config: $rc, $(cat "$dir/out")"
	exit 1
fi
echo "first words: $count answers, each with its code and its place"
