/*
 * scrape: pages of other people's exporters, through the real plugin, over
 * real sockets.
 */
#include <arpa/inet.h>
#include <check.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "probe/runner.h"
#include "sched/sched.h"
#include "t/lib/fake_http.h"
#include "t/lib/it.h"
#include "t/lib/story.h"

#define PATIENCE_S 30
#define METRICS_MAX 4096

struct seen {
	char name[128];
	char instance[256];
	double v;
};

struct story {
	struct sched *s;
	struct runner *r;
	struct sched_timer patience;
	/* the server's thread reads these */
	const char *_Atomic page;
	_Atomic int status;
	_Atomic bool hang;
	/* of the last run */
	bool done;
	enum tocsin_outcome outcome;
	enum tocsin_reason reason;
	char text[256];
	struct seen metrics[METRICS_MAX];
	size_t n;
	struct {
		char serial[64], model[64];
		enum tocsin_reason reason;
		struct seen metrics[64];
		size_t n;
	} drives[4];
	size_t n_drives;
};

static struct story the_story;

static size_t
keep(struct seen *into, size_t max, const struct observation *ob)
{
	size_t n = ob->n_metrics < max ? ob->n_metrics : max;

	for (size_t i = 0; i < n; i++) {
		snprintf(into[i].name, sizeof(into[i].name), "%s",
			ob->metrics[i].name);
		snprintf(into[i].instance, sizeof(into[i].instance), "%s",
			ob->metrics[i].instance);
		into[i].v = metric_number(&ob->metrics[i]);
	}
	return n;
}

static void
on_result(void *arg, uint32_t check, uint32_t seq, const struct observation *ob,
	bool last)
{
	struct story *st = arg;

	(void)check;
	(void)seq;
	if (!last) {
		size_t i = st->n_drives++;

		ck_assert_uint_lt(i, ARRAY_LEN(st->drives));
		ck_assert_str_eq(ob->device.kind, "disk");
		snprintf(st->drives[i].serial, 64, "%s", ob->device.serial);
		snprintf(st->drives[i].model, 64, "%s", ob->device.model);
		st->drives[i].reason = ob->reason;
		st->drives[i].n = keep(st->drives[i].metrics, 64, ob);
		return;
	}
	st->done = true;
	st->outcome = ob->outcome;
	st->reason = ob->reason;
	snprintf(st->text, sizeof(st->text), "%s", ob->text);
	st->n = keep(st->metrics, METRICS_MAX, ob);
	sched_stop(st->s);
}

static void
give_up(void *arg, struct mono now)
{
	(void)now;
	sched_stop(((struct story *)arg)->s);
}

static struct story *
begin(void)
{
	struct story *st = &the_story;
	struct runner_conf conf = { .clock = clock_system(), .arg = st,
		.plugin_dir = it_plugin_dir(), .on_result = on_result };
	struct tc_err e = { 0 };

	signal(SIGPIPE, SIG_IGN);	/* lint: as the daemon does */
	*st = (struct story){ .status = 200 };
	st->s = sched_new(&e);
	conf.sched = st->s;
	st->r = runner_new(&conf, &e);
	ck_assert_msg(st->r != NULL, "%s", e.text);
	ck_assert_msg(runner_load(st->r, "scrape", &e) == 0, "%s", e.text);
	sched_timer_init(&st->patience, give_up, st);
	return st;
}

static void
finish(struct story *st)
{
	runner_free(st->r);
	sched_free(st->s);
}

struct wish {
	int port;
	const char *option;	/* "body_max=1KiB", or NULL */
	struct dur timeout;
};

static void
scrape(struct story *st, struct wish w)
{
	struct tocsin_value v[16];
	const struct tocsin_opt *rows = runner_opts(st->r, "scrape");
	struct engine_run run = { .check = 1, .seq = 1, .probe = "scrape",
		.host = "h1", .address = "127.0.0.1", .opt_rows = rows,
		.opts = v,
		.timeout = w.timeout.ns != 0 ? w.timeout : dur_s(10) };

	for (size_t i = 0; rows[i].name != NULL; i++) {
		size_t n = strlen(rows[i].name);

		v[i] = runner_defaults(st->r, "scrape")[i];
		if (strcmp(rows[i].name, "port") == 0)
			v[i].i = w.port;
		if (w.option != NULL && strncmp(w.option, rows[i].name, n) == 0 &&
		    w.option[n] == '=')
			ck_assert_int_eq(runner_opt_parse(&rows[i],
				w.option + n + 1, &v[i], NULL), 0);
	}
	st->done = false;
	st->n = st->n_drives = 0;
	sched_at(st->s, &st->patience,
		mono_add(sched_now(st->s), dur_s(PATIENCE_S)));
	runner_start(st->r, &run, 1);
	sched_run(st->s);
	ck_assert(st->done);
}

static double
value_in(const struct seen *in, size_t n, const char *name,
	const char *instance)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(in[i].name, name) == 0 &&
		    strcmp(in[i].instance, instance) == 0)
			return in[i].v;
	return NAN;
}

#define ck_value(st, name, instance, want) ck_assert_double_eq_tol( \
	value_in((st)->metrics, (st)->n, name, instance), want, 1e-9)

static void
serve(void *arg, const struct fake_request *q, struct fake_reply *out)
{
	struct story *st = arg;

	(void)q;
	out->status = st->status;
	out->type = "text/plain; version=0.0.4";
	out->body = st->page;
	out->hang = st->hang;
}

static const char node_page[] =
	"# HELP node_cpu_seconds_total Seconds\n"
	"# TYPE node_cpu_seconds_total counter\n"
	"node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} 10.5\n"
	"node_cpu_seconds_total{cpu=\"1\",mode=\"idle\"} 20\n"
	"node_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 1e+03\n"
	"node_memory_MemAvailable_bytes 1.6777216e+10\n"
	"node_memory_AnonPages_bytes 4096\n"
	"node_disk_read_time_seconds_total{device=\"sda\"} 12.25\n"
	"node_pressure_io_stalled_seconds_total 3.5\n"
	"node_network_receive_errs_total{device=\"eth0\"} 7\n"
	"node_network_carrier_changes_total{device=\"eth0\"} 2\n"
	"node_vmstat_pswpin 2\n"
	"node_edac_correctable_errors_total{controller=\"0\"} 5\n"
	"node_uname_info{sysname=\"Linux\",nodename=\"x\"} 1\n"
	"go_goroutines 8\n"
	"node_hwmon_temp_celsius{sensor=\"temp1\",chip=\"b\"} NaN\n"
	"node_load1 0.5 1767225600000\n"
	"MyApp:requests_total{path=\"/a\\\"b\",code=\"200\"} 3\n";

START_TEST(r030_a_node_exporter_looks_as_our_agent_does)
{
	struct story *st = begin();
	struct fake_http *f = fake_http_start(0, serve, st);

	st->page = node_page;
	/* The second time the series are known. */
	for (int i = 0; i < 2; i++) {
		scrape(st, (struct wish){ fake_http_port(f) });
		ck_assert_msg(st->outcome == TOCSIN_OK, "%s", st->text);
		ck_value(st, "cpu_seconds_total", "mode=\"idle\"", 30.5);
		ck_value(st, "cpu_seconds_total", "mode=\"user\"", 1000);
		ck_value(st, "memory_available_bytes", "", 16777216000.0);
		ck_value(st, "memory_anon_pages_bytes", "", 4096);
		ck_value(st, "disk_read_seconds_total", "device=\"sda\"", 12.25);
		ck_value(st, "psi_io_full_seconds_total", "", 3.5);
		ck_value(st, "net_receive_errors_total",
			"interface=\"eth0\"", 7);
		ck_value(st, "net_carrier_changes_total",
			"interface=\"eth0\"", 2);
		ck_value(st, "swap_in_bytes_total", "", 8192);
		ck_value(st, "memory_corrected_errors_total",
			"controller=\"mc0\"", 5);
		ck_value(st, "load1", "", 0.5);
		ck_value(st, "my_app_requests_total",
			"code=\"200\",path=\"/a\\\"b\"", 3);
		ck_value(st, "scrape_series", "", 12);
		ck_assert_uint_eq(st->n, 16);
	}
	fake_http_stop(f);
	finish(st);
}
END_TEST

#define DEV "device=\"sda\""
#define ATTR(id, name, type, v) "smartctl_device_attribute{attribute_id=\"" id \
	"\",attribute_name=\"" name "\",attribute_value_type=\"" type "\"," DEV \
	"} " v "\n"

static const char smart_page[] =
	"smartctl_device{ata_version=\"ACS-3\"," DEV ",firmware_version=\"MC52\","
	"interface=\"sat\",model_family=\"Seagate\",model_name=\"ST4000DM000\","
	"protocol=\"ATA\",serial_number=\"Z300ABCD\"} 1\n"
	ATTR("197", "Current_Pending_Sector", "raw", "16")
	ATTR("197", "Current_Pending_Sector", "value", "98")
	ATTR("5", "Reallocated_Sector_Ct", "raw", "8")
	"smartctl_device_temperature{" DEV ",temperature_type=\"current\"} 33\n"
	"smartctl_device_temperature{" DEV ",temperature_type=\"drive_trip\"} 0\n"
	"smartctl_device_power_on_seconds{" DEV "} 3.6e+06\n"
	"smartctl_device_capacity_bytes{" DEV "} 4.000787030016e+12\n"
	"smartctl_device_smart_status{" DEV "} 1\n"
	"smartctl_device_media_errors{" DEV "} 0\n"
	"smartctl_device{device=\"nvme0\",model_name=\"INTEL SSDPE2KX\","
	"protocol=\"NVMe\",serial_number=\"PHLJ1\"} 1\n"
	"smartctl_device_percentage_used{device=\"nvme0\"} 12\n"
	"smartctl_device_available_spare{device=\"nvme0\"} 100\n"
	"smartctl_device_smart_status{device=\"nvme0\"} 0\n"
	"smartctl_device_smart_status{device=\"nobody\"} 0\n"
	"smartctl_version{version=\"7.3\"} 1\n";

START_TEST(a_smartctl_exporter_speaks_of_drives)
{
	struct story *st = begin();
	struct fake_http *f = fake_http_start(0, serve, st);

	st->page = smart_page;
	scrape(st, (struct wish){ fake_http_port(f) });
	ck_assert_msg(st->outcome == TOCSIN_OK, "%s", st->text);
	ck_assert_uint_eq(st->n_drives, 2);
	ck_assert_str_eq(st->drives[0].serial, "Z300ABCD");
	ck_assert_str_eq(st->drives[0].model, "ST4000DM000");
#define ck_drive(i, name, want) ck_assert_double_eq_tol(value_in( \
	st->drives[i].metrics, st->drives[i].n, name, ""), want, 1e-9)
	ck_drive(0, "smart_197_raw", 16);
	ck_drive(0, "pending_sectors", 16);
	ck_drive(0, "reallocated_sectors", 8);
	ck_drive(0, "temperature_celsius", 33);
	ck_drive(0, "power_on_hours", 1000);
	ck_drive(0, "capacity_bytes", 4000787030016);
	ck_assert_double_eq(value_in(st->drives[0].metrics, st->drives[0].n,
		"firmware_info", "version=\"MC52\""), 1);
	ck_assert(isnan(value_in(st->drives[0].metrics, st->drives[0].n,
		"media_errors", "")));
	ck_drive(1, "wear_ratio", 0.12);
	ck_drive(1, "spare_ratio", 1);
	ck_assert_int_eq(st->drives[1].reason, TOCSIN_WHY_DEVICE_FAILED);
	fake_http_stop(f);
	finish(st);
}
END_TEST

#define SDA "disk=\"/dev/sda\",type=\"sat\""
#define RAID(n) "disk=\"/dev/bus/0\",type=\"megaraid," n "\""
static const char smartmon_page[] =
	"smartmon_smartctl_version{version=\"7.3\"} 1\n"
	"smartmon_device_active{" SDA "} 1\n"
	"smartmon_device_info{" SDA ",vendor=\"\",product=\"\",revision=\"\","
	"lun_id=\"\",model_family=\"Seagate\",device_model=\"ST4000DM000\","
	"serial_number=\"Z300ABCD\",firmware_version=\"CC\\\\52\"} 1\n"
	"smartmon_device_smart_healthy{" SDA "} 0\n"
	"smartmon_current_pending_sector_raw_value{" SDA
	",smart_id=\"197\"} 1.600000e+01\n"
	"smartmon_current_pending_sector_value{" SDA ",smart_id=\"197\"} 98\n"
	"smartmon_command_timeout_raw_value{" SDA
	",smart_id=\"188\"} 4.295033e+09\n"
	"smartmon_device_info{" RAID("1") ",vendor=\"SEAGATE\",product="
	"\"ST600MM0088\",revision=\"N003\",serial_number=\"W420\"} 1\n"
	"smartmon_grown_defects_count_raw_value{" RAID("1")
	",smart_id=\"12\"} 3\n"
	"smartmon_device_info{" RAID("2") ",product=\"ST600MM0088\","
	"serial_number=\"W421\"} 1\n";

START_TEST(the_smartmon_text_file_speaks_of_drives)
{
	struct story *st = begin();
	struct fake_http *f = fake_http_start(0, serve, st);

	st->page = smartmon_page;
	scrape(st, (struct wish){ fake_http_port(f) });
	ck_assert_msg(st->outcome == TOCSIN_OK, "%s", st->text);
	ck_assert_uint_eq(st->n_drives, 3);
	ck_assert_str_eq(st->drives[0].serial, "Z300ABCD");
	ck_assert_str_eq(st->drives[0].model, "ST4000DM000");
	ck_assert_int_eq(st->drives[0].reason, TOCSIN_WHY_DEVICE_FAILED);
	ck_drive(0, "smart_197_raw", 16);
	ck_drive(0, "pending_sectors", 16);
	ck_assert_double_eq(value_in(st->drives[0].metrics, st->drives[0].n,
		"firmware_info", "version=\"CC??52\""), 1);
	/* rounded: what is packed in it is lost */
	ck_assert(isnan(value_in(st->drives[0].metrics, st->drives[0].n,
		"smart_188_raw", "")));
	ck_assert_str_eq(st->drives[1].serial, "W420");
	ck_assert_str_eq(st->drives[1].model, "ST600MM0088");
	ck_drive(1, "grown_defects", 3);
	ck_assert_double_eq(value_in(st->drives[1].metrics, st->drives[1].n,
		"firmware_info", "version=\"N003\""), 1);
	ck_assert_str_eq(st->drives[2].serial, "W421");
	ck_assert(isnan(value_in(st->drives[2].metrics, st->drives[2].n,
		"firmware_info", "version=\"N003\"")));
	ck_value(st, "smartmon_device_active", SDA, 1);
	fake_http_stop(f);
	finish(st);
}
END_TEST

START_TEST(what_is_wrong_says_so)
{
	struct story *st = begin();
	struct fake_http *f = fake_http_start(0, serve, st);
	int port = fake_http_port(f);

	st->page = "a 1\n<html>no\n";
	scrape(st, (struct wish){ port });
	ck_assert_int_eq(st->reason, TOCSIN_WHY_BAD_RESPONSE);
	ck_assert_str_eq(st->text, "line 2: not the name of a metric");
	st->page = "a x\n";
	scrape(st, (struct wish){ port });
	ck_assert_str_eq(st->text, "line 1: not a number");
	st->status = 404;
	scrape(st, (struct wish){ port });
	ck_assert_int_eq(st->reason, TOCSIN_WHY_BAD_RESPONSE);
	ck_assert_str_eq(st->text, "HTTP 404");
	st->status = 302;
	scrape(st, (struct wish){ port });
	ck_assert_str_eq(st->text, "HTTP 302");
	st->status = 200;
	st->page = smart_page;
	scrape(st, (struct wish){ port, "body_max=1KiB", { 0 } });
	ck_assert_int_eq(st->reason, TOCSIN_WHY_BAD_RESPONSE);
	ck_assert_str_eq(st->text, "the page is too long");
	st->status = 0;
	scrape(st, (struct wish){ port });
	ck_assert_int_eq(st->outcome, TOCSIN_FAIL);
	st->status = 200;
	st->hang = true;
	scrape(st, (struct wish){ port, NULL, dur_ms(300) });
	ck_assert_int_eq(st->reason, TOCSIN_WHY_RESPONSE_TIMEOUT);
	fake_http_stop(f);
	scrape(st, (struct wish){ port });
	ck_assert_int_eq(st->reason, TOCSIN_WHY_CONNECT_REFUSED);
	finish(st);
}
END_TEST

START_TEST(a_host_has_two_thousand_series_at_most)
{
	struct story *st = begin();
	struct fake_http *f = fake_http_start(0, serve, st);
	struct strbuf page = { 0 };

	for (int i = 0; i < 5000; i++)
		strbuf_printf(&page, "many{i=\"%d\"} %d\n", i, i);
	st->page = page.p;
	scrape(st, (struct wish){ fake_http_port(f) });
	ck_assert_int_eq(st->outcome, TOCSIN_OK);
	ck_assert_uint_eq(st->n, 2004);
	ck_value(st, "scrape_series_dropped", "", 3000);
	ck_value(st, "many", "i=\"1999\"", 1999);
	fake_http_stop(f);
	strbuf_free(&page);
	finish(st);
}
END_TEST

START_TEST(a_real_node_exporter_is_scraped)
{
	static const char *const wanted[] = { "memory_available_bytes",
		"memory_total_bytes", "load1", "context_switches_total",
		"boot_time_seconds" };
	char program[256];
	struct story *st = begin();
	struct it it;
	char listen[64];
	int port = it_free_port();
	const char *argv[] = { program, listen, NULL };
	pid_t pid;

	if (!it_find("prometheus-node-exporter", program, sizeof(program))) {
		printf("skipped: no prometheus-node-exporter here\n");
		finish(st);
		return;
	}
	it_init(&it);
	snprintf(listen, sizeof(listen), "--web.listen-address=127.0.0.1:%d",
		port);
	pid = it_spawn(&it, "exporter", argv);
	for (double until = it_now() + 20; it_now() < until;) {
		scrape(st, (struct wish){ port });
		if (st->outcome == TOCSIN_OK)
			break;
	}
	ck_assert_msg(st->outcome == TOCSIN_OK, "%s", st->text);
	ck_assert_uint_gt(st->n, 100);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		ck_assert_msg(value_in(st->metrics, st->n, wanted[i], "") >= 0,
			"no %s", wanted[i]);
	ck_assert_double_gt(value_in(st->metrics, st->n, "cpu_seconds_total",
		"mode=\"idle\""), 0);
	for (size_t i = 0; i < st->n; i++)
		ck_assert_ptr_null(strstr(st->metrics[i].name, "node_"));
	it_end(&pid, SIGTERM);
	it_fini(&it);
	finish(st);
}
END_TEST

int
main(void)
{
	return STORIES("scrape", r030_a_node_exporter_looks_as_our_agent_does,
		a_smartctl_exporter_speaks_of_drives,
		the_smartmon_text_file_speaks_of_drives, what_is_wrong_says_so,
		a_host_has_two_thousand_series_at_most,
		a_real_node_exporter_is_scraped);
}
