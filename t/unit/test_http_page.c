/*
 * The files of the page: only those of the list, with the right types, and
 * nothing twice over the wire.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/fake_io.h"
#include "t/lib/http_client.h"
#include "t/lib/story.h"

struct served {
	struct fake_io io;
	struct http *http;
	struct ask ask;
};

static void
begin(struct served *s)
{
	const char *top = getenv("top_srcdir");
	char dir[512];
	struct http_conf conf = { .listen = "127.0.0.1:0", .threads = 1,
		.page_dir = dir };
	struct tc_err e = { 0 };

	snprintf(dir, sizeof(dir), "%s/src/page", top != NULL ? top : ".");
	memset(s, 0, sizeof(*s));
	fake_io_init(&s->io, &(struct fake_fleet){ .n_hosts = 1,
		.generation = 1 });
	ck_assert_msg(http_start(&conf, &s->io.io, &s->http, &e) == 0, "%s",
		e.text);
	s->ask.port = http_port(s->http);
}

static void
end(struct served *s)
{
	http_stop(s->http);
	fake_io_fini(&s->io);
}

static struct answer
get(struct served *s, const char *target)
{
	s->ask.target = target;
	return client_once(&s->ask);
}

START_TEST(the_page_is_html_that_may_load_only_from_here)
{
	struct served s;
	struct answer a;

	begin(&s);
	a = get(&s, "/");
	ck_assert_int_eq(a.status, 200);
	ck_assert_str_eq(answer_header(&a, "Content-Type"),
		"text/html; charset=utf-8");
	ck_assert_str_eq(answer_header(&a, "X-Content-Type-Options"),
		"nosniff");
	ck_assert_ptr_nonnull(strstr(answer_header(&a,
		"Content-Security-Policy"), "default-src 'self';"));
	ck_assert_ptr_nonnull(strstr(a.body, "/page/app.js"));
	ck_assert_ptr_null(strstr(a.body, "style="));
	answer_free(&a);
	end(&s);
}
END_TEST

START_TEST(every_file_it_names_is_there_with_its_type)
{
	static const char *const files[][2] = {
		{ "/page/style.css", "text/css; charset=utf-8" },
		{ "/page/icon.svg", "image/svg+xml" },
		{ "/page/app.js", "text/javascript; charset=utf-8" },
		{ "/page/words.js", "text/javascript; charset=utf-8" },
	};
	struct served s;
	struct answer a;

	begin(&s);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		a = get(&s, files[i][0]);
		ck_assert_msg(a.status == 200, "%s: %d", files[i][0],
			a.status);
		ck_assert_str_eq(answer_header(&a, "Content-Type"),
			files[i][1]);
		answer_free(&a);
	}
	end(&s);
}
END_TEST

START_TEST(what_is_not_in_the_list_does_not_exist)
{
	static const char *const wrong[] = { "/page/Makefile.inc",
		"/page/..%2fhttp%2fopenapi.json", "/page/%2e%2e", "/page/",
		"/page/app.js/x", "/page/APP.JS" };
	struct served s;
	struct answer a;

	begin(&s);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		a = get(&s, wrong[i]);
		ck_assert_msg(a.status == 404 || a.status == 400, "%s: %d",
			wrong[i], a.status);
		answer_free(&a);
	}
	end(&s);
}
END_TEST

START_TEST(who_has_a_file_is_not_sent_it_again)
{
	struct served s;
	struct answer a;
	char header[128];

	begin(&s);
	a = get(&s, "/page/app.js");
	snprintf(header, sizeof(header), "If-None-Match: %s\r\n",
		answer_header(&a, "ETag"));
	answer_free(&a);
	s.ask.headers = header;
	a = get(&s, "/page/app.js");
	ck_assert_int_eq(a.status, 304);
	ck_assert_uint_eq(a.n, 0);
	answer_free(&a);
	a = get(&s, "/page/style.css");
	ck_assert_int_eq(a.status, 200);
	answer_free(&a);
	end(&s);
}
END_TEST

int
main(void)
{
	return STORIES("http_page", the_page_is_html_that_may_load_only_from_here,
		every_file_it_names_is_there_with_its_type,
		what_is_not_in_the_list_does_not_exist,
		who_has_a_file_is_not_sent_it_again);
}
