#include "http/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "http/request.h"
#include "wire/json_write.h"
#include "wire/protocol.h"

#define STATUS_TABLE(X)                      \
	X(200, "OK")                         \
	X(400, "Bad Request")                \
	X(401, "Unauthorized")               \
	X(403, "Forbidden")                  \
	X(404, "Not Found")                  \
	X(405, "Method Not Allowed")         \
	X(409, "Conflict")                   \
	X(413, "Content Too Large")          \
	X(414, "URI Too Long")               \
	X(415, "Unsupported Media Type")     \
	X(417, "Expectation Failed")         \
	X(422, "Unprocessable Content")      \
	X(429, "Too Many Requests")          \
	X(431, "Request Header Fields Too Large") \
	X(500, "Internal Server Error")      \
	X(501, "Not Implemented")            \
	X(503, "Service Unavailable")        \
	X(505, "HTTP Version Not Supported")

const char *
http_status_title(int status)
{
#define X(num, title)          \
	if (status == (num))   \
		return title;
	STATUS_TABLE(X)
#undef X
	return "Error";
}

int
http_status_of(int rc)
{
	switch ((enum tc_err_code)rc) {
	case TC_OK:
		return 200;
	case TC_EINVAL:
	case TC_EPROTO:
		return 400;
	case TC_EPERM:
		return 403;
	case TC_ENOENT:
		return 404;
	case TC_EEXIST:
		return 409;
	case TC_ERANGE:
		return 422;
	case TC_EUNSUP:
		return 501;
	case TC_ENOMEM:
	case TC_EBUSY:
	case TC_EAGAIN:
	case TC_EFULL:
	case TC_ETIMEOUT:
	case TC_ECLOSED:
		return 503;
	case TC_EIO:
	case TC_ECORRUPT:
	case TC_ENEWER:
		return 500;
	}
	return 500;
}

static void
open_problem(struct request *r, struct json_write *w, int status,
	const char *code)
{
	struct reply *rep = &r->reply;

	strbuf_reset(&rep->body);
	rep->n_pieces = 0;
	strbuf_reset(&rep->link);
	rep->etag[0] = '\0';
	reply_open(r, w, NULL);
	rep->status = status;
	rep->type = "application/problem+json";
	rep->cache = "no-store";
	rep->retry_after_s = status == 503 ? 1 : status == 429 ? 60 : 0;
	json_add_str(w, "type", "about:blank");
	json_add_str(w, "title", http_status_title(status));
	json_add_u64(w, "status", (uint64_t)status);
	json_add_str(w, "code", code);
}

void
problem_set(struct request *r, int status, const char *code, const char *fmt,
	...)
{
	struct json_write w;
	char detail[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	open_problem(r, &w, status, code);
	json_add_str(&w, "detail", detail);
	json_put_end(&w);
}

void
problem_err(struct request *r, int rc, const struct tc_err *e)
{
	problem_set(r, http_status_of(rc), tc_err_id(rc), "%s",
		e->text[0] != '\0' ? e->text : tc_err_id(rc));
}

/* "owned_by: config" → "owned_by", and what follows; else by rc. */
static const char *
split_code(const char *text, int rc, char *code, size_t size)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
	bool has = n < size && memchr(text, '_', n) != NULL &&
		strncmp(text + n, ": ", 2) == 0;

	if (has)
		snprintf(code, size, "%.*s", (int)n, text);
	else
		snprintf(code, size, "%s", tc_err_id(rc));
	if (has)
		return text + n + 2;
	return text[0] != '\0' ? text : tc_err_id(rc);
}

void
problem_command(struct request *r, const struct http_command *cmd)
{
	const char *detail;
	struct json_write w;
	int rc = cmd->rc;
	char code[48];

	/* an agent is not told which hosts there are */
	if (rc == TC_ENOENT && cmd->who.role == ROLE_AGENT)
		rc = TC_EPERM;
	detail = split_code(cmd->err.text, rc, code, sizeof(code));
	open_problem(r, &w, http_status_of(rc), code);
	json_add_str(&w, "detail", detail);
	if (strcmp(code, PROTOCOL_CODE) == 0)
		json_add_u64(&w, "protocol", PROTOCOL_NOW);
	if (cmd->n_bad != 0) {
		json_add_array(&w, "bad_indexes");
		for (size_t i = 0; i < cmd->n_bad; i++)
			json_put_u64(&w, cmd->bad_index[i]);
		json_put_end(&w);
	}
	json_put_end(&w);
}
