/*
 * The real tocsind: roles and VMs from the configuration, a dead listener, a
 * hypervisor's words, a silent agent, kill -9; every reply held against
 * openapi.json where it is about units.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "t/lib/it_schema.h"
#include "t/lib/story.h"

static void
begin(struct it *it, int port)
{
	it_init(it);
	it_write(it, "tocsin.yaml", "listen: 127.0.0.1:0\nstate_dir: %s/state\n"
		"defaults: {interval: 300ms, timeout: 300ms, recheck: 0s}\n"
		"units: {heartbeat: 1s, grace: 4s, never_connected: 2s, "
		"reported_exit: 1s}\n"
		"partitions:\n"
		"  - name: rack1\n"
		"    hosts:\n"
		"      - name: h1\n"
		"        address: 127.0.0.1\n"
		"        checks: [{probe: tcp, port: %d, name: alive}]\n"
		"        vms:\n"
		"          - name: v1\n"
		"            class: stateless\n"
		"            agent: none\n"
		"            roles: [{name: web, class: stateless, "
		"address: 127.0.0.1, checks: [{probe: tcp, port: %d}]}]\n"
		"          - {name: v2, class: stateful, agent: tocsin}\n"
		"      - {name: h2, address: 127.0.0.1}\n", it->dir, port + 1,
		port);
	it_start_server(it);
}

static void
matches(struct it *it, const char *path, const char *pattern)
{
	struct it_reply r;

	it_get(it, path, &r);
	ck_assert_int_eq(r.status, 200);
	it_fits(it, "get", pattern, &r);
	it_reply_fini(&r);
}

static void
vm_says(struct it *it, const char *vm, const char *state)
{
	char body[300];
	struct it_reply r;

	snprintf(body, sizeof(body), "{\"host\":\"h1\",\"vm\":\"%s\","
		"\"vm_state\":\"%s\",\"source\":\"libvirt\"}", vm, state);
	it_call(it, "POST /v1/signals", NULL, body, &r);
	ck_assert_msg(r.status == 200, "%s", strbuf_str(&r.text));
	it_fits(it, "post", "/v1/signals", &r);
	it_reply_fini(&r);
}

static int
unit_id(struct it *it, const char *path)
{
	struct it_reply r;
	json_t *u;
	size_t i;
	int id = 0;

	it_get(it, "/v1/hosts/h1/vms", &r);
	json_array_foreach(it_at(r.json, "items"), i, u)
		if (strcmp(json_string_value(json_object_get(u, "path")),
			path) == 0)
			id = (int)json_integer_value(json_object_get(u, "id"));
	it_reply_fini(&r);
	ck_assert_int_ne(id, 0);
	return id;
}

/* tocsin WORD HOST in text; it says all of these. */
static void
says(struct it *it, const char *word, const char *const *wanted)
{
	char state[128];
	struct strbuf out = { 0 };
	const char *argv[] = { it_cli(), word, "h1", "--state-dir", state,
		NULL };

	snprintf(state, sizeof(state), "%s/state", it->dir);
	ck_assert_int_eq(it_run(it, &out, argv), 0);
	for (; *wanted != NULL; wanted++)
		ck_assert_msg(strstr(strbuf_str(&out), *wanted) != NULL,
			"%s: no '%s' in\n%s", word, *wanted,
			strbuf_str(&out));
	strbuf_free(&out);
}

START_TEST(the_four_layers_of_a_real_server)
{
	int port = it_free_port(), fd, id, id2;
	char unit[64], unit2[64];
	struct it_reply r;
	struct it it;

	fd = it_listen(INADDR_LOOPBACK, port);
	begin(&it, port);
	id = unit_id(&it, "v1/web");
	snprintf(unit, sizeof(unit), "/v1/units/%d", id);
	ck_assert(it_wait_text(&it, unit, "health", "healthy", 20));
	matches(&it, "/v1/tree", "/v1/tree");
	matches(&it, "/v1/hosts/h1", "/v1/hosts/{h}");
	matches(&it, "/v1/hosts/h1/effective-config",
		"/v1/hosts/{h}/effective-config");
	printf("R-001: partition, host, VM, role and check from the daemon\n");

	close(fd);
	ck_assert(it_wait_text(&it, unit, "action", "role.out_of_rotation",
		20));
	it_get(&it, unit, &r);
	ck_assert_str_eq(it_text(&r, "convicted_by.0"), "outside");
	ck_assert_str_eq(it_text(&r, "signals.outside"), "unhealthy");
	it_reply_fini(&r);
	printf("R-006: a dead listener takes its role out of rotation\n");
	printf("R-007: the verdict says who convicted\n");

	snprintf(unit2, sizeof(unit2), "/v1/units/%d", unit_id(&it, "v1"));
	vm_says(&it, "v1", "running");
	ck_assert(it_wait_text(&it, unit2, "health", "healthy", 20));
	vm_says(&it, "v1", "crashed");
	ck_assert(it_wait_text(&it, unit2, "reason", "vm_crashed", 20));
	ck_assert(it_wait_text(&it, unit2, "action", "restart.fresh_disk",
		20));
	printf("R-013: the hypervisor speaks for a VM without agent\n");
	printf("R-012: a stateless VM may begin with a fresh disk\n");

	id2 = unit_id(&it, "v2");
	snprintf(unit2, sizeof(unit2), "/v1/units/%d", id2);
	ck_assert(it_wait_text(&it, "/v1/alerts?kind=agent_silent",
		"items.0.kind", "agent_silent", 20));
	printf("R-051: an agent that never connected is told\n");
	ck_assert(it_wait_text(&it, unit2, "reason", "never_connected", 20));
	ck_assert(it_wait_text(&it, unit2, "action", "restart.keep_disk",
		20));
	matches(&it, unit2, "/v1/units/{id}");
	matches(&it, "/v1/evacuations", "/v1/evacuations");

	says(&it, "host", (const char *const[]){ "VMs and roles", "v1/web",
		"restart.fresh_disk", "restart.keep_disk", NULL });
	says(&it, "explain", (const char *const[]){ "vm v2 is unhealthy",
		"advice: restart.keep_disk", NULL });
	/* Its role is not the matter while its VM is down. */
	ck_assert(it_wait_text(&it, unit, "health", "unreachable", 20));
	/* kill -9: the same verdicts, the same ids, at once */
	it_end(&it.server, SIGKILL);
	it_start_server(&it);
	ck_assert_int_eq(unit_id(&it, "v2"), id2);
	it_get(&it, unit2, &r);
	ck_assert_str_eq(it_text(&r, "health"), "unhealthy");
	ck_assert_str_eq(it_text(&r, "reason"), "never_connected");
	it_reply_fini(&r);
	it_get(&it, unit, &r);
	ck_assert_str_eq(it_text(&r, "health"), "unreachable");
	it_reply_fini(&r);
	printf("R-052: its reason stands after kill -9\n");

	fd = it_listen(INADDR_LOOPBACK, port);
	ck_assert(it_wait_text(&it, unit, "health", "healthy", 20));
	close(fd);
	ck_assert_int_eq(it_end(&it.server, SIGTERM), 0);
	it_fini(&it);
}
END_TEST

int
main(void)
{
	return STORIES("layers", the_four_layers_of_a_real_server);
}
