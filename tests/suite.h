/* suite.h - one CUnit suite a test program, run by CTest. */
#ifndef NF_SUITE_H
#define NF_SUITE_H

#include <CUnit/CUnit.h>

/* Runs the tests (the table ends with CU_TEST_INFO_NULL) and returns main's exit status: 0 only if
 * at least one assertion ran and none failed. Where `rank` is not 0, the summary is not printed. */
int nf_suite_run(const char *name, CU_TestInfo *tests, int rank);

#endif
