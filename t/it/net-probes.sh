#!/bin/sh
# ping and tcp on real packets: a client, a router and a target, each in a
# network namespace. Nothing leaves them. Skipped when we may not make any.
set -u
build=${top_builddir:-.}
sweep=$build/t/bench/tocsin-sweep
TOCSIN_PLUGIN_DIR=$build/probes/ping/.libs:$build/probes/tcp/.libs
export TOCSIN_PLUGIN_DIR
a=tocsin-a-$$
r=tocsin-r-$$
t=tocsin-t-$$
passed=0
failed=0

skip()
{
	echo "skipped: $1"
	exit 77
}

[ "$(id -u)" = 0 ] || skip "network namespaces need root"
command -v ip > /dev/null || skip "no ip (iproute2)"
ip netns add "$a" 2> /dev/null || skip "no network namespace may be made here"
tmp=$(mktemp -d) || exit 1
listener=
cleanup()
{
	[ -z "$listener" ] || kill "$listener" 2> /dev/null
	for ns in "$a" "$r" "$t"; do
		ip netns del "$ns" 2> /dev/null
	done
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

in_ns()
{
	ns=$1
	shift
	ip netns exec "$ns" "$@"
}

build_net()
{
	ip netns add "$r" && ip netns add "$t" &&
	ip -n "$a" link set lo up && ip -n "$t" link set lo up &&
	ip -n "$a" link add wire type veth peer name wa netns "$r" &&
	ip -n "$t" link add wire type veth peer name wt netns "$r" &&
	ip -n "$a" addr add 10.9.1.2/24 dev wire &&
	ip -n "$r" addr add 10.9.1.1/24 dev wa &&
	ip -n "$r" addr add 10.9.2.1/24 dev wt &&
	ip -n "$t" addr add 10.9.2.2/24 dev wire &&
	ip -n "$a" link set wire up && ip -n "$r" link set wa up &&
	ip -n "$r" link set wt up && ip -n "$t" link set wire up &&
	ip -n "$a" route add default via 10.9.1.1 &&
	ip -n "$t" route add default via 10.9.2.1 &&
	# what the router has against some of them
	ip -n "$r" route add blackhole 10.9.3.0/24 &&
	ip -n "$r" route add unreachable 10.9.4.0/24 &&
	ip -n "$r" route add prohibit 10.9.5.0/24 &&
	ip -n "$r" route add 10.9.6.0/24 via 10.9.2.2 &&	# and back
	# which tells each source only so often: a source for each of them
	for n in 4 5 99; do
		ip -n "$a" addr add 10.9.1.1$n/32 dev wire &&
		ip -n "$a" route add 10.9.$n.0/24 via 10.9.1.1 \
			src 10.9.1.1$n || return 1
	done
	# and the client's own routes
	ip -n "$a" route add blackhole 198.51.100.0/24 &&
	ip -n "$a" route add prohibit 203.0.113.0/24 &&
	for ns in "$r" "$t"; do
		in_ns "$ns" sysctl -qw net.ipv4.ip_forward=1 \
			net.ipv4.icmp_ratelimit=0 || return 1
	done
	# the kernel sends only so many ICMP messages: none for redirects in a loop
	in_ns "$r" sysctl -qw net.ipv4.conf.all.send_redirects=0 \
		net.ipv4.conf.wt.send_redirects=0 &&
	in_ns "$t" sysctl -qw net.ipv4.conf.all.send_redirects=0 \
		net.ipv4.conf.wire.send_redirects=0 &&
	# one quick question for a neighbour is enough here
	in_ns "$a" sysctl -qw net.ipv4.neigh.wire.mcast_solicit=1 \
		net.ipv4.neigh.wire.retrans_time_ms=100 \
		net.ipv4.ping_group_range='1 0'
}

build_net_6()
{
	ip -n "$a" -6 addr add fd09:1::2/64 dev wire nodad &&
	ip -n "$r" -6 addr add fd09:1::1/64 dev wa nodad &&
	ip -n "$r" -6 addr add fd09:2::1/64 dev wt nodad &&
	ip -n "$t" -6 addr add fd09:2::2/64 dev wire nodad &&
	ip -n "$a" -6 route add default via fd09:1::1 &&
	ip -n "$t" -6 route add default via fd09:2::1 &&
	ip -n "$r" -6 route add unreachable fd09:4::/64 &&
	ip -n "$r" -6 route add prohibit fd09:5::/64 &&
	in_ns "$r" sysctl -qw net.ipv6.conf.all.forwarding=1 \
		net.ipv6.icmp.ratelimit=0
}

# says WHAT PATTERN COMMAND...: a line of the output matches
says()
{
	what=$1
	pattern=$2
	shift 2
	"$@" > "$tmp/out" 2>&1
	also "$what" "$pattern"
}

# also WHAT PATTERN: so does the last output
also()
{
	what=$1
	pattern=$2
	if grep -qE -e "$pattern" "$tmp/out"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL: $what: no line like '$pattern' in:"
		sed 's/^/	/' "$tmp/out"
	fi
}

ping_is()
{
	says "ping $2" "$1" in_ns "$a" "$sweep" -v -t "${3:-300ms}" "$2"
}

tcp_is()
{
	says "tcp $2" "$1" in_ns "$a" "$sweep" -v -p tcp -o port="${3:-8000}" \
		-t "${4:-300ms}" "$2"
}

build_net || skip "the network could not be built"

# ---- ping: once with a raw socket, once with a datagram one ----
for range in '1 0' '0 2147483647'; do
	in_ns "$a" sysctl -qw net.ipv4.ping_group_range="$range"
	ping_is '^10.9.2.2 ok none ping_rtt_seconds=[0-9.e-]+ ping_loss_ratio=0$' \
		10.9.2.2 2s
	ping_is '^10.9.3.1 fail no_reply ping_loss_ratio=1$' 10.9.3.1
	ping_is '^10.9.4.1 fail host_unreachable .*# said by 10.9.1.1 ' 10.9.4.1
	ping_is '^10.9.99.1 fail net_unreachable .*# said by 10.9.1.1 ' 10.9.99.1
	ping_is '^10.9.5.1 fail admin_prohibited .*# said by 10.9.1.1 ' 10.9.5.1
	ping_is '^10.9.6.1 fail ttl_exceeded ' 10.9.6.1
	ping_is '^10.9.1.77 fail host_unreachable .*# said by 10.9.1.2 ' \
		10.9.1.77 5s
	ping_is '^198.51.100.1 unknown local_no_route' 198.51.100.1
	ping_is '^203.0.113.1 unknown local_permission' 203.0.113.1
	says "ping count=5" ' ping_loss_ratio=0 ping_rtt_min.* ping_jitter_sec' \
		in_ns "$a" "$sweep" -v -t 3s -o count=5 -o interval=10ms 10.9.2.2
	says "ping count=5 of the silent" 'fail no_reply ping_loss_ratio=1$' \
		in_ns "$a" "$sweep" -v -t 300ms -o count=5 10.9.3.1
	says "ping size=1472" '^10.9.2.2 ok' \
		in_ns "$a" "$sweep" -v -t 2s -o size=1472 10.9.2.2
	# errors of some must not spoil others of the same batch
	says "ping of all kinds at once" '^10.9.2.2 ok none' \
		in_ns "$a" "$sweep" -v -t 1s 10.9.4.1 198.51.100.1 10.9.5.1 \
		10.9.99.1 10.9.2.2 203.0.113.1 10.9.4.2
	also "ping of all kinds, the sum" '^recv=1 fail=4 unknown=2 '
	says "ping sweep of 1,000" '^recv=1000 fail=0 unknown=0 ' \
		sh -c "seq 1000 | awk '{ printf(\"127.1.%d.%d\\n\", \$1 / 250, \
			\$1 % 250 + 1) }' | ip netns exec $a $sweep -t 5s -f /dev/stdin"
done

# ---- a redirect is advice, no error ----
ip -n "$r" addr add 10.9.1.9/24 dev wa
ip -n "$r" route add 10.9.7.0/24 via 10.9.1.2 2> /dev/null
in_ns "$r" sysctl -qw net.ipv4.conf.all.send_redirects=1 \
	net.ipv4.conf.wa.send_redirects=1
ping_is '^10.9.7.1 fail no_reply' 10.9.7.1
in_ns "$r" sysctl -qw net.ipv4.conf.all.send_redirects=0 \
	net.ipv4.conf.wa.send_redirects=0

# ---- privileges ----
says "ping as nobody, group allowed" '^10.9.2.2 ok none' \
	in_ns "$a" "$sweep" -v -u 65534 -t 2s 10.9.2.2
in_ns "$a" sysctl -qw net.ipv4.ping_group_range='1 0'
says "ping as nobody" '^10.9.2.2 unknown icmp_unavailable' \
	in_ns "$a" "$sweep" -v -u 65534 10.9.2.2

# ---- a full queue is our trouble ----
if ip netns exec "$a" tc qdisc add dev wire root pfifo limit 0 2> /dev/null; then
	ping_is '^10.9.2.2 unknown local_resource' 10.9.2.2
	ip netns exec "$a" tc qdisc del dev wire root
else
	echo "no tc: a full queue is not tried"
fi

# ---- loss, and a packet filter of our own ----
if in_ns "$t" iptables -A INPUT -p icmp -m statistic --mode nth --every 2 \
	--packet 0 -j DROP 2> /dev/null; then
	says "half of the packets lost" '^10.9.2.2 ok none .* ping_loss_ratio=0.5 ' \
		in_ns "$a" "$sweep" -v -t 1s -o count=10 -o interval=10ms 10.9.2.2
	in_ns "$t" iptables -F INPUT
	in_ns "$a" iptables -A OUTPUT -p icmp -j DROP
	ping_is '^10.9.2.2 unknown local_permission' 10.9.2.2
	in_ns "$a" iptables -F OUTPUT
else
	echo "no iptables: loss is not tried"
fi

# ---- names ----
printf 'hosts: files\n' > "$tmp/nsswitch"
says "an unknown name" '^nonexistent.invalid fail name_unknown' \
	in_ns "$a" unshare -m sh -c "mount --bind $tmp/nsswitch \
	/etc/nsswitch.conf && exec $sweep -v nonexistent.invalid"
printf 'hosts: dns\n' > "$tmp/nsswitch"
printf 'nameserver 10.9.3.53\n' > "$tmp/resolv"
says "a dead name server" '^host.example unknown resolver_failed' \
	in_ns "$a" unshare -m sh -c "mount --bind $tmp/nsswitch \
	/etc/nsswitch.conf && mount --bind $tmp/resolv /etc/resolv.conf &&
	exec $sweep -v -t 300ms host.example"

# ---- IPv6 ----
if build_net_6 2> /dev/null; then
	ping_is '^fd09:2::2 ok none' fd09:2::2 3s
	ping_is '^fd09:4::1 (fail|unknown) (host|net)_unreachable .*said by fd09' \
		fd09:4::1 2s
	ping_is '^fd09:5::1 fail admin_prohibited .*said by fd09' fd09:5::1 2s
	tcp_is '^fd09:2::2 fail connect_refused' fd09:2::2 8001 2s
else
	echo "no IPv6 here: not tried"
fi

# ---- tcp ----
mkfifo "$tmp/ready"
ip netns exec "$t" "$sweep" -l 8000 > "$tmp/ready" &	# execs: the pid is its
listener=$!
read -r _ < "$tmp/ready"
tcp_is '^10.9.2.2 ok none tcp_connect_seconds=[0-9.e-]+$' 10.9.2.2
tcp_is '^10.9.2.2 fail connect_refused' 10.9.2.2 8001
tcp_is '^10.9.3.1 fail connect_timeout' 10.9.3.1
# so near that the first error comes while connect() still runs: the second SYN
tcp_is '^10.9.4.1 fail host_unreachable' 10.9.4.1 8000 5s
tcp_is '^10.9.99.1 fail net_unreachable' 10.9.99.1 8000 5s
tcp_is '^198.51.100.1 unknown local_no_route' 198.51.100.1
tcp_is '^203.0.113.1 unknown local_permission' 203.0.113.1
# a socket that was connected serves other targets, and says no wrong of them
says "tcp, sockets used again" '^recv=18 fail=18 unknown=6 ' \
	in_ns "$a" "$sweep" -v -p tcp -o port=8000 -t 4s -n 6 10.9.1.1 \
	10.9.2.2 10.9.4.1 10.9.2.2 198.51.100.1 10.9.99.1 10.9.2.2
cp "$tmp/out" "$tmp/again"
for line in '18 10.9.2.2 ok none' '6 10.9.1.1 fail connect_refused' \
	'6 10.9.4.1 fail host_unreachable' '6 10.9.99.1 fail net_unreachable' \
	'6 198.51.100.1 unknown local_no_route'; do
	says "tcp, sockets used again" "^ *$line\$" \
		sh -c "cut -d ' ' -f 1-3 $tmp/again | sort | uniq -c"
done
says "tcp sweep of 1,000, few descriptors" '^recv=1000 fail=0 unknown=0 ' \
	sh -c "ulimit -n 40; yes 10.9.2.2 | head -n 1000 |
	ip netns exec $a $sweep -p tcp -o port=8000 -t 20s -f /dev/stdin"
in_ns "$a" sysctl -qw net.ipv4.ip_local_port_range='20000 20001'
says "tcp without local ports" '^recv=[0-9]+ fail=[0-9]+ unknown=[1-9]' \
	sh -c "yes 10.9.3.1 | head -n 10 |
	ip netns exec $a $sweep -p tcp -o port=8000 -t 300ms -f /dev/stdin"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
