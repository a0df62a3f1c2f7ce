/*
 * Contacts by type: who is missing is a warning, who is nobody an error, and
 * what is printed is read again.
 */
#include <string.h>

#include "base/macros.h"
#include "config/contacts.h"
#include "t/lib/story.h"
#include "t/unit/config_rig.h"

#define DESKS "alerts:\n  receivers:\n" \
	"    - {name: a, type: exec, argv: [/a]}\n" \
	"    - {name: b, type: exec, argv: [/b]}\n" \
	"    - {name: c, type: exec, argv: [/c], fallback: b}\n"

/* Taken, and the warnings are these, with nothing before or after. */
static void
warned(const char *text, const char *const *want, size_t n)
{
	struct config_errors errs;
	struct config *cfg;

	ck_assert_int_eq(rig_parse(text, &cfg, &errs), 0);
	ck_assert_uint_eq(errs.n, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert(errs.items[i].warning);
		ck_assert_msg(strstr(errs.items[i].text, want[i]) != NULL,
			"'%s', not '%s'", errs.items[i].text, want[i]);
	}
	config_errors_fini(&errs);
	config_free(cfg);
}

static void
refused(const char *text, const char *want)
{
	struct config_errors errs;
	struct config *cfg;

	ck_assert_int_eq(rig_parse(text, &cfg, &errs), TC_EINVAL);
	ck_assert_msg(strstr(errs.items[0].text, want) != NULL,
		"'%s', not '%s'", errs.items[0].text, want);
	config_errors_fini(&errs);
}

START_TEST(r104_a_missing_alternate_contact_is_a_warning)
{
	static const char *const none[] = { "contacts: none" };
	static const char *const some[] = { "ops: 'a' is alone",
		"nobody for billing" };

	warned(DESKS, none, 1);
	warned(DESKS "  contacts: {ops: [a], security: [a, b]}\n", some, 2);
	warned(DESKS "  contacts: {ops: [a, b], security: [c], "
		"billing: [b, a]}\n", NULL, 0);
	warned("alerts: {receivers: []}\n", NULL, 0);
}
END_TEST

START_TEST(r104_contacts_are_receivers_and_routes_may_name_their_type)
{
	struct config_errors errs;
	struct config *cfg, *again;
	struct strbuf text = { 0 };

	refused(DESKS "  contacts: {ops: [d]}\n",
		"contacts: ops: no receiver 'd'");
	refused(DESKS "  contacts: {legal: [a]}\n", "unknown key 'legal'");
	refused(DESKS "  contacts: [a]\n", "contacts");
	refused(DESKS "  contacts: {ops: a}\n", "not a list");
	refused(DESKS "  contacts: {ops: [a]}\n  routes: [{contacts: "
		"[legal]}]\n", "'legal' is none of ops, security, billing");
	refused(DESKS "  contacts: {ops: [a]}\n  routes: [{contacts: "
		"[billing]}]\n", "nobody is named for billing");
	refused(DESKS "  routes: [{match: {severity: info}}]\n",
		"'to' is missing");
	ck_assert_int_eq(rig_parse(DESKS "  contacts: {ops: [a, b], security: "
		"[c]}\n  routes:\n  - {contacts: [security], match: {kind: "
		"brake_*}}\n  - {to: [a], contacts: [ops]}\n", &cfg, &errs), 0);
	config_errors_fini(&errs);
	ck_assert_str_eq(cfg->routes[0].contacts.items[0], "security");
	ck_assert_uint_eq(cfg->contacts->of[CONTACT_OPS].n, 2);
	config_print(cfg, &text, false);
	config_free(cfg);
	ck_assert_int_eq(rig_parse(strbuf_str(&text), &again, &errs), 0);
	config_errors_fini(&errs);
	ck_assert_uint_eq(again->n_routes, 2);
	ck_assert_str_eq(again->routes[0].contacts.items[0], "security");
	ck_assert_uint_eq(again->routes[0].to.n, 0);
	ck_assert_str_eq(again->routes[1].to.items[0], "a");
	ck_assert_str_eq(again->contacts->of[CONTACT_SECURITY].items[0], "c");
	config_free(again);
	strbuf_free(&text);
}
END_TEST

int
main(void)
{
	return STORIES("config_contacts",
		r104_a_missing_alternate_contact_is_a_warning,
		r104_contacts_are_receivers_and_routes_may_name_their_type);
}
