#include "t/lib/browser.h"

#include <check.h>
#include <curl/curl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define DRIVER "/usr/bin/chromedriver"
#define CHROMIUM "/usr/bin/chromium"

static size_t
take(char *p, size_t size, size_t n, void *arg)
{
	strbuf_add(arg, p, size * n);
	return size * n;
}

/* "POST /url": the reply's value, a new reference. */
static json_t *
call(struct browser *b, const char *what, json_t *body)
{
	struct strbuf text = { 0 };
	char url[512];
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(NULL,
		"Content-Type: application/json");
	char *sent = body != NULL ? json_dumps(body, 0) : NULL;
	json_t *reply, *value;
	CURLcode rc;

	snprintf(url, sizeof(url), "%s%s", b->url, strchr(what, '/'));
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST,
		what[0] == 'P' ? "POST" : what[0] == 'D' ? "DELETE" : "GET");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &text);
	if (sent != NULL)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, sent);
	rc = curl_easy_perform(curl);
	ck_assert_msg(rc == CURLE_OK, "%s: %s", what, curl_easy_strerror(rc));
	reply = json_loadb(strbuf_str(&text), text.n, 0, NULL);
	value = json_incref(json_object_get(reply, "value"));
	ck_assert_msg(value != NULL && json_object_get(value, "error") == NULL,
		"%s: %s", what, strbuf_str(&text));
	json_decref(reply);
	json_decref(body);
	free(sent);
	strbuf_free(&text);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return value;
}

bool
browser_is_there(void)
{
	return access(DRIVER, X_OK) == 0 && access(CHROMIUM, X_OK) == 0;
}

static long
port_in(const struct strbuf *log)
{
	static const char says[] = "started successfully on port ";
	const char *at = strstr(strbuf_str(log), says);

	if (at == NULL || strchr(at, '.') == NULL)
		return 0;
	return strtol(at + strlen(says), NULL, 10);
}

/* The driver says which port it has taken, or that it gives up. */
static bool
has_spoken(void *arg)
{
	struct browser *b = arg;
	struct strbuf log = { 0 };
	bool spoke;

	it_read(b->it, b->log, &log);
	spoke = port_in(&log) > 0 ||
		strstr(strbuf_str(&log), "Exiting") != NULL;
	strbuf_free(&log);
	return spoke;
}

/*
 * It takes any free port of IPv6 and then wants the same of IPv4, which
 * another may hold: another try, another port.
 */
static void
start_driver(struct browser *b)
{
	const char *argv[] = { DRIVER, "--port=0", NULL };
	struct strbuf log = { 0 };
	long port = 0;

	for (int n = 0; n < 5 && port == 0; n++) {
		snprintf(b->log, sizeof(b->log), "driver%d.log", n);
		b->driver = it_spawn(b->it, b->log, argv);
		it_wait(has_spoken, b, 20);
		log.n = 0;
		it_read(b->it, b->log, &log);
		port = port_in(&log);
		if (port == 0)
			it_end(&b->driver, SIGKILL);
	}
	ck_assert_msg(port > 0, "no driver:\n%s", strbuf_str(&log));
	snprintf(b->url, sizeof(b->url), "http://127.0.0.1:%ld", port);
	strbuf_free(&log);
}

static json_t *
capabilities(struct browser *b)
{
	char profile[128];

	snprintf(profile, sizeof(profile), "--user-data-dir=%s/browser",
		b->it->dir);
	return json_pack("{s:{s:{s:s,s:{s:s,s:[s,s,s,s,s,s,s,s,s,s,s,s]},"
		"s:{s:s}}}}", "capabilities", "alwaysMatch",
		"browserName", "chrome", "goog:chromeOptions",
		"binary", CHROMIUM, "args", "--headless", "--no-sandbox",
		"--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--remote-debugging-pipe", profile,
		"goog:loggingPrefs", "browser", "ALL");
}

void
browser_start(struct browser *b, struct it *it)
{
	json_t *session;
	size_t n;

	*b = (struct browser){ .it = it };
	start_driver(b);
	session = call(b, "POST /session", capabilities(b));
	n = strlen(b->url);
	snprintf(b->url + n, sizeof(b->url) - n, "/session/%s",
		json_string_value(json_object_get(session, "sessionId")));
	json_decref(session);
}

void
browser_end(struct browser *b)
{
	char what[256];
	char *session = strstr(b->url, "/session/");

	snprintf(what, sizeof(what), "DELETE %s", session);
	*session = '\0';
	json_decref(call(b, what, NULL));	/* Chromium ends before its driver */
	it_end(&b->driver, SIGTERM);
}

void
browser_go(struct browser *b, const char *url)
{
	json_decref(call(b, "POST /url", json_pack("{s:s}", "url", url)));
}

json_t *
browser_ask(struct browser *b, const char *cmd, const char *params)
{
	return call(b, "POST /goog/cdp/execute", json_pack("{s:s,s:o}",
		"cmd", cmd, "params", json_loads(params, 0, NULL)));
}

void
browser_tell(struct browser *b, const char *cmd, const char *params)
{
	json_decref(browser_ask(b, cmd, params));
}

void
browser_resize(struct browser *b, int width, int height)
{
	char params[128];

	snprintf(params, sizeof(params), "{\"width\":%d,\"height\":%d,"
		"\"deviceScaleFactor\":1,\"mobile\":false}", width, height);
	browser_tell(b, "Emulation.setDeviceMetricsOverride", params);
}

json_t *
browser_run(struct browser *b, const char *script)
{
	return call(b, "POST /execute/sync", json_pack("{s:s,s:[]}", "script",
		script, "args"));
}

bool
browser_true(struct browser *b, const char *script)
{
	json_t *v = browser_run(b, script);
	bool yes = json_is_true(v);

	json_decref(v);
	return yes;
}

struct wish {
	struct browser *b;
	const char *script;
};

static bool
is_true(void *arg)
{
	struct wish *w = arg;

	return browser_true(w->b, w->script);
}

void
browser_wait(struct browser *b, const char *script, double seconds)
{
	struct wish w = { b, script };
	json_t *text;

	if (it_wait(is_true, &w, seconds))
		return;
	text = browser_run(b, "return document.body.innerText");
	ck_abort_msg("not within %g s: %s\nthe page:\n%.4000s", seconds,
		script, json_string_value(text));
}

void
browser_shoot(struct browser *b, const char *path)
{
	json_t *reply = call(b, "POST /goog/cdp/execute",
		json_pack("{s:s,s:{s:b}}", "cmd", "Page.captureScreenshot",
			"params", "captureBeyondViewport", 1));
	const char *text = json_string_value(json_object_get(reply, "data"));
	struct tc_err e = { 0 };
	size_t n = strlen(text), got;
	unsigned char *png = malloc(n);	/* lint: the test's own */

	ck_assert_int_eq(sodium_base642bin(png, n, text, n, NULL, &got, NULL,
		sodium_base64_VARIANT_ORIGINAL), 0);
	ck_assert_msg(file_write_atomic(path, (char *)png, got, 0644, &e) == 0,
		"%s", e.text);
	free(png);	/* lint: the test's own */
	json_decref(reply);
}

void
browser_no_complaints(struct browser *b)
{
	json_t *log = call(b, "POST /se/log", json_pack("{s:s}", "type",
		"browser"));
	json_t *row;
	size_t i;

	json_array_foreach(log, i, row) {
		const char *level = json_string_value(json_object_get(row,
			"level"));

		ck_assert_msg(strcmp(level, "SEVERE") != 0 &&
			strcmp(level, "WARNING") != 0, "%s: %s", level,
			json_string_value(json_object_get(row, "message")));
	}
	json_decref(log);
}

void
browser_key(struct browser *b, const char *key)
{
	json_t *down = json_pack("{s:s,s:s}", "type", "keyDown", "value", key);
	json_t *up = json_pack("{s:s,s:s}", "type", "keyUp", "value", key);

	json_decref(call(b, "POST /actions", json_pack("{s:[{s:s,s:s,s:[o,o]}]}",
		"actions", "type", "key", "id", "keys", "actions", down, up)));
}
