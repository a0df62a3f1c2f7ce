#include "action/courier.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "base/queue.h"

#define JOBS_MAX 1024
#define POLL_MS 60000	/* woken when there is anything */
#define CONNECT_MS 5000

struct courier {
	struct courier_conf conf;
	CURLM *multi;
	struct queue *todo;
	struct queue *done;
	struct sched_wake *wake;
	pthread_t thread;
	bool started;
	_Atomic bool stopping;
	struct courier_job *running[JOBS_MAX];
	size_t n_running;
};

struct courier_job *
courier_job_new(void)
{
	struct arena *arena = MEM_NEW(struct arena);
	struct courier_job *job;

	if (arena == NULL)
		return NULL;
	job = arena_alloc(arena, sizeof(*job));
	if (job != NULL)
		job->text = arena_alloc(arena, CURL_ERROR_SIZE);
	if (job == NULL || job->text == NULL) {
		arena_free(arena);
		mem_free(arena);
		return NULL;
	}
	job->arena = arena;
	return job;
}

void
courier_job_free(struct courier_job *job)
{
	struct arena *arena;

	if (job == NULL)
		return;
	arena = job->arena;
	arena_free(arena);
	mem_free(arena);
}

/* ---- one transfer ---- */

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct courier_job *job = arg;

	(void)p;
	job->got += size * n;
	if (job->got <= COURIER_REPLY_MAX)
		return size * n;
	job->cut = true;
	return 0;
}

static size_t
give_mail(char *p, size_t size, size_t n, void *arg)
{
	struct courier_job *job = arg;
	size_t room = size * n, left = job->n_body - job->sent;

	if (left > room)
		left = room;
	memcpy(p, job->body + job->sent, left);
	job->sent += left;
	return left;
}

static struct curl_slist *
list_of(const char *const *items)
{
	struct curl_slist *list = NULL;

	for (; items != NULL && *items != NULL; items++) {
		struct curl_slist *longer = curl_slist_append(list, *items);

		if (longer == NULL) {
			curl_slist_free_all(list);
			return NULL;
		}
		list = longer;
	}
	return list;
}

static bool
set_common(const struct courier *c, CURL *h, struct courier_job *job)
{
	CURLcode bad = CURLE_OK;
	long ms = (long)dur_to_ms(job->timeout);

	bad |= curl_easy_setopt(h, CURLOPT_URL, job->url);
	bad |= curl_easy_setopt(h, CURLOPT_PRIVATE, job);
	bad |= curl_easy_setopt(h, CURLOPT_ERRORBUFFER, job->text);
	bad |= curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, ms > 0 ? ms : 1L);
	bad |= curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS,
		ms < CONNECT_MS ? ms : (long)CONNECT_MS);
	bad |= curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 1L);
	bad |= curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 2L);
	bad |= curl_easy_setopt(h, CURLOPT_SSLVERSION,
		(long)CURL_SSLVERSION_TLSv1_2);
	bad |= curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	/* One name that does not resolve must not hold up the others. */
	bad |= curl_easy_setopt(h, CURLOPT_QUICK_EXIT, 1L);
	bad |= curl_easy_setopt(h, CURLOPT_PROXY, "");
	bad |= curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	bad |= curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body);
	bad |= curl_easy_setopt(h, CURLOPT_WRITEDATA, job);
	bad |= curl_easy_setopt(h, CURLOPT_USERAGENT, c->conf.user_agent);
	return bad == CURLE_OK;
}

static bool
set_http(CURL *h, struct courier_job *job)
{
	struct curl_slist *headers = list_of(job->headers);
	CURLcode bad = CURLE_OK;

	job->lists[0] = headers;
	bad |= curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	bad |= curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	bad |= curl_easy_setopt(h, CURLOPT_HTTP_VERSION,
		(long)CURL_HTTP_VERSION_1_1);
	bad |= curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
	bad |= curl_easy_setopt(h, CURLOPT_POST, 1L);
	bad |= curl_easy_setopt(h, CURLOPT_POSTFIELDS, job->body);
	bad |= curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE,
		(curl_off_t)job->n_body);
	return headers != NULL && bad == CURLE_OK;
}

static bool
set_mail(CURL *h, struct courier_job *job)
{
	static const long tls[] = { [COURIER_TLS_NONE] = CURLUSESSL_NONE,
		[COURIER_TLS_TRY] = CURLUSESSL_TRY,
		[COURIER_TLS_ALL] = CURLUSESSL_ALL };
	struct curl_slist *to = list_of(job->mail_to);
	CURLcode bad = CURLE_OK;

	job->lists[1] = to;
	bad |= curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	bad |= curl_easy_setopt(h, CURLOPT_USE_SSL, tls[job->tls]);
	bad |= curl_easy_setopt(h, CURLOPT_MAIL_FROM, job->mail_from);
	bad |= curl_easy_setopt(h, CURLOPT_MAIL_RCPT, to);
	if (job->user[0] != '\0') {
		bad |= curl_easy_setopt(h, CURLOPT_USERNAME, job->user);
		bad |= curl_easy_setopt(h, CURLOPT_PASSWORD, job->password);
	}
	bad |= curl_easy_setopt(h, CURLOPT_UPLOAD, 1L);
	bad |= curl_easy_setopt(h, CURLOPT_READFUNCTION, give_mail);
	bad |= curl_easy_setopt(h, CURLOPT_READDATA, job);
	return to != NULL && bad == CURLE_OK;
}

static void
job_release(struct courier_job *job)
{
	curl_easy_cleanup(job->easy);
	curl_slist_free_all(job->lists[0]);
	curl_slist_free_all(job->lists[1]);
	job->easy = NULL;
	job->lists[0] = job->lists[1] = NULL;
}

static void
hand_back(struct courier *c, struct courier_job *job)
{
	job_release(job);
	if (queue_push(c->done, job) < 0)
		courier_job_free(job);
}

static void
begin(struct courier *c, struct courier_job *job)
{
	CURL *h = curl_easy_init();

	job->easy = h;
	if (h != NULL && c->n_running < JOBS_MAX && set_common(c, h, job) &&
	    (job->mail_from != NULL ? set_mail(h, job) : set_http(h, job)) &&
	    curl_multi_add_handle(c->multi, h) == CURLM_OK) {
		c->running[c->n_running++] = job;
		return;
	}
	(void)tc_fail(&job->err, TC_ENOMEM, "libcurl takes no more");
	hand_back(c, job);
}

static void
explain(struct courier_job *job, CURLcode code)
{
	const char *text = job->text[0] != '\0' ? job->text :
		curl_easy_strerror(code);
	int rc = TC_EIO;

	switch ((int)code) {
	case CURLE_OPERATION_TIMEDOUT:
		rc = TC_ETIMEOUT;
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_LOGIN_DENIED:
		rc = TC_EPERM;
		break;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_GOT_NOTHING:
		rc = TC_EPROTO;
		break;
	}
	(void)tc_fail(&job->err, rc, "%s", text);
}

static void
end(struct courier *c, CURL *h, CURLcode code)
{
	struct courier_job *job;
	curl_off_t after = 0;
	long status = 0;

	curl_easy_getinfo(h, CURLINFO_PRIVATE, &job);
	curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(h, CURLINFO_RETRY_AFTER, &after);
	job->status = (int)status;
	job->retry_after = dur_s(after > 0 && after < 3600 ? after : 0);
	/* A long answer is cut, but its status is an answer all the same. */
	if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && job->cut))
		explain(job, code);
	curl_multi_remove_handle(c->multi, h);
	for (size_t i = 0; i < c->n_running; i++)
		if (c->running[i] == job)
			c->running[i] = c->running[--c->n_running];
	hand_back(c, job);
}

/* ---- the thread ---- */

static void *
courier_main(void *arg)
{
	struct courier *c = arg;
	struct courier_job *job;
	CURLMsg *msg;
	int running, left;

	while (!atomic_load(&c->stopping)) {
		while ((job = queue_try_pop(c->todo)) != NULL)
			begin(c, job);
		curl_multi_perform(c->multi, &running);
		while ((msg = curl_multi_info_read(c->multi, &left)) != NULL)
			if (msg->msg == CURLMSG_DONE)
				end(c, msg->easy_handle, msg->data.result);
		curl_multi_poll(c->multi, NULL, 0, POLL_MS, NULL);
	}
	while (c->n_running > 0) {
		job = c->running[--c->n_running];
		curl_multi_remove_handle(c->multi, job->easy);
		job_release(job);
		courier_job_free(job);
	}
	return NULL;
}

static void
wake_thread(void *multi)
{
	curl_multi_wakeup(multi);
}

static void
on_done(void *arg)
{
	struct courier *c = arg;
	struct courier_job *job;

	while ((job = queue_try_pop(c->done)) != NULL)
		c->conf.done(c->conf.arg, job);
}

static void
drop_job(void *job)
{
	courier_job_free(job);
}

void
courier_close(struct courier *c)
{
	if (c == NULL)
		return;
	atomic_store(&c->stopping, true);
	if (c->started) {
		curl_multi_wakeup(c->multi);
		pthread_join(c->thread, NULL);
	}
	queue_free(c->todo, drop_job);
	queue_free(c->done, drop_job);
	sched_wake_close(c->wake);
	curl_multi_cleanup(c->multi);
	curl_global_cleanup();
	mem_free(c);
}

int
courier_open(const struct courier_conf *conf, struct courier **out,
	struct tc_err *e)
{
	struct courier *c;
	int rc;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return tc_fail(e, TC_ENOMEM, "libcurl does not start");
	c = MEM_NEW(struct courier);
	if (c == NULL) {
		curl_global_cleanup();
		return tc_fail(e, TC_ENOMEM, "out of memory");
	}
	c->conf = *conf;
	c->multi = curl_multi_init();
	c->wake = sched_wake_open(conf->sched, on_done, c, e);
	c->todo = queue_new(JOBS_MAX, wake_thread, c->multi);
	c->done = queue_new(2 * JOBS_MAX, sched_wake_send, c->wake);
	if (c->multi == NULL || c->wake == NULL || c->todo == NULL ||
	    c->done == NULL) {
		courier_close(c);
		return tc_fail(e, TC_ENOMEM, "out of memory");
	}
	rc = pthread_create(&c->thread, NULL, courier_main, c);
	if (rc != 0) {
		courier_close(c);
		return tc_fail_errno(e, rc, "courier");
	}
	pthread_setname_np(c->thread, "courier");
	c->started = true;
	*out = c;
	return 0;
}

int
courier_send(struct courier *c, struct courier_job *job)
{
	return queue_push(c->todo, job);
}
