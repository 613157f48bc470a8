/* Bit Chat: private group chat without a server. MIT OR Apache-2.0.
 * Generated from bitchat-ffi; do not edit. `BITCHAT_BLESS=1 cargo test -p bitchat-ffi` rewrites it.
 *
 * Conventions
 *   - Functions return an int32_t status: BITCHAT_OK (0), or a negative error whose name and meaning
 *     bitchat_status_name and bitchat_status_text give.
 *   - Handles are opaque. They are freed by the function named after them; freeing NULL does nothing.
 *   - A NULL where a pointer is needed gives BITCHAT_ERR_NULL. Nothing is written then.
 *   - A buffer that is too short gives BITCHAT_ERR_SHORT; the needed size is written and nothing is lost.
 *   - A handle is used by one thread at a time; different handles are independent. There are no globals.
 */

#ifndef BITCHAT_H
#define BITCHAT_H

#include <stddef.h>
#include <stdint.h>

// Success.
#define BITCHAT_OK 0

// A pointer that must not be NULL was.
#define BITCHAT_ERR_NULL -1

// The output buffer is too short; the needed size was written.
#define BITCHAT_ERR_SHORT -2

// An argument is outside its range or malformed.
#define BITCHAT_ERR_INVALID -3

// The operating system gave no entropy.
#define BITCHAT_ERR_ENTROPY -4

// The library failed inside. Statuses from here down to -1099 are fatal: free the handle.
#define BITCHAT_ERR_PANIC -1000

// Major version of the interface that this header describes.
#define BITCHAT_VERSION_MAJOR 0

// Minor version of the interface that this header describes.
#define BITCHAT_VERSION_MINOR 1

// Patch version of the interface that this header describes.
#define BITCHAT_VERSION_PATCH 0

// A person's secret key.
typedef struct bitchat_identity bitchat_identity;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Makes a new identity from the operating system's entropy and writes the handle to `out`.
// Free it with `bitchat_identity_free`.
//
// # Safety
// `out` is NULL or valid for writes.
int32_t bitchat_identity_generate(bitchat_identity **out);

// Restores an identity from the 32 bytes that `bitchat_identity_secret` gave, and writes the handle
// to `out`. Free it with `bitchat_identity_free`.
//
// # Safety
// `secret` is NULL or valid for reads of 32 bytes; `out` is NULL or valid for writes.
int32_t bitchat_identity_from_secret(const uint8_t *secret, bitchat_identity **out);

// Writes the identity's 32 secret bytes to `secret`. Whoever has them is this person: store them
// where only this user can read, and erase the copy.
//
// # Safety
// `identity` is NULL or a live handle; `secret` is NULL or valid for writes of 32 bytes.
int32_t bitchat_identity_secret(const bitchat_identity *identity, uint8_t *secret);

// Writes the identity's 32-byte peer id, its public key, to `peer_id`.
//
// # Safety
// `identity` is NULL or a live handle; `peer_id` is NULL or valid for writes of 32 bytes.
int32_t bitchat_identity_peer_id(const bitchat_identity *identity, uint8_t *peer_id);

// Erases and frees an identity. NULL is fine.
//
// # Safety
// `identity` is NULL or a live handle, which is dead afterwards.
void bitchat_identity_free(bitchat_identity *identity);

// Writes the fingerprint of a peer id, short enough to be read aloud, as text with a zero byte.
// `*len` is the room in `out`, and becomes the size needed.
//
// # Safety
// `peer_id` is NULL or valid for reads of 32 bytes; `len` is NULL or valid for reads and writes;
// `out` is NULL or valid for writes of `*len` bytes.
int32_t bitchat_peer_fingerprint(const uint8_t *peer_id, char *out, size_t *len);

// Writes the `bitchat:peer/` link of a peer id as text with a zero byte. `*len` is the room in
// `out`, and becomes the size needed.
//
// # Safety
// As for `bitchat_peer_fingerprint`.
int32_t bitchat_peer_link(const uint8_t *peer_id, char *out, size_t *len);

// Reads a `bitchat:peer/` link and writes the 32-byte peer id to `peer_id`.
// `BITCHAT_ERR_INVALID` if it is none or has a typing error.
//
// # Safety
// `link` is NULL or text with a zero byte; `peer_id` is NULL or valid for writes of 32 bytes.
int32_t bitchat_peer_link_parse(const char *link, uint8_t *peer_id);

// The name of a status, such as "BITCHAT_ERR_NULL": valid for ever, never NULL.
const char *bitchat_status_name(int32_t status);

// What a status means, in English: valid for ever, never NULL.
const char *bitchat_status_text(int32_t status);

// The version of the library that was linked, as `major << 16 | minor << 8 | patch`: compare it
// with the BITCHAT_VERSION_ macros of the header that was compiled against.
uint32_t bitchat_version(void);

// The same as text, for people: valid for ever, never NULL.
const char *bitchat_version_text(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* BITCHAT_H */
