/*
 * The helper's side of smart/helper.h: requests in, readings out.
 */
#ifndef TOCSIN_SMARTD_SERVE_H
#define TOCSIN_SMARTD_SERVE_H

#include "base/err.h"
#include "smartd/conf.h"

/* Until the caller closes `in`.  TC_EPROTO when it sends what is no line. */
int serve(const struct smartd_conf *conf, int in, int out, struct tc_err *e);

#endif
