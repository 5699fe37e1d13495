/* Flat spectra whose entropy is a rank over GF(2), in bits: mirror images, graph states, inner product, linear codes, closed
 * loops on lattices and graphs. On every contiguous cut and on random regions, p by p. */
#include "exact.h"
#include "temporary.h"

/* ---- Ranks over GF(2) -------------------------------------------------------------------------------------------- */

enum { MOST_ROWS = 64 };

/* Bit i of a row is its entry for pixel i. */
typedef struct binary_matrix {
    int rows;
    uint64_t row[MOST_ROWS];
} binary_matrix;

/* Of the columns in `columns`. */
static int rank_of(const binary_matrix *matrix, uint64_t columns)
{
    binary_matrix m = *matrix;
    int rank = 0;
    for (; columns != 0; columns &= columns - 1) {
        int pivot = rank, column = eg_lowest_bit(columns);
        while (pivot < m.rows && !(m.row[pivot] >> column & 1))
            pivot++;
        if (pivot == m.rows)
            continue;
        uint64_t row = m.row[pivot];
        m.row[pivot] = m.row[rank];
        m.row[rank] = row;
        for (int r = rank + 1; r < m.rows; r++)
            if (m.row[r] >> column & 1)
                m.row[r] ^= row;
        rank++;
    }
    return rank;
}

static uint64_t everything(const region *r) { return eg_low_mask(r->pixels); }

/* Labels of a code: the images orthogonal to all rows. Amplitudes for a lattice of `pixels`. */
static double *labels_of_code(const binary_matrix *checks, int pixels)
{
    double *labels = calloc((size_t)1 << pixels, sizeof *labels);
    for (uint64_t s = 0; s < UINT64_C(1) << pixels; s++) {
        uint64_t image = 0;
        for (int i = 0; i < pixels; i++)
            image |= (s >> (pixels - 1 - i) & 1) << i;
        bool good = true;
        for (int r = 0; r < checks->rows && good; r++)
            good = eg_popcount(checks->row[r] & image) % 2 == 0;
        labels[s] = good;
    }
    return labels;
}

/* ---- Closed forms ------------------------------------------------------------------------------------------------ */

static bool mirror_pairs(const region *r, const void *parameter, exact *e)
{
    int split = 0;
    (void)parameter;
    for (int i = 0; i < r->pixels / 2; i++)
        split += in_a(r, i) != in_a(r, r->pixels - 1 - i);
    exact_flat(e, split);
    return true;
}

/* `parameter`: the adjacency matrix of a graph state. */
static bool cluster_rank(const region *r, const void *parameter, exact *e)
{
    const binary_matrix *adjacency = parameter;
    binary_matrix block = {.rows = 0};
    for (int i = 0; i < r->pixels; i++)
        if (in_a(r, i))
            block.row[block.rows++] = adjacency->row[i];
    exact_flat(e, rank_of(&block, everything(r) & ~r->mask));
    return true;
}

/* `parameter`: the parity checks. */
static bool code_rank(const region *r, const void *parameter, exact *e)
{
    const binary_matrix *checks = parameter;
    uint64_t all = everything(r);
    exact_flat(e, rank_of(checks, r->mask) + rank_of(checks, all & ~r->mask) - rank_of(checks, all));
    return true;
}

/* ---- Graphs ------------------------------------------------------------------------------------------------------ */

/* A graph whose edges are the pixels. */
typedef struct graph {
    int vertices, edges;
    int end[24][2];
} graph;

/* Vertices that the edges of `mask` touch, and into how many components they fall. */
static uint64_t touched(const graph *g, uint64_t mask, int *components)
{
    int name[24];
    uint64_t vertices = 0;
    for (int v = 0; v < g->vertices; v++)
        name[v] = v;
    for (int k = 0; k < g->edges; k++) {
        if (!(mask >> k & 1))
            continue;
        int from = name[g->end[k][0]], to = name[g->end[k][1]];
        vertices |= UINT64_C(1) << g->end[k][0] | UINT64_C(1) << g->end[k][1];
        for (int v = 0; v < g->vertices; v++)
            if (name[v] == from)
                name[v] = to;
    }
    *components = 0;
    for (int v = 0; v < g->vertices; v++)
        *components += name[v] == v && vertices >> v & 1;
    return vertices;
}

/* |V_A and V_B| - c_A - c_B + c: the toric code on any graph. */
static bool loops_on_graph(const region *r, const void *parameter, exact *e)
{
    const graph *g = parameter;
    int c_a, c_b, c;
    uint64_t v_a = touched(g, r->mask, &c_a), v_b = touched(g, everything(r) & ~r->mask, &c_b);
    (void)touched(g, everything(r), &c);
    exact_flat(e, eg_popcount(v_a & v_b) - c_a - c_b + c);
    return true;
}

static binary_matrix checks_of_graph(const graph *g)
{
    binary_matrix checks = {.rows = g->vertices};
    for (int k = 0; k < g->edges; k++)
        for (int side = 0; side < 2; side++)
            checks.row[g->end[k][side]] ^= UINT64_C(1) << k;
    return checks;
}

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

static void test_mirror_images(void)
{
    compare_everywhere(open_source("palindrome", 3, 4), 3, 4, mirror_pairs, NULL, "palindrome 3x4");
    compare_everywhere(open_source("palindrome", 1, 11), 1, 11, mirror_pairs, NULL, "palindrome 1x11");
    compare_everywhere(open_source("palindrome", 4, 4), 4, 4, mirror_pairs, NULL, "palindrome 4x4");
}

static binary_matrix lattice_adjacency(int height, int width)
{
    binary_matrix adjacency = {.rows = height * width};
    for (int i = 0; i < height * width; i++)
        for (int j = 0; j < height * width; j++)
            if (abs(i / width - j / width) + abs(i % width - j % width) == 1)
                adjacency.row[i] |= UINT64_C(1) << j;
    return adjacency;
}

static void test_cluster_states(void)
{
    static const int lattices[][2] = {{1, 10}, {3, 4}, {4, 4}};
    for (size_t i = 0; i < COUNT(lattices); i++) {
        binary_matrix adjacency = lattice_adjacency(lattices[i][0], lattices[i][1]);
        compare_everywhere(open_source("graph", lattices[i][0], lattices[i][1]), lattices[i][0], lattices[i][1], cluster_rank,
                           &adjacency, "graph");
    }
}

static void test_random_graph_states(void)
{
    uint64_t seed = 21;
    for (int round = 0; round < 4; round++) {
        binary_matrix adjacency = {.rows = 12};
        char text[2048], source[1200];
        size_t length = 0;
        for (int i = 0; i < 12; i++)
            for (int j = i + 1; j < 12; j++)
                if (random_word(&seed) % 4 == 0) {
                    adjacency.row[i] |= UINT64_C(1) << j;
                    adjacency.row[j] |= UINT64_C(1) << i;
                    length += (size_t)snprintf(text + length, sizeof text - length, "%d %d\n", i, j);
                }
        snprintf(source, sizeof source, "graph:edges=%s", write_bytes("edges.txt", text, length));
        compare_everywhere(open_source(source, 3, 4), 3, 4, cluster_rank, &adjacency, "random graph");
    }
}

/* (-1)^(x.y) is the graph state of the pairs i, i + n. */
static void test_inner_product(void)
{
    static const int lattices[][2] = {{2, 5}, {3, 4}, {3, 3}, {4, 4}};
    for (size_t i = 0; i < COUNT(lattices); i++) {
        int n = lattices[i][0] * lattices[i][1];
        binary_matrix pairs = {.rows = n};
        for (int k = 0; k < n / 2; k++) {
            pairs.row[k] = UINT64_C(1) << (n / 2 + k);
            pairs.row[n / 2 + k] = UINT64_C(1) << k;
        }
        compare_everywhere(open_source("innerproduct", lattices[i][0], lattices[i][1]), lattices[i][0], lattices[i][1],
                           cluster_rank, &pairs, "innerproduct");
    }
}

static void test_random_codes(void)
{
    uint64_t seed = 22;
    for (int rows = 0; rows <= 12; rows += 2) {
        binary_matrix checks = {.rows = rows};
        for (int r = 0; r < rows; r++)
            checks.row[r] = random_word(&seed) & random_word(&seed) & eg_low_mask(12);
        double *labels = labels_of_code(&checks, 12);
        compare_everywhere(open_amplitudes(labels, false, 3, 4), 3, 4, code_rank, &checks, "random code");
        free(labels);
    }
}

static void test_checkerboard_loops(void)
{
    static const int lattices[][2] = {{3, 4}, {2, 6}, {4, 4}, {3, 5}};
    for (size_t i = 0; i < COUNT(lattices); i++) {
        int height = lattices[i][0], width = lattices[i][1];
        binary_matrix blocks = {.rows = 0};
        for (int row = 0; row + 1 < height; row++)
            for (int column = 0; column + 1 < width; column++)
                if ((row + column) % 2 == 0)
                    blocks.row[blocks.rows++] = (UINT64_C(3) | UINT64_C(3) << width) << (row * width + column);
        compare_everywhere(open_source("loops", height, width), height, width, code_rank, &blocks, "loops");
    }
}

static void compare_graph(const graph *g, const char *name)
{
    binary_matrix checks = checks_of_graph(g);
    double *labels = labels_of_code(&checks, g->edges);
    compare_everywhere(open_amplitudes(labels, false, 1, g->edges), 1, g->edges, loops_on_graph, g, name);
    compare_everywhere(open_amplitudes(labels, false, 1, g->edges), 1, g->edges, code_rank, &checks, name);
    free(labels);
}

static void test_loops_on_graphs(void)
{
    graph square = {.vertices = 9}, tree = {.vertices = 9}, random = {.vertices = 6};
    uint64_t seed = 23;
    for (int v = 0; v < 9; v++) {
        if (v % 3 < 2)
            memcpy(square.end[square.edges++], (int[]){v, v + 1}, sizeof *square.end);
        if (v / 3 < 2)
            memcpy(square.end[square.edges++], (int[]){v, v + 3}, sizeof *square.end);
        if (v > 0)
            memcpy(tree.end[tree.edges++], (int[]){v, (v - 1) / 2}, sizeof *tree.end);
    }
    for (; random.edges < 12; random.edges++) { /* parallel edges are fine */
        random.end[random.edges][0] = (int)(random_word(&seed) % 6);
        random.end[random.edges][1] = (random.end[random.edges][0] + 1 + (int)(random_word(&seed) % 5)) % 6;
    }
    compare_graph(&square, "3x3 vertices");
    compare_graph(&tree, "a tree has no loops");
    compare_graph(&random, "random graph with parallel edges");
}

EG_SUITE("closed forms over GF(2)", {"palindrome: split mirror pairs", test_mirror_images},
         {"cluster states on lattices", test_cluster_states}, {"graph states of random graphs", test_random_graph_states},
         {"inner product as a sign", test_inner_product}, {"random linear codes", test_random_codes},
         {"closed loops on the checkerboard", test_checkerboard_loops}, {"closed loops on graphs", test_loops_on_graphs})
