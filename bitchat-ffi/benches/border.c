/* What it costs to cross the border: calls that find nothing to do, so that the border is nearly all of
 * it. From the top directory of the repository:
 *
 *     cargo build --release -p bitchat-ffi
 *     cc -O2 -std=c11 -I include bitchat-ffi/benches/border.c target/release/libbitchat.a \
 *         -lpthread -ldl -lm -o target/border && target/border
 *
 * Each line is the best of several rounds, in nanoseconds a call. The aim is at most 100 for the border:
 * checks of the arguments, the busy flag, the catching of panics, and structs copied across.
 */
#define _POSIX_C_SOURCE 200809L
#include "bitchat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CALLS = 1000000, ROUNDS = 9 };

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void must(int32_t status) {
    if (status < 0) {
        fprintf(stderr, "%s\n", bitchat_status_text(status));
        exit(1);
    }
}

#define MEASURE(call)                                                    \
    do {                                                                 \
        double best = 1e9;                                               \
        for (int round = 0; round < ROUNDS; round++) {                   \
            double start = seconds();                                    \
            for (int at = 0; at < CALLS; at++) must(call);               \
            double took = (seconds() - start) / CALLS * 1e9;             \
            if (took < best) best = took;                                \
        }                                                                \
        printf("%7.1f ns  %s\n", best, #call);                           \
    } while (0)

static void ignore(void *user, const bitchat_transmit *transmit) {
    (void)user;
    (void)transmit;
}

int main(void) {
    bitchat_identity *identity;
    bitchat_node *node;
    bitchat_action action = {.struct_size = sizeof action};
    bitchat_event event = {.struct_size = sizeof event};
    bitchat_transmit transmit = {.struct_size = sizeof transmit};
    bitchat_callbacks callbacks = {.struct_size = sizeof callbacks, .datagram = ignore};
    bitchat_stats stats = {.struct_size = sizeof stats};
    static uint8_t buffer[65507]; /* the largest datagram: limits.datagram_bytes */
    uint64_t deadline;
    uint64_t mono = 1000, wall = 1800000000000;

    must(bitchat_identity_generate(&identity));
    must(bitchat_node_new(NULL, identity, NULL, mono, wall, &node, NULL));
    while (bitchat_node_poll_action(node, &action) == BITCHAT_OK) {}
    MEASURE(bitchat_node_poll_action(node, &action));
    MEASURE(bitchat_node_poll_event(node, &event));
    MEASURE(bitchat_node_poll_transmit(node, mono, wall, 1, buffer, sizeof buffer, &transmit));
    MEASURE(bitchat_node_is_drained(node));
    MEASURE(bitchat_node_stats(node, &stats));
    MEASURE(bitchat_node_deadline(node, &deadline, NULL));
    MEASURE(bitchat_node_dispatch(node, mono, wall, &callbacks, NULL));
    MEASURE(bitchat_node_tick(node, mono, wall));
    must(bitchat_node_free(node));
    bitchat_identity_free(identity);
    return 0;
}
