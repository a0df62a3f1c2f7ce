/*
 * How often such verdicts came true, said beside one.
 */
#ifndef TOCSIN_CLI_SCORE_H
#define TOCSIN_CLI_SCORE_H

struct cli;
struct doc;

/* Of our own scorecard; else by the pack's figures, and which of both. */
void score_say_ours(struct cli *c, const struct doc *verdict);

#endif
