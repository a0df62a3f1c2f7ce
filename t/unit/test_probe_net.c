/* The net probe over trees of its own. */
#include "t/lib/probe_rig.h"
#include "t/lib/story.h"

#define HEAD "Inter-|   Receive          |  Transmit\n" \
	" face |bytes    packets errs drop fifo frame compressed multicast|" \
	"bytes    packets errs drop fifo colls carrier compressed\n"
#define LO "    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
#define ETH0 "  eth0: 386780809   10409    3    4    5     6          7" \
	"         8   557567    7116    9    10    11     12       13         14\n"
#define VETH "veth1:18446744073709551615 2 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
#define NET "sys/class/net/"

START_TEST(a_card_tells_its_work_and_its_link)
{
	struct rig *r = rig_new();
	const char *eth0 = "interface=\"eth0\"";

	rig_file(r, "proc/net/dev", HEAD LO ETH0 VETH);
	rig_file(r, NET "eth0/device/vendor", "0x8086\n");
	rig_file(r, NET "eth0/carrier", "1\n");
	rig_file(r, NET "eth0/carrier_changes", "42\n");
	rig_file(r, NET "eth0/operstate", "up\n");
	rig_file(r, NET "eth0/speed", "10000\n");
	rig_file(r, NET "veth1/carrier", "1\n");
	rig_run(r);
	ck_assert_uint_eq(r->outcome, TOCSIN_OK);
	ck_sample(r, "net_receive_bytes_total", eth0, 386780809);
	ck_sample(r, "net_receive_errors_total", eth0, 3);
	ck_sample(r, "net_receive_drops_total", eth0, 4);
	ck_sample(r, "net_receive_frame_total", eth0, 6);
	ck_sample(r, "net_transmit_bytes_total", eth0, 557567);
	ck_sample(r, "net_transmit_collisions_total", eth0, 12);
	ck_sample(r, "net_transmit_carrier_total", eth0, 13);
	ck_sample(r, "net_carrier_changes_total", eth0, 42);
	ck_sample(r, "net_carrier", eth0, 1);
	ck_sample(r, "net_up", eth0, 1);
	ck_sample(r, "net_speed_bytes", eth0, 1.25e9);
	ck_assert(!rig_has(r, "net_carrier", "interface=\"veth1\""));
	ck_assert(!rig_has(r, "net_receive_bytes_total", "interface=\"lo\""));
	rig_free(r);
}
END_TEST

START_TEST(without_cards_every_interface_counts)
{
	struct rig *r = rig_new();

	rig_file(r, "proc/net/dev", HEAD LO VETH);
	rig_file(r, NET "veth1/speed", "-1\n");
	rig_file(r, NET "veth1/operstate", "down\n");
	rig_run(r);
	ck_sample(r, "net_receive_packets_total", "interface=\"veth1\"", 2);
	ck_sample(r, "net_up", "interface=\"veth1\"", 0);
	ck_assert(!rig_has(r, "net_speed_bytes", "interface=\"veth1\""));
	ck_assert(!rig_has(r, "net_carrier", "interface=\"veth1\""));
	rig_free(r);
}
END_TEST

START_TEST(what_is_strange_is_skipped)
{
	struct rig *r = rig_new();

	rig_file(r, "proc/net/dev", HEAD ": 1 2\n  ../x: 1 2\n  e\"th: 1 2\n"
		"nocolon\n\n eth9: 1 2 x\n");
	rig_run(r);
	ck_assert_uint_eq(r->outcome, TOCSIN_OK);
	ck_assert_uint_eq(r->n, 2);
	ck_sample(r, "net_receive_packets_total", "interface=\"eth9\"", 2);
	rig_free(r);
}
END_TEST

START_TEST(without_proc_it_could_not_be_measured)
{
	struct rig *r = rig_new();

	rig_run(r);
	ck_assert_uint_eq(r->outcome, TOCSIN_UNKNOWN);
	ck_assert_uint_eq(r->reason, TOCSIN_WHY_UNSUPPORTED);
	rig_file(r, "proc/net/dev", HEAD LO);
	rig_run(r);
	ck_assert_uint_eq(r->outcome, TOCSIN_OK);
	ck_assert_uint_eq(r->n, 0);
	rig_free(r);
}
END_TEST

int
main(void)
{
	return STORIES("net", a_card_tells_its_work_and_its_link,
		without_cards_every_interface_counts, what_is_strange_is_skipped,
		without_proc_it_could_not_be_measured);
}
