/* A program that has functions of its own under the names of those in the library, as one does that
 * brings another version of them along: they stay apart. */

static int called = 0;

#define OWN(name) \
    void name(void); \
    void name(void) { called++; }

OWN(blake3_compress_in_place_avx512)
OWN(blake3_compress_in_place_sse41)
OWN(blake3_compress_xof_avx512)
OWN(blake3_hash_many_avx2)
OWN(blake3_hash_many_avx512)
OWN(blake3_hash_many_sse41)
OWN(blake3_xof_many_avx512)
OWN(mldsa_ct_opt_blocker_u64)
OWN(sha3_keccak4_f1600)
OWN(ring_core_0_17_14__OPENSSL_cpuid_setup)
OWN(sqlite3_open_v2)
OWN(rust_eh_personality)

#define main installed_main
#include "installed.c"
#undef main

int main(void) {
    blake3_hash_many_avx512();
    sqlite3_open_v2();
    rust_eh_personality();
    int before = called, status = installed_main();
    if (before != 3 || called != before) return 10;
    return status;
}
