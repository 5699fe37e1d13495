/* The public API in one screen: open a function on a 3x3 lattice, cut off its first k pixels, print the entropies.
 * Built by the tests in the build tree, and against an installed one through find_package and pkg-config. */
#include <eegpu.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    eegpu_state *state = NULL;
    eegpu_cuts *cuts = NULL;
    eegpu_result *result = NULL;
    eegpu_open_options open_options = eegpu_open_options_default();
    eegpu_scan_options scan_options = eegpu_scan_options_default();
    open_options.height = open_options.width = 3;

    eegpu_status status = eegpu_state_open(argc > 1 ? argv[1] : "ghz", &open_options, &state);
    if (status == EEGPU_OK)
        status = eegpu_cuts_create(3, 3, "prefix", 0, &cuts);
    if (status == EEGPU_OK)
        status = eegpu_scan(state, cuts, &scan_options, &result);
    if (status != EEGPU_OK)
        fprintf(stderr, "example: %s\n", eegpu_error_message());

    for (size_t i = 0; result != NULL && i < eegpu_result_count(result); i++) {
        int pixels[9], count = eegpu_cuts_pixels(cuts, i, pixels);
        printf("pixels");
        for (int k = 0; k < count; k++)
            printf(" %d", pixels[k]);
        printf(": S = %.6f\n", eegpu_result_record(result, i)->s_vn);
    }
    eegpu_result_free(result);
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
    return status != EEGPU_OK;
}
