/*
 * The built-in pack; its bytes are generated beside this file.
 */
#include "predict/builtin.h"

#include "predict/rules.h"

static const unsigned char text[] = {
#include "predict/builtin_text.bytes"
};

int
pack_builtin(struct pack **out, struct tc_err *e)
{
	int rc = pack_parse((const char *)text, sizeof(text), out, e);

	return rc < 0 ? tc_wrap(e, "built-in pack") : 0;
}
