#include "tests/suite.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>

int nf_suite_run(const char *name, CU_TestInfo *tests, int rank)
{
    CU_SuiteInfo suites[] = {{.pName = name, .pTests = tests}, CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS) {
        fprintf(stderr, "%s: CUnit: %s\n", name, CU_get_error_msg());
        return EXIT_FAILURE;
    }
    /* CUnit prints its summary in every mode; what fails on any rank is asserted on all. */
    if (rank != 0 && freopen("/dev/null", "w", stdout) == NULL)
        return EXIT_FAILURE;
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_ErrorCode code = CU_basic_run_tests();
    unsigned asserts = CU_get_number_of_asserts();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return code == CUE_SUCCESS && asserts > 0 && failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
