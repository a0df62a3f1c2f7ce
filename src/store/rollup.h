/*
 * Roll-ups: for each column of a layout and each 5 minutes, hour and day (UTC)
 * the least, the greatest, the sum, the number and the last of its values.
 * Values that are no numbers are left out.
 */
#ifndef TOCSIN_STORE_ROLLUP_H
#define TOCSIN_STORE_ROLLUP_H

/* The columns of a block of roll-ups, for each column of its layout. */
enum rollup_column {
	ROLLUP_MIN,		/* of the column's own type, as is max, last */
	ROLLUP_MAX,
	ROLLUP_SUM,		/* f64 */
	ROLLUP_COUNT,		/* u64; 0 = the others mean nothing */
	ROLLUP_LAST,
	ROLLUP_COLUMNS
};

#endif
