#include "t/lib/it.h"

#include <check.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "t/lib/scratch.h"

const char *
it_data_dir(void)
{
	static char path[512];
	const char *top = getenv("top_srcdir");

	snprintf(path, sizeof(path), "%s/src/http", top != NULL ? top : ".");
	return path;
}

/* What is installed to one folder lies in two here. */
static void
link_data(struct it *it, const char *name, const char *source)
{
	const char *top = getenv("top_srcdir");
	char here[128], there[512];

	snprintf(here, sizeof(here), "%s/data", it->dir);
	mkdir(here, 0700);
	snprintf(here, sizeof(here), "%s/data/%s", it->dir, name);
	snprintf(there, sizeof(there), "%s/%s", top != NULL ? top : ".",
		source);
	ck_assert_int_eq(symlink(there, here), 0);
}

void
it_init(struct it *it)
{
	memset(it, 0, sizeof(*it));
	snprintf(it->dir, sizeof(it->dir), "/tmp/tocsin-it-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(it->dir));
	link_data(it, "openapi.json", "src/http/openapi.json");
	link_data(it, "page", "src/page");
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

void
it_fini(struct it *it)
{
	if (it->server != 0)
		it_end(&it->server, SIGKILL);
	json_decref(it->openapi);
	scratch_remove(it->dir);
	curl_global_cleanup();
}

static const char *
path_in(const struct it *it, const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s/%s", it->dir, name);
	return out;
}

void
it_write(struct it *it, const char *name, const char *fmt, ...)
{
	char path[256];
	struct tc_err e = { 0 };
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	ck_assert_int_ge(n, 0);
	path_in(it, name, path, sizeof(path));
	ck_assert_msg(file_write_atomic(path, text, (size_t)n, 0600, &e) == 0,
		"%s", e.text);
	free(text);
}

void
it_read(struct it *it, const char *name, struct strbuf *out)
{
	char path[256];

	file_slurp(path_in(it, name, path, sizeof(path)), 0, out, NULL);
}

static void
child_exec(int out, const char *const *argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, 1);
	dup2(out, 2);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* What the children of it_spawn() write to, the latest ones. */
static struct written {
	pid_t pid;
	char path[256];
} written[32];

static void
remember(pid_t pid, const char *path)
{
	static size_t n;
	struct written *w = &written[n++ % ARRAY_LEN(written)];

	w->pid = pid;
	snprintf(w->path, sizeof(w->path), "%s", path);
}

/* A child that crashed says why in its log, which goes with the test. */
static void
show_crash(pid_t pid, int signum)
{
	struct strbuf text = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(written); i++) {
		if (written[i].pid != pid)
			continue;
		file_slurp(written[i].path, 0, &text, NULL);
		fprintf(stderr, "pid %d ended by signal %d; its log:\n%s\n",
			pid, signum, strbuf_str(&text));
	}
	strbuf_free(&text);
}

pid_t
it_spawn(struct it *it, const char *log, const char *const *argv)
{
	char path[256];
	int fd = open(path_in(it, log, path, sizeof(path)),
		O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	pid_t pid;

	ck_assert_int_ge(fd, 0);
	pid = fork();
	if (pid == 0)
		child_exec(fd, argv);
	close(fd);
	ck_assert_int_gt(pid, 0);
	remember(pid, path);
	return pid;
}

int
it_end(pid_t *pid, int signum)
{
	int status = 0;

	if (*pid == 0)
		return 0;
	if (signum != 0)
		kill(*pid, signum);
	while (waitpid(*pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status) && WTERMSIG(status) != signum)
		show_crash(*pid, WTERMSIG(status));
	*pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int
it_run(struct it *it, struct strbuf *out, const char *const *argv)
{
	int fds[2];
	pid_t pid;

	(void)it;
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		child_exec(fds[1], argv);
	close(fds[1]);
	if (out != NULL)
		file_slurp_fd(fds[0], 0, out, NULL);
	else
		file_slurp_fd(fds[0], 0, &(struct strbuf){ 0 }, NULL);
	close(fds[0]);
	return it_end(&pid, 0);
}

bool
it_find(const char *name, char *out, size_t size)
{
	const char *path = getenv("PATH");

	while (path != NULL && *path != '\0') {
		size_t n = strcspn(path, ":");

		snprintf(out, size, "%.*s/%s", (int)n, path, name);
		if (access(out, X_OK) == 0)
			return true;
		path += n + (path[n] == ':');
	}
	return false;
}

/* ---- where things are: the build folder, as make check says ---- */

static const char *
built(const char *name)
{
	static char paths[32][512];	/* in use at once */
	static size_t n;
	const char *top = getenv("top_builddir");
	char *path = paths[n++ % ARRAY_LEN(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", top != NULL ? top : ".", name);
	return path;
}

int
it_listen(uint32_t address, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(address) };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	ck_assert_msg(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
		listen(fd, 1024) == 0, "%08x:%d: %s", address, port,
		strerror(errno));
	return fd;
}

int
it_free_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t n = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, n), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	close(fd);
	return ntohs(in.sin_port);
}

const char *
it_tocsind(void)
{
	return built("src/daemon/tocsind");
}

const char *
it_agent(void)
{
	return built("tocsin-agent");
}

const char *
it_cli(void)
{
	return built("tocsin");
}

const char *
it_smartd(void)
{
	return built("tocsin-smartd");
}

const char *
it_plugin_dir(void)
{
	static const char *const names[] = { "ping", "tcp", "cpu", "memory",
		"disk", "net", "boot", "smart", "http", "tls",
		"dns", "scrape" };
	static char dirs[4096];
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		at += (size_t)snprintf(dirs + at, sizeof(dirs) - at,
			"%s%s/probes/%s/.libs", i > 0 ? ":" : "", built(""),
			names[i]);
	return dirs;
}

/* ---- HTTP ---- */

static size_t
take(char *p, size_t size, size_t n, void *arg)
{
	strbuf_add(arg, p, size * n);
	return size * n;
}

void
it_call(struct it *it, const char *what, const char *token,
	const char *body, struct it_reply *out)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = NULL;
	const char *path = strchr(what, '/');
	char text[512];

	*out = (struct it_reply){ 0 };
	snprintf(text, sizeof(text), "%s%s", it->url, path);
	curl_easy_setopt(curl, CURLOPT_URL, text);
	snprintf(text, sizeof(text), "%.*s", (int)(path - what - 1), what);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, text);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 10000L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &out->text);
	if (body != NULL)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	snprintf(text, sizeof(text), "Authorization: Bearer %s",
		token != NULL ? token : it->admin);
	if (token == NULL || token[0] != '\0')
		headers = curl_slist_append(headers, text);
	headers = curl_slist_append(headers, "Content-Type: application/json");
	headers = curl_slist_append(headers, "Expect:");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out->status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	out->json = json_loadb(strbuf_str(&out->text), out->text.n, 0, NULL);
}

void
it_get(struct it *it, const char *path, struct it_reply *out)
{
	char what[512];

	snprintf(what, sizeof(what), "GET %s", path);
	it_call(it, what, NULL, NULL, out);
}

void
it_reply_fini(struct it_reply *r)
{
	json_decref(r->json);
	strbuf_free(&r->text);
	*r = (struct it_reply){ 0 };
}

json_t *
it_at(json_t *root, const char *where)
{
	char part[128];

	while (root != NULL && *where != '\0') {
		size_t n = strcspn(where, ".");

		snprintf(part, sizeof(part), "%.*s", (int)n, where);
		root = json_is_array(root) ?
			json_array_get(root, (size_t)atol(part)) :	/* lint: test path */
			json_object_get(root, part);
		where += n + (where[n] == '.');
	}
	return root;
}

const char *
it_text(const struct it_reply *r, const char *where)
{
	const char *text = json_string_value(it_at(r->json, where));

	return text != NULL ? text : "";
}

double
it_number(const struct it_reply *r, const char *where)
{
	return json_number_value(it_at(r->json, where));
}

/* ---- waiting ---- */

double
it_now(void)
{
	struct clock *c = clock_system();

	return (double)c->mono(c).ns / 1e9;
}

bool
it_wait(bool (*fn)(void *arg), void *arg, double seconds)
{
	double end = it_now() + seconds;

	while (!fn(arg)) {
		if (it_now() > end)
			return false;
		poll(NULL, 0, 20);
	}
	return true;
}

struct wanted {
	struct it *it;
	const char *path, *where, *want;
};

static bool
is_there(void *arg)
{
	struct wanted *w = arg;
	struct it_reply r;
	bool yes;

	it_get(w->it, w->path, &r);
	yes = strcmp(it_text(&r, w->where), w->want) == 0;
	it_reply_fini(&r);
	return yes;
}

bool
it_wait_text(struct it *it, const char *path, const char *where,
	const char *want, double seconds)
{
	struct wanted w = { it, path, where, want };

	return it_wait(is_there, &w, seconds);
}

static bool
answers(struct it *it, const char *what)
{
	struct strbuf text = { 0 };
	struct it_reply r;
	bool yes;

	it_read(it, "state/server.url", &text);
	snprintf(it->url, sizeof(it->url), "%.*s",
		(int)strcspn(strbuf_str(&text), "\n"), strbuf_str(&text));
	strbuf_free(&text);
	if (it->url[0] == '\0')
		return false;
	it_call(it, what, "", NULL, &r);
	yes = r.status == 200;
	it_reply_fini(&r);
	return yes;
}

static bool
is_ready(void *arg)
{
	return answers(arg, "GET /readyz");
}

static bool
is_alive(void *arg)
{
	return answers(arg, "GET /healthz");
}

static void
start_server(struct it *it, bool (*up)(void *))
{
	char config[256], data[256];
	const char *argv[] = { it_tocsind(), "--config",
		path_in(it, "tocsin.yaml", config, sizeof(config)),
		"--plugin-dir", it_plugin_dir(), "--data-dir",
		path_in(it, "data", data, sizeof(data)), NULL };
	char url[256];
	struct strbuf text = { 0 };

	unlink(path_in(it, "state/server.url", url, sizeof(url)));
	it->server = it_spawn(it, "server.log", argv);
	if (!it_wait(up, it, 20)) {
		it_read(it, "server.log", &text);
		ck_abort_msg("not ready:\n%s", strbuf_str(&text));
	}
	it_read(it, "state/admin.token", &text);
	snprintf(it->admin, sizeof(it->admin), "%.*s",
		(int)strcspn(strbuf_str(&text), "\n"), strbuf_str(&text));
	strbuf_free(&text);
}

void
it_start_server(struct it *it)
{
	start_server(it, is_ready);
}

void
it_start_degraded(struct it *it)
{
	start_server(it, is_alive);
}
