/* Runs the threads of a GPU block as fibers of one CPU thread. A fiber runs until it waits (at a barrier, for its warp) or ends;
 * when none can go on, the scheduler lets those through that have all come, and stops the program when they cannot all come.
 * Called by runtime.cpp, which lets one grid run at a time.
 *
 * EEGPU_EMULATED_ORDER=forward|reverse|NUMBER is the order of threads and blocks; a result that depends on it is a bug of the
 * kernel.
 *
 * Compiled WITHOUT -fsanitize=thread, whose calls at function entry would be counted on the wrong fiber, but with EG_FIBERS_TSAN
 * defined when the kernels are compiled with it; the address sanitizer is detected. */
#include "cpu_cuda.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <numeric>
#include <random>
#include <vector>

#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#define EG_FIBERS_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EG_FIBERS_ASAN
#endif
#endif
#ifdef EG_FIBERS_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef EG_FIBERS_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#if defined(__x86_64__) && !defined(EG_FIBERS_UCONTEXT)
#define EG_FIBERS_ASSEMBLY
#endif

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace
{

constexpr size_t stack_bytes = 128 * 1024, guard_bytes = 4096;
constexpr unsigned most_threads = 1024;

enum class waiting { for_nothing, for_block, for_warp, ended };
enum class warp_operation { barrier, exchange, vote };

struct fiber {
    uint3 index;
    unsigned number; /* in the block */
    waiting state;
    bool started;

    warp_operation operation;
    unsigned mask, source_lane;
    uint64_t sent, received; /* a word of an exchange, a yes or no of a vote or of a block's barrier */
    unsigned warp_barriers, block_barriers;

    char *stack;
    void *stack_pointer; /* where the assembly switch left it */
    ucontext_t context;
    void *fake_stack;  /* the address sanitizer's */
    void *tsan_thread; /* the thread sanitizer's */
};

/* One block runs at a time, so there is one set of fibers. It is kept from launch to launch: a fiber serves the thread of its
 * number in every block, which spares the making of a thread for each. */
struct {
    fiber *fibers[most_threads];
    fiber *current;
    const std::function<void()> *kernel;
    void *dynamic_shared;

    void *stack_pointer;
    ucontext_t context;
    void *fake_stack, *tsan_thread;
    const void *stack;
    size_t stack_bytes;
} scheduler;

/* What the thread sanitizer is told: who waits at an event has seen what was done before others came to it. Barriers take two
 * events in turn, or a thread already at the next barrier would look ordered before one that is still leaving this one. */
struct {
    char block_starts, block_ends;
    char block_barrier[2];
    char warp_barrier[most_threads / 32][2];
} events;

void come_to(char *event)
{
#ifdef EG_FIBERS_TSAN
    __tsan_release(event);
#endif
    (void)event;
}

void leave(char *event)
{
#ifdef EG_FIBERS_TSAN
    __tsan_acquire(event);
#endif
    (void)event;
}

[[noreturn]] void stop(const char *what)
{
    fprintf(stderr, "eegpu emulation: %s, block %u,%u,%u", what, blockIdx.x, blockIdx.y, blockIdx.z);
    if (scheduler.current)
        fprintf(stderr, " near thread %u,%u,%u", threadIdx.x, threadIdx.y, threadIdx.z);
    fprintf(stderr, "\n");
    abort();
}

/* ---- Switching ---- */

#ifdef EG_FIBERS_ASSEMBLY
/* Save the registers that a call keeps and the stack pointer, and take those of the other side. ucontext does it with two system
 * calls, ten times slower. */
extern "C" void eg_fiber_switch(void **save_stack_pointer, void *stack_pointer);
asm(R"(
    .text
    .globl eg_fiber_switch
    .hidden eg_fiber_switch
    .type eg_fiber_switch, @function
eg_fiber_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size eg_fiber_switch, . - eg_fiber_switch
)");
#endif

void to_fiber(fiber *to)
{
    scheduler.current = to;
    threadIdx = to->index;
#ifdef EG_FIBERS_ASAN
    __sanitizer_start_switch_fiber(&scheduler.fake_stack, to->stack, stack_bytes);
#endif
#ifdef EG_FIBERS_TSAN
    __tsan_switch_to_fiber(to->tsan_thread, __tsan_switch_to_fiber_no_sync);
#endif
#ifdef EG_FIBERS_ASSEMBLY
    eg_fiber_switch(&scheduler.stack_pointer, to->stack_pointer);
#else
    swapcontext(&scheduler.context, &to->context);
#endif
#ifdef EG_FIBERS_ASAN
    __sanitizer_finish_switch_fiber(scheduler.fake_stack, nullptr, nullptr);
#endif
    scheduler.current = nullptr;
}

void to_scheduler(fiber *from, waiting state)
{
    from->state = state;
#ifdef EG_FIBERS_ASAN
    __sanitizer_start_switch_fiber(&from->fake_stack, scheduler.stack, scheduler.stack_bytes);
#endif
#ifdef EG_FIBERS_TSAN
    __tsan_switch_to_fiber(scheduler.tsan_thread, __tsan_switch_to_fiber_no_sync);
#endif
#ifdef EG_FIBERS_ASSEMBLY
    eg_fiber_switch(&from->stack_pointer, scheduler.stack_pointer);
#else
    swapcontext(&from->context, &scheduler.context);
#endif
#ifdef EG_FIBERS_ASAN
    __sanitizer_finish_switch_fiber(from->fake_stack, &scheduler.stack, &scheduler.stack_bytes);
#endif
}

/* The first function on a fiber's stack; it never returns. */
void fiber_main()
{
#ifdef EG_FIBERS_ASAN
    __sanitizer_finish_switch_fiber(nullptr, &scheduler.stack, &scheduler.stack_bytes);
#endif
    fiber *self = scheduler.current;
    for (;;) {
        leave(&events.block_starts);
        (*scheduler.kernel)();
        come_to(&events.block_ends);
        to_scheduler(self, waiting::ended);
    }
}

/* A stack with an unreadable page below it: a kernel that needs more stops with a fault instead of writing elsewhere. */
char *new_stack()
{
    void *mapped =
        mmap(nullptr, guard_bytes + stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED || mprotect(mapped, guard_bytes, PROT_NONE) != 0)
        stop("no memory for the stack of a GPU thread");
    return (char *)mapped + guard_bytes;
}

fiber *new_fiber(unsigned number)
{
    fiber *made = new fiber();
    made->number = number;
    made->stack = new_stack();
#ifdef EG_FIBERS_TSAN
    made->tsan_thread = __tsan_create_fiber(0);
#endif
#ifdef EG_FIBERS_ASSEMBLY
    /* As eg_fiber_switch leaves a stack: six registers, zero, below the address to return to, which a call would have put there. */
    void **top = (void **)(made->stack + stack_bytes) - 2;
    *top = (void *)fiber_main;
    made->stack_pointer = top - 6;
#else
    getcontext(&made->context);
    made->context.uc_stack.ss_sp = made->stack;
    made->context.uc_stack.ss_size = stack_bytes;
    made->context.uc_link = nullptr;
    makecontext(&made->context, fiber_main, 0);
#endif
    return made;
}

/* ---- One block ---- */

unsigned lane_of(const fiber *thread) { return thread->number % 32; }

/* The lanes that must come to the operation at which `first` waits: those of its mask that have not ended. */
unsigned partners(fiber *const *warp, unsigned lanes, const fiber *first)
{
    unsigned live = 0;
    for (unsigned lane = 0; lane < lanes; lane++)
        live |= (unsigned)(warp[lane]->state != waiting::ended) << lane;
    if (!(first->mask >> lane_of(first) & 1))
        stop("a lane calls a warp operation whose mask leaves it out");
    return first->mask & live;
}

void hand_over(fiber *const *warp, unsigned come)
{
    unsigned yes = 0;
    for (unsigned lane = 0; lane < 32; lane++)
        if (come >> lane & 1)
            yes |= (unsigned)(warp[lane]->sent & 1) << lane;
    for (unsigned lane = 0; lane < 32; lane++) {
        if (!(come >> lane & 1))
            continue;
        fiber *to = warp[lane];
        if (to->operation == warp_operation::vote)
            to->received = yes;
        else if (to->operation == warp_operation::exchange)
            to->received = to->source_lane < 32 && (come >> to->source_lane & 1) ? warp[to->source_lane]->sent : ~UINT64_C(0);
        to->state = waiting::for_nothing;
    }
}

/* Let the lanes through whose partners have all come. True when there were some. */
bool release_warp(fiber *const *warp, unsigned lanes)
{
    bool released = false;
    for (unsigned lane = 0; lane < lanes; lane++) {
        fiber *first = warp[lane];
        if (first->state != waiting::for_warp)
            continue;
        unsigned wanted = partners(warp, lanes, first), come = 0;
        for (unsigned other = 0; other < lanes; other++) {
            if (!(wanted >> other & 1) || warp[other]->state != waiting::for_warp)
                continue;
            if (warp[other]->mask != first->mask || warp[other]->operation != first->operation)
                stop("lanes of one mask wait at different warp operations");
            come |= 1u << other;
        }
        if (come == wanted) {
            hand_over(warp, come);
            released = true;
        }
    }
    return released;
}

void release_block(unsigned threads)
{
    uint64_t yes = 0;
    for (unsigned i = 0; i < threads; i++) {
        if (scheduler.fibers[i]->state == waiting::for_warp)
            stop("a warp operation is not reached by every lane of its mask");
        if (scheduler.fibers[i]->state != waiting::for_block)
            stop("a barrier is not reached by every thread");
        yes += scheduler.fibers[i]->sent;
    }
    for (unsigned i = 0; i < threads; i++) {
        scheduler.fibers[i]->received = yes;
        scheduler.fibers[i]->state = waiting::for_nothing;
    }
}

void run_block(const std::vector<unsigned> &order)
{
    unsigned threads = (unsigned)order.size(), left = threads;
    for (unsigned i = 0; i < threads; i++) {
        fiber *thread = scheduler.fibers[i];
        thread->state = waiting::for_nothing;
        thread->warp_barriers = thread->block_barriers = 0;
    }
    come_to(&events.block_starts);
    while (left > 0) {
        bool moved = false;
        for (unsigned i : order) {
            fiber *thread = scheduler.fibers[i];
            if (thread->state != waiting::for_nothing)
                continue;
            to_fiber(thread);
            moved = true;
            left -= thread->state == waiting::ended;
        }
        for (unsigned first = 0; first < threads; first += 32)
            moved |= release_warp(scheduler.fibers + first, std::min(threads - first, 32u));
        if (!moved)
            release_block(threads);
    }
    leave(&events.block_ends);
}

/* ---- A grid ---- */

/* Threads in the order asked for; `first_block` and `backwards` say where the blocks begin and which way they go. */
std::vector<unsigned> order_of_threads(unsigned threads, uint64_t *first_block, bool *backwards)
{
    const char *word = getenv("EEGPU_EMULATED_ORDER");
    std::vector<unsigned> order(threads);
    std::iota(order.begin(), order.end(), 0u);
    *first_block = 0;
    *backwards = word && strcmp(word, "reverse") == 0;
    if (*backwards) {
        std::reverse(order.begin(), order.end());
    } else if (word && strcmp(word, "forward") != 0) {
        unsigned seed = (unsigned)strtoul(word, nullptr, 10);
        std::mt19937 random(seed);
        std::shuffle(order.begin(), order.end(), random);
        *first_block = seed;
    }
    return order;
}

void prepare(dim3 block, unsigned threads)
{
    for (unsigned i = 0; i < threads; i++) {
        if (scheduler.fibers[i] == nullptr)
            scheduler.fibers[i] = new_fiber(i);
        scheduler.fibers[i]->index = {i % block.x, i / block.x % block.y, i / (block.x * block.y)};
    }
#ifdef EG_FIBERS_TSAN
    scheduler.tsan_thread = __tsan_get_current_fiber();
#endif
}

#ifdef EG_FIBERS_TSAN
/* The thread sanitizer takes fibers for threads that still run, and would wait a second for them when the program ends. */
__attribute__((destructor)) void end_fibers()
{
    for (fiber *thread : scheduler.fibers)
        if (thread != nullptr)
            __tsan_destroy_fiber(thread->tsan_thread);
}
#endif

fiber *self()
{
    if (scheduler.current == nullptr)
        stop("a device function is called outside a kernel");
    return scheduler.current;
}

uint64_t wait_for_warp(warp_operation operation, unsigned mask, uint64_t word, unsigned source_lane)
{
    fiber *thread = self();
    thread->operation = operation;
    thread->mask = mask;
    thread->sent = word;
    thread->source_lane = source_lane;
    to_scheduler(thread, waiting::for_warp);
    return thread->received;
}

} // namespace

namespace cpu_cuda
{

void run(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()> &kernel)
{
    unsigned threads = block.x * block.y * block.z;
    uint64_t blocks = (uint64_t)grid.x * grid.y * grid.z, first_block;
    bool backwards;
    std::vector<unsigned> order = order_of_threads(threads, &first_block, &backwards);
    blockDim = block;
    gridDim = grid;
    scheduler.kernel = &kernel;
    prepare(block, threads);
    for (uint64_t i = 0; i < blocks; i++) {
        uint64_t number = backwards ? blocks - 1 - i : (first_block + i) % blocks;
        blockIdx = {(unsigned)(number % grid.x), (unsigned)(number / grid.x % grid.y), (unsigned)(number / grid.x / grid.y)};
        /* Of the exact size, so that the address sanitizer sees its end; freed after the block, as shared memory is. */
        if (posix_memalign(&scheduler.dynamic_shared, 128, shared_bytes) != 0)
            stop("no memory for shared memory");
        memset(scheduler.dynamic_shared, 0xff, shared_bytes);
        run_block(order);
        free(scheduler.dynamic_shared);
    }
    scheduler.dynamic_shared = nullptr;
}

void *dynamic_shared() { return scheduler.dynamic_shared; }

unsigned lane() { return lane_of(self()); }

void warp_barrier(unsigned mask)
{
    fiber *thread = self();
    char *event = &events.warp_barrier[thread->number / 32][thread->warp_barriers++ & 1];
    come_to(event);
    wait_for_warp(warp_operation::barrier, mask, 0, 0);
    leave(event);
}

/* No events here: a shuffle or a vote orders no other memory access. */
uint64_t warp_exchange(unsigned mask, uint64_t word, unsigned source_lane)
{
    return wait_for_warp(warp_operation::exchange, mask, word, source_lane);
}

unsigned warp_vote(unsigned mask, bool yes) { return (unsigned)wait_for_warp(warp_operation::vote, mask, yes, 0); }

int block_barrier(bool yes)
{
    fiber *thread = self();
    char *event = &events.block_barrier[thread->block_barriers++ & 1];
    thread->sent = yes;
    come_to(event);
    to_scheduler(thread, waiting::for_block);
    leave(event);
    return (int)thread->received;
}

} // namespace cpu_cuda
