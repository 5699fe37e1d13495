/* How entropies of networks scale: made-up entropies with a known law, the pairs of equal entropy, and small sweeps against scans
 * of the same networks. */
#include "base/progress.h"
#include "check.h"
#include "cut/cut.h"
#include "scan/cnn_sweep.h"
#include "state/random.h"

enum { MOST_POINTS = 400 };

static eg_cnn_point points[MOST_POINTS];
static eg_cnn_scaling scaling;

/* Networks of n_c = 1..3, D = 1, 2, ..., 16, `networks` of each, with S/L from a law and normal noise. */
static size_t make_noisy_points(double (*law)(double layers, double log_channels), int networks, double noise, uint64_t seed)
{
    size_t count = 0;
    for (int layers = 1; layers <= 3; layers++)
        for (int channels = 1; channels <= 16; channels *= 2)
            for (int k = 0; k < networks; k++) {
                double normal[2];
                eg_random_normal_pair(seed, EG_RANDOM_WEIGHTS, count, normal);
                eg_cnn_point *point = &points[count];
                *point = (eg_cnn_point){.layers = layers, .channels = channels, .seed = count++};
                point->density = law(layers, log(channels)) + noise * normal[0];
                point->s = 4 * point->density;
                point->page_share = point->density / 2;
            }
    return count;
}

static size_t make_points(double (*law)(double layers, double log_channels), int networks, double noise)
{
    return make_noisy_points(law, networks, noise, 1);
}

static double paper(double layers, double log_channels) { return 0.1 + 0.07 * layers * log_channels; }
static double no_depth(double layers, double log_channels) { return 0.2 + 0.1 * log_channels + 0 * layers; }
static double only_depth(double layers, double log_channels) { return 0.2 + 0.1 * layers + 0 * log_channels; }
static double plane(double layers, double log_channels) { return 0.2 + 0.1 * layers - 0.05 * log_channels; }
static double apart(double layers, double log_channels)
{
    return 0.2 * layers * layers + (layers - 2) * (layers - 2) * log_channels;
}
static double level(double layers, double log_channels) { return 1.96 + 0 * layers * log_channels; }

static const struct {
    double (*law)(double, double);
    eg_cnn_model model;
    double intercept, slope;
    int least_decided; /* of DRAWS: one term more gains enough by chance to be better, not to be decided, in 16 % of them */
} cases[] = {{paper, EG_CNN_PAPER, 0.1, 0.07, 32},     {no_depth, EG_CNN_CHANNELS, 0.2, 0.1, 28},
             {only_depth, EG_CNN_DEPTH, 0.2, 0.1, 28}, {plane, EG_CNN_PLANE, 0.2, -0.05, 32},
             {apart, EG_CNN_LINES, 0, 0, 40},          {level, EG_CNN_CONSTANT, 1.96, 0, 24}};
enum { DRAWS = 40, CASES = sizeof cases / sizeof *cases };

static void test_models(void)
{
    for (size_t k = 0; k < CASES; k++) {
        size_t count = make_points(cases[k].law, 5, 1e-3);
        CHECK_OK(eg_cnn_scaling_of(points, count, &scaling));
        CHECK_EQUAL(scaling.cell_count, 15);
        const eg_cnn_fit *fit = &scaling.fits[cases[k].model];
        CHECK(fit->aicc - scaling.fits[scaling.best].aicc < EG_CNN_LEAST_MARGIN); /* a larger model may be a little better */
        if (cases[k].model == EG_CNN_PAPER)
            CHECK(scaling.fits[EG_CNN_PLANE].aicc - fit->aicc > 50);
        CHECK(fit->solved);
        CHECK_NEAR(fit->residual, 1e-3, 2.5e-4);
        if (cases[k].model == EG_CNN_LINES)
            continue;
        CHECK_NEAR(fit->intercept, cases[k].intercept, 1e-3);
        if (fit->parameters > 1)
            CHECK_NEAR(fit->slope[0], cases[k].slope, 1e-3);
    }
    CHECK_NEAR(scaling.largest_page_share, 0.98, 2e-3);
}

/* The law that the points were made from is the verdict, in most draws of the noise; another one is so in none or one. Nothing says
 * that the true law cannot be told from one that contains it. */
static void test_verdicts(void)
{
    for (size_t k = 0; k < CASES; k++) {
        int right = 0, wrong = 0;
        for (uint64_t seed = 0; seed < DRAWS; seed++) {
            CHECK_OK(eg_cnn_scaling_of(points, make_noisy_points(cases[k].law, 5, 0.02, seed), &scaling));
            right += scaling.decided && scaling.best == (int)cases[k].model;
            wrong += scaling.decided && scaling.best != (int)cases[k].model;
            if (scaling.best == (int)cases[k].model)
                CHECK(scaling.decided);
            if (scaling.best != (int)cases[k].model && !scaling.decided)
                CHECK(scaling.fits[scaling.second].aicc <= scaling.fits[cases[k].model].aicc); /* it, or one that is nearer still */
        }
        printf("(%s: %d right, %d wrong) ", eg_cnn_model_name(cases[k].model), right, wrong);
        CHECK(right >= cases[k].least_decided && wrong <= 1);
    }
}

/* What is no evidence is no verdict: one n_c, where n_c log D is log D; and so few networks that one model only can be compared. */
static void test_no_verdict(void)
{
    CHECK_OK(eg_cnn_scaling_of(points, make_points(paper, 5, 1e-3) / 3, &scaling)); /* n_c = 1 */
    CHECK(!scaling.decided);
    CHECK_NEAR(scaling.margin, 0, 1e-6);
    CHECK(scaling.best + scaling.second == EG_CNN_PAPER + EG_CNN_CHANNELS);
    CHECK_OK(eg_cnn_scaling_of(points, 4, &scaling)); /* D = 1 */
    CHECK_EQUAL(scaling.best, EG_CNN_CONSTANT);
    CHECK_EQUAL(scaling.second, -1);
    CHECK(!scaling.decided && isnan(scaling.margin));
}

static void test_cells(void)
{
    eg_cnn_point some[5] = {{.layers = 2, .channels = 4, .s = 1, .density = 0.25, .page_share = 0.1},
                            {.layers = 1, .channels = 4, .s = 3, .density = 0.75, .page_share = 0.3},
                            {.layers = 2, .channels = 4, .s = 2, .density = 0.5, .page_share = 0.2},
                            {.layers = 2, .channels = 4, .zero = true},
                            {.layers = 2, .channels = 2, .zero = true}};
    CHECK_OK(eg_cnn_scaling_of(some, 5, &scaling));
    CHECK_EQUAL(scaling.cell_count, 3);
    CHECK_EQUAL(scaling.cells[0].layers, 1);
    CHECK_EQUAL(scaling.cells[1].channels, 2);
    CHECK_EQUAL(scaling.cells[1].count, 0);
    CHECK_EQUAL(scaling.cells[1].zeros, 1);
    CHECK(isnan(scaling.cells[1].s));
    CHECK_EQUAL(scaling.cells[2].count, 2);
    CHECK_EQUAL(scaling.cells[2].zeros, 1);
    CHECK_NEAR(scaling.cells[2].s, 1.5, 1e-15);
    CHECK_NEAR(scaling.cells[2].s_spread, sqrt(0.5), 1e-15);
    CHECK_NEAR(scaling.cells[2].density_spread, sqrt(0.5) / 4, 1e-15);
    CHECK(isnan(scaling.cells[0].s_spread));
    CHECK_NEAR(scaling.largest_page_share, 0.3, 1e-15);
}

static const eg_cnn_match *match_of(int channels_0, int layers)
{
    for (size_t i = 0; i < scaling.match_count; i++)
        if (scaling.matches[i].channels_0 == channels_0 && scaling.matches[i].layers == layers)
            return &scaling.matches[i];
    return NULL;
}

/* The paper's law: D = D_0^(1/n_c) is found and holds. */
static void test_matches_hold(void)
{
    CHECK_OK(eg_cnn_scaling_of(points, make_points(paper, 5, 1e-4), &scaling));
    CHECK_EQUAL(scaling.match_count, 8);
    for (size_t i = 0; i < scaling.match_count; i++) {
        const eg_cnn_match *match = &scaling.matches[i];
        CHECK_EQUAL(match->layers_0, 1);
        CHECK_NEAR(match->expected, pow(match->channels_0, 1.0 / match->layers), 1e-12);
        CHECK_NEAR(match->found, match->expected, 0.01);
        CHECK(match->least <= match->most);
        CHECK_EQUAL(match->answer, EG_CNN_HOLDS);
    }
    CHECK_EQUAL(scaling.answers[EG_CNN_HOLDS], 8);
}

/* Depth does nothing: D = D_0 is found, and what the paper expects fails. */
static void test_matches_fail(void)
{
    CHECK_OK(eg_cnn_scaling_of(points, make_points(no_depth, 5, 1e-4), &scaling));
    CHECK_EQUAL(scaling.answers[EG_CNN_FAILS], scaling.match_count);
    CHECK_NEAR(match_of(4, 3)->found, 4, 0.02);
    CHECK_NEAR(match_of(8, 2)->found, 8, 0.04);
}

static void test_matches_untold(void)
{
    CHECK_OK(eg_cnn_scaling_of(points, make_points(only_depth, 5, 1e-3), &scaling)); /* flat but for noise */
    CHECK_EQUAL(scaling.answers[EG_CNN_HOLDS], 0);
    CHECK_OK(eg_cnn_scaling_of(points, make_points(paper, 1, 1e-4), &scaling)); /* no spread */
    CHECK_EQUAL(scaling.answers[EG_CNN_UNTOLD], scaling.match_count);
    CHECK(strstr(match_of(4, 2)->reason, "spread is not known") != NULL);
    CHECK(isnan(match_of(4, 2)->least));
    CHECK_NEAR(match_of(4, 2)->found, 2, 0.01);
    CHECK_OK(eg_cnn_scaling_of(points, make_points(plane, 5, 1e-4), &scaling)); /* falls with D */
    CHECK(strstr(match_of(4, 2)->reason, "does not rise") != NULL);
    size_t count = make_points(no_depth, 5, 1e-4);
    for (size_t i = 0; i < count; i++)
        points[i].density += points[i].layers > 1 ? 1 : 0; /* out of reach */
    CHECK_OK(eg_cnn_scaling_of(points, count, &scaling));
    CHECK_EQUAL(match_of(4, 2)->found, 0);
    CHECK_EQUAL(match_of(4, 2)->least, 0);
    CHECK_EQUAL(match_of(4, 2)->most, 0);
    CHECK_EQUAL(match_of(4, 2)->answer, EG_CNN_FAILS); /* less than 1 channel would do, 2 are expected */
    count = make_points(paper, 5, 1e-4);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) /* no D of 1 and 2: 8^(1/2) and the like are not in the sweep, where the law holds */
        if (points[i].channels >= 4)
            points[kept++] = points[i];
    CHECK_OK(eg_cnn_scaling_of(points, kept, &scaling));
    CHECK_EQUAL(scaling.answers[EG_CNN_FAILS], 0);
    CHECK_EQUAL(match_of(8, 2)->answer, EG_CNN_UNTOLD);
    count = make_points(no_depth, 5, 1e-4);
    for (size_t i = 0; i < count; i++)
        points[i].density += points[i].layers > 1 ? 1 : 0;
    for (size_t i = 0; i < count; i++)
        points[i].zero = points[i].layers == 3 && points[i].channels == 16;
    CHECK_OK(eg_cnn_scaling_of(points, count, &scaling));
    CHECK(isnan(match_of(4, 3)->found));
    CHECK(strstr(match_of(4, 3)->reason, "too few networks") != NULL);
    CHECK_EQUAL(match_of(4, 2)->answer, EG_CNN_FAILS);
    CHECK_OK(eg_cnn_scaling_of(points, 0, &scaling));
    CHECK_EQUAL(scaling.best, -1);
    CHECK_EQUAL(scaling.match_count, 0);
}

/* ---- Sweeps ---- */

static double of_scan(const char *source, int height, int width, const eegpu_cuts *cuts, int wanted)
{
    eegpu_state *state = NULL;
    eegpu_result *result = NULL;
    eegpu_open_options options = {.height = height, .width = width};
    double sum = 0;
    CHECK_OK(eegpu_state_open(source, &options, &state));
    CHECK_OK(eegpu_scan(state, cuts, NULL, &result));
    for (size_t i = 0; i < eegpu_result_count(result); i++) {
        const eegpu_record *record = eegpu_result_record(result, i);
        sum += wanted == 0 ? record->s_vn : record->s_vn / record->boundary;
    }
    sum /= (double)eegpu_result_count(result);
    eegpu_result_free(result);
    eegpu_state_close(state);
    return sum;
}

static eg_device *open_cpu(void)
{
    eg_device *device = NULL;
    CHECK_OK(eg_device_open("cpu", &device));
    return device;
}

static void test_sweep(void)
{
    eg_cnn_sweep_options options = {.channel_count = 2,
                                    .channels = {1, 3},
                                    .layer_count = 2,
                                    .layers = {1, 2},
                                    .seeds = 2,
                                    .pools = 1,
                                    .kernel = 3,
                                    .activation = EG_CNN_TANH,
                                    .init = EG_CNN_XAVIER,
                                    .device = open_cpu(),
                                    .threads = 2};
    eg_cnn_sweep sweep = {0};
    eegpu_cuts *cuts = NULL;
    double seconds = -1;
    CHECK_OK(eegpu_cuts_create(3, 4, "lines", 0, &cuts));
    CHECK_OK(eg_cnn_sweep_foresee(cuts, &options, &seconds));
    CHECK(seconds > 0 && seconds < 60);
    if (CHECK_OK(eg_cnn_sweep_run(cuts, &options, seconds, &sweep))) {
        CHECK_EQUAL(sweep.count, 8);
        for (size_t i = 0; i < sweep.count; i++) {
            char source[EG_CNN_SOURCE_SIZE];
            const eg_cnn_point *point = &sweep.points[i];
            eg_cnn_sweep_source(&options, point, source);
            CHECK(!point->zero);
            CHECK_EQUAL(point->seed, i); /* none is there twice */
            CHECK_NEAR(point->s, of_scan(source, 3, 4, cuts, 0), 1e-12 + 2 * point->error);
            CHECK_NEAR(point->density, of_scan(source, 3, 4, cuts, 1), 1e-12 + 2 * point->error);
            CHECK(point->page_share > 0 && point->page_share < 2);
        }
        CHECK_EQUAL(sweep.points[7].parameters, 3 * 10 + 3 * 28 + 3 * 2 + 1);
        CHECK_EQUAL(sweep.scaling.cell_count, 4);
        CHECK_EQUAL(sweep.scaling.cells[1].first_seed, 2);
        CHECK_EQUAL(sweep.scaling.cells[1].last_seed, 3);
    }
    eg_cnn_sweep_free(&sweep);
    eg_device_close(options.device);
    eegpu_cuts_free(cuts);
}

static bool stop(void *user, const char *stage, double fraction)
{
    (void)user, (void)stage;
    return fraction < 0.3;
}

static bool stop_at_once(void *user, const char *stage, double fraction)
{
    (void)user, (void)stage, (void)fraction;
    return false;
}

/* The largest network in a probe and in a piece of work: both are short. */
static void test_large(void)
{
    eg_cnn_sweep_options options = {.channel_count = 2,
                                    .channels = {16, 256},
                                    .layer_count = 2,
                                    .layers = {8, 16},
                                    .seeds = 1,
                                    .kernel = 3,
                                    .device = open_cpu(),
                                    .progress = stop_at_once};
    eegpu_cuts *cuts = NULL;
    double seconds = 0;
    CHECK_EQUAL(eg_cnn_images_at_a_time(&(eg_cnn_shape){.height = 5, .width = 6, .channels = 256, .layers = 16, .kernel = 3}),
                EG_CNN_BATCH);
    CHECK_EQUAL(eg_cnn_images_at_a_time(&(eg_cnn_shape){.height = 4, .width = 4, .channels = 8, .layers = 3, .kernel = 3}), 2048);
    CHECK_OK(eegpu_cuts_create(5, 5, "lines", 0, &cuts));
    double start = eg_seconds();
    CHECK_OK(eg_cnn_sweep_foresee(cuts, &options, &seconds));
    CHECK(seconds > 3600);
    CHECK(eg_seconds() - start < 30); /* 0.4 s on an idle machine, without sanitizers */
    eg_device_close(options.device);
    eegpu_cuts_free(cuts);
}

static void test_refused(void)
{
    eg_cnn_sweep_options options = {
        .channel_count = 1, .channels = {2}, .layer_count = 1, .layers = {1}, .seeds = 4, .kernel = 3, .device = open_cpu()};
    eg_cnn_sweep sweep = {0};
    eegpu_cuts *cuts = NULL;
    double seconds;
    CHECK_OK(eegpu_cuts_create(2, 3, "lines", 0, &cuts));
    options.pools = 2;
    CHECK_FAILS(eg_cnn_sweep_foresee(cuts, &options, &seconds), EEGPU_USAGE, "pools=2");
    options.pools = 0;
    options.progress = stop;
    CHECK_FAILS(eg_cnn_sweep_run(cuts, &options, 0, &sweep), EEGPU_INTERRUPTED, "");
    options.progress = stop_at_once; /* in the evaluation */
    CHECK_FAILS(eg_cnn_sweep_run(cuts, &options, 0, &sweep), EEGPU_INTERRUPTED, "sweeping networks: stopped on request");
    eegpu_cuts_free(cuts);
    cuts = NULL;
    CHECK_OK(eegpu_cuts_create(6, 6, "lines", 0, &cuts));
    options.memory = 1 << 30;
    CHECK_FAILS(eg_cnn_sweep_foresee(cuts, &options, &seconds), EEGPU_OUT_OF_MEMORY, "the amplitudes of a network");
    options.memory = UINT64_MAX; /* no matter how much there is: it is only counted */
    CHECK_OK(eg_cnn_sweep_foresee(cuts, &options, &seconds));
    CHECK(seconds > 60);
    options.memory = 0;
    eegpu_cuts_free(cuts);
    cuts = NULL;
    CHECK_OK(eegpu_cuts_create(7, 7, "lines", 0, &cuts));
    CHECK_FAILS(eg_cnn_sweep_foresee(cuts, &options, &seconds), EEGPU_USAGE, "at most 40");
    eg_device_close(options.device);
    eegpu_cuts_free(cuts);
}

EG_SUITE("scaling of networks", {"models", test_models}, {"verdicts", test_verdicts}, {"no verdict", test_no_verdict},
         {"means and spreads", test_cells}, {"pairs that hold", test_matches_hold}, {"pairs that fail", test_matches_fail},
         {"pairs that cannot be told", test_matches_untold}, {"a sweep against scans", test_sweep}, {"a large network", test_large},
         {"what is refused", test_refused})
