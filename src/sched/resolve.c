#include "sched/resolve.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/queue.h"

#define THREADS_MAX 4
#define ASKS_MAX 65536
#define NAMES_MAX 65536
#define FRESH_S 60
#define LAST_GOOD_S 3600
#define NO_SUCH_NAME_S 5

typedef void ask_fn(void *arg, const char *name, struct sched_addr *out);

/* What the threads see; the last one out frees it. */
struct shared {
	pthread_mutex_t lock;
	unsigned refs;
	bool closing;
	struct sched_wake *wake;	/* NULL once closing */
	struct queue *asks;
	struct queue *answers;
	ask_fn *ask;
	void *ask_arg;
};

struct name {
	char *text;
	struct sched_addr good;
	struct mono good_at;	/* 0 = never */
	struct mono absent_at;	/* "no such name" */
	bool asked;
	struct list waiting;
};

struct ask {
	struct name *name;	/* the loop's */
	char *text;
	struct sched_addr answer;
};

struct sched_lookup {
	struct list link;
	struct sched_resolver *resolver;
	struct sched_timer deadline;
	void (*fn)(void *arg, const struct sched_addr *answer);
	void *arg;
};

struct sched_resolver {
	struct sched *sched;
	struct sched_wake *wake;
	struct shared *shared;
	struct hash names;
	unsigned threads;
	unsigned asked;
};

/* ---- the threads' side ---- */

static int
code_of(int eai)
{
	switch (eai) {
	case EAI_NONAME:
#ifdef EAI_NODATA
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
#endif
		return TC_ENOENT;
	case EAI_AGAIN:
		return TC_EAGAIN;
	default:
		return TC_EIO;
	}
}

/* RFC 6761 6.3: it is loopback, even where no /etc/hosts says so. */
static void
answer_localhost(struct sched_addr *out)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memcpy(&out->sa, &in, sizeof(in));
	out->len = sizeof(in);
	out->rc = 0;
}

static void
ask_system(void *arg, const char *name, struct sched_addr *out)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *all = NULL;
	int eai = getaddrinfo(name, NULL, &hints, &all);

	(void)arg;
	out->rc = eai != 0 ? code_of(eai) : TC_ENOENT;
	if (eai != 0 && strcasecmp(name, "localhost") == 0)
		answer_localhost(out);
	if (eai != 0)
		return;
	for (struct addrinfo *a = all; a != NULL && out->rc != 0; a = a->ai_next) {
		if (a->ai_addrlen > sizeof(out->sa))
			continue;
		out->rc = 0;
		out->len = a->ai_addrlen;
		memcpy(&out->sa, a->ai_addr, a->ai_addrlen);
	}
	freeaddrinfo(all);
}

static void
free_ask(void *arg)
{
	struct ask *ask = arg;

	mem_free(ask->text);
	mem_free(ask);
}

static void
shared_put(struct shared *sh)
{
	bool last;

	pthread_mutex_lock(&sh->lock);
	last = --sh->refs == 0;
	pthread_mutex_unlock(&sh->lock);
	if (!last)
		return;
	queue_free(sh->asks, free_ask);
	queue_free(sh->answers, free_ask);
	pthread_mutex_destroy(&sh->lock);
	mem_free(sh);
}

static void
answers_filled(void *arg)
{
	struct shared *sh = arg;

	pthread_mutex_lock(&sh->lock);
	if (sh->wake != NULL)
		sched_wake_send(sh->wake);
	pthread_mutex_unlock(&sh->lock);
}

static void *
resolve_thread(void *arg)
{
	struct shared *sh = arg;
	struct ask *ask;

	while ((ask = queue_pop(sh->asks, dur_ns(-1))) != NULL) {
		bool closing;

		pthread_mutex_lock(&sh->lock);
		closing = sh->closing;
		pthread_mutex_unlock(&sh->lock);
		if (!closing)
			sh->ask(sh->ask_arg, ask->text, &ask->answer);
		if (closing || queue_push(sh->answers, ask) < 0)
			free_ask(ask);
	}
	shared_put(sh);
	return NULL;
}

static int
add_thread(struct sched_resolver *r)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	pthread_mutex_lock(&r->shared->lock);
	r->shared->refs++;
	pthread_mutex_unlock(&r->shared->lock);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, &attr, resolve_thread, r->shared);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (rc != 0) {
		shared_put(r->shared);
		return TC_EAGAIN;
	}
	r->threads++;
	return 0;
}

/* ---- the loop's side ---- */

static void
answer_all(struct name *n, const struct sched_addr *answer)
{
	while (!list_is_empty(&n->waiting)) {
		struct sched_lookup *l =
			CONTAINER_OF(n->waiting.next, struct sched_lookup, link);
		void (*fn)(void *, const struct sched_addr *) = l->fn;
		void *arg = l->arg;

		sched_lookup_cancel(l);
		fn(arg, answer);
	}
}

static void
take_answers(void *arg)
{
	struct sched_resolver *r = arg;
	struct mono now = sched_now(r->sched);
	struct ask *ask;

	while ((ask = queue_try_pop(r->shared->answers)) != NULL) {
		struct name *n = ask->name;
		struct sched_addr answer = ask->answer;

		r->asked--;
		n->asked = false;
		if (answer.rc == 0) {
			n->good = answer;
			n->good_at = now;
			n->absent_at = (struct mono){ 0 };
		} else if (answer.rc == TC_ENOENT) {
			n->good_at = (struct mono){ 0 };
			n->absent_at = now;
		}
		free_ask(ask);
		answer_all(n, &answer);
	}
}

static bool
within(struct mono since, struct mono now, int64_t seconds)
{
	return since.ns != 0 && mono_diff(now, since).ns < dur_s(seconds).ns;
}

/* Forgets the names that nobody asked for within an hour. */
static void
sweep_names(struct sched_resolver *r)
{
	struct mono now = sched_now(r->sched);
	struct hash kept = { .seed = r->names.seed };
	struct name *n;
	size_t at = 0;

	while ((n = hash_next(&r->names, &at)) != NULL) {
		bool keep = n->asked || !list_is_empty(&n->waiting) ||
			within(n->good_at, now, LAST_GOOD_S);

		if (keep && hash_put_str(&kept, n->text, n) == 0)
			continue;
		tc_bug_if(keep);
		mem_free(n->text);
		mem_free(n);
	}
	hash_free(&r->names);
	r->names = kept;
}

static struct name *
name_of(struct sched_resolver *r, const char *text)
{
	struct name *n = hash_get_str(&r->names, text);

	if (n != NULL)
		return n;
	if (r->names.n >= NAMES_MAX)
		sweep_names(r);
	if (r->names.n >= NAMES_MAX || (n = MEM_NEW(struct name)) == NULL)
		return NULL;
	list_init(&n->waiting);
	n->text = mem_strdup(text);
	if (n->text == NULL || hash_put_str(&r->names, n->text, n) < 0) {
		mem_free(n->text);
		mem_free(n);
		return NULL;
	}
	return n;
}

static int
ask_for(struct sched_resolver *r, struct name *n)
{
	struct ask *ask;

	if (n->asked)
		return 0;
	if (r->threads < THREADS_MAX && r->asked >= r->threads &&
	    add_thread(r) < 0 && r->threads == 0)
		return TC_EAGAIN;
	ask = MEM_NEW(struct ask);
	if (ask == NULL)
		return TC_ENOMEM;
	ask->name = n;
	ask->text = mem_strdup(n->text);
	if (ask->text == NULL || queue_push(r->shared->asks, ask) < 0) {
		free_ask(ask);
		return TC_EFULL;
	}
	r->asked++;
	n->asked = true;
	return 0;
}

const struct sched_addr *
sched_resolver_cached(struct sched_resolver *r, const char *name)
{
	static const struct sched_addr absent = { .rc = TC_ENOENT };
	struct name *n = hash_get_str(&r->names, name);
	struct mono now = sched_now(r->sched);

	if (n == NULL)
		return NULL;
	if (within(n->absent_at, now, NO_SUCH_NAME_S))
		return &absent;
	if (!within(n->good_at, now, LAST_GOOD_S))
		return NULL;
	if (!within(n->good_at, now, FRESH_S))
		ask_for(r, n);
	return &n->good;
}

static void
lookup_late(void *arg, struct mono now)
{
	static const struct sched_addr late = { .rc = TC_ETIMEOUT };
	struct sched_lookup *l = arg;
	void (*fn)(void *, const struct sched_addr *) = l->fn;
	void *fn_arg = l->arg;

	(void)now;
	sched_lookup_cancel(l);
	fn(fn_arg, &late);
}

struct sched_lookup *
sched_resolve(struct sched_resolver *r, const struct sched_question *q)
{
	struct name *n = name_of(r, q->name);
	struct sched_lookup *l;

	if (n == NULL || ask_for(r, n) < 0)
		return NULL;
	l = MEM_NEW(struct sched_lookup);
	if (l == NULL)
		return NULL;
	l->resolver = r;
	l->fn = q->fn;
	l->arg = q->arg;
	sched_timer_init(&l->deadline, lookup_late, l);
	if (sched_at(r->sched, &l->deadline, q->deadline) < 0) {
		mem_free(l);
		return NULL;
	}
	list_add_tail(&n->waiting, &l->link);
	return l;
}

void
sched_lookup_cancel(struct sched_lookup *l)
{
	sched_cancel(l->resolver->sched, &l->deadline);
	list_remove(&l->link);
	mem_free(l);
}

struct sched_resolver *
sched_resolver_new(struct sched *s, struct tc_err *e)
{
	struct sched_resolver *r = MEM_NEW(struct sched_resolver);
	struct shared *sh = MEM_NEW(struct shared);

	if (r == NULL || sh == NULL) {
		mem_free(r);
		mem_free(sh);
		tc_fail(e, TC_ENOMEM, "out of memory");
		return NULL;
	}
	r->sched = s;
	r->shared = sh;
	sh->refs = 1;
	sh->ask = ask_system;
	pthread_mutex_init(&sh->lock, NULL);
	sh->asks = queue_new(ASKS_MAX, NULL, NULL);
	sh->answers = queue_new(ASKS_MAX, answers_filled, sh);
	if (sh->asks == NULL || sh->answers == NULL) {
		tc_fail(e, TC_ENOMEM, "out of memory");
		goto fail;
	}
	r->wake = sched_wake_open(s, take_answers, r, e);
	if (r->wake == NULL)
		goto fail;
	sh->wake = r->wake;
	return r;
fail:
	sched_resolver_free(r);
	return NULL;
}

static void
free_name(struct name *n)
{
	while (!list_is_empty(&n->waiting))
		sched_lookup_cancel(CONTAINER_OF(n->waiting.next,
			struct sched_lookup, link));
	mem_free(n->text);
	mem_free(n);
}

void
sched_resolver_free(struct sched_resolver *r)
{
	struct name *n;
	size_t at = 0;

	if (r == NULL)
		return;
	pthread_mutex_lock(&r->shared->lock);
	r->shared->closing = true;
	r->shared->wake = NULL;
	pthread_mutex_unlock(&r->shared->lock);
	if (r->shared->asks != NULL)
		queue_close(r->shared->asks);
	shared_put(r->shared);
	sched_wake_close(r->wake);
	while ((n = hash_next(&r->names, &at)) != NULL)
		free_name(n);
	hash_free(&r->names);
	mem_free(r);
}

void
sched_resolver_fake(struct sched_resolver *r, ask_fn *ask, void *arg)
{
	tc_bug_if(r->threads > 0);
	r->shared->ask = ask;
	r->shared->ask_arg = arg;
}

bool
sched_addr_parse(const char *text, struct sched_addr *out)
{
	char plain[INET6_ADDRSTRLEN];
	const char *scope = strchr(text, '%');
	size_t n = scope != NULL ? (size_t)(scope - text) : strlen(text);

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &out->sa.in.sin_addr) == 1) {
		out->sa.in.sin_family = AF_INET;
		out->len = sizeof(out->sa.in);
		return true;
	}
	if (n >= sizeof(plain))
		return false;
	memcpy(plain, text, n);
	plain[n] = '\0';
	if (inet_pton(AF_INET6, plain, &out->sa.in6.sin6_addr) != 1)
		return false;
	if (scope != NULL &&
	    (out->sa.in6.sin6_scope_id = if_nametoindex(scope + 1)) == 0)
		return false;
	out->sa.in6.sin6_family = AF_INET6;
	out->len = sizeof(out->sa.in6);
	return true;
}
