/* Identities from C: the good way and every wrong one. Exits non-zero and names the line on failure. */
#include "check.h"

static void good(void) {
    bitchat_identity *made = NULL, *again = NULL;
    uint8_t secret[32], id[32], same[32];
    char text[128], whole[128];
    size_t len = sizeof text;

    CHECK(bitchat_identity_generate(&made) == BITCHAT_OK && made != NULL);
    CHECK(bitchat_identity_secret(made, secret) == BITCHAT_OK);
    CHECK(bitchat_identity_peer_id(made, id) == BITCHAT_OK);
    CHECK(bitchat_identity_from_secret(secret, &again) == BITCHAT_OK);
    CHECK(bitchat_identity_peer_id(again, same) == BITCHAT_OK);
    CHECK(memcmp(id, same, sizeof id) == 0);

    CHECK(bitchat_peer_link(id, text, &len) == BITCHAT_OK);
    CHECK(len == strlen(text) + 1 && strncmp(text, "dotchat:peer/", 13) == 0);
    memset(same, 0, sizeof same);
    CHECK(bitchat_peer_link_parse(text, same, NULL) == BITCHAT_OK);
    CHECK(memcmp(id, same, sizeof id) == 0);

    /* A short buffer loses nothing and says what is needed. */
    memcpy(whole, text, sizeof text);
    len = 3;
    CHECK(bitchat_peer_link(id, text, &len) == BITCHAT_ERR_SHORT);
    CHECK(len == strlen(whole) + 1);
    CHECK(bitchat_peer_link(id, text, &len) == BITCHAT_OK && strcmp(text, whole) == 0);

    len = sizeof text;
    CHECK(bitchat_peer_fingerprint(id, text, &len) == BITCHAT_OK && strlen(text) >= 16);

    bitchat_identity_free(made);
    bitchat_identity_free(again);
    bitchat_identity_free(NULL);
}

static void wrong(void) {
    bitchat_identity *made = NULL;
    uint8_t id[32] = {0};
    bitchat_error why = {.struct_size = sizeof why};
    char text[8];
    size_t len = sizeof text;

    CHECK(bitchat_identity_generate(NULL) == BITCHAT_ERR_NULL);
    CHECK(bitchat_identity_from_secret(NULL, &made) == BITCHAT_ERR_NULL && made == NULL);
    CHECK(bitchat_identity_secret(NULL, id) == BITCHAT_ERR_NULL);
    CHECK(bitchat_identity_peer_id(NULL, id) == BITCHAT_ERR_NULL);
    CHECK(bitchat_peer_link(id, text, NULL) == BITCHAT_ERR_NULL);
    CHECK(bitchat_peer_link(NULL, text, &len) == BITCHAT_ERR_NULL);
    len = 1000;
    CHECK(bitchat_peer_link(id, NULL, &len) == BITCHAT_ERR_NULL);
    CHECK(bitchat_peer_link_parse(NULL, id, NULL) == BITCHAT_ERR_NULL);
    CHECK(bitchat_peer_link_parse("dotchat:peer/nonsense", id, NULL) == BITCHAT_ERR_INVALID);
    CHECK(bitchat_peer_link_parse("dotchat:peer/nonsense", id, &why) == BITCHAT_ERR_INVALID);
    CHECK(strstr(why.text, "56 characters") != NULL);
    CHECK(bitchat_peer_link_parse("\xff\xfe", id, NULL) == BITCHAT_ERR_INVALID);
    CHECK(strcmp(bitchat_status_name(BITCHAT_ERR_SHORT), "BITCHAT_ERR_SHORT") == 0);
    CHECK(strcmp(bitchat_status_name(12345), "BITCHAT_UNKNOWN") == 0);
    CHECK(strlen(bitchat_status_text(BITCHAT_ERR_PANIC)) > 10);
    CHECK(bitchat_version() ==
          ((BITCHAT_VERSION_MAJOR << 16) | (BITCHAT_VERSION_MINOR << 8) | BITCHAT_VERSION_PATCH));
    CHECK(strlen(bitchat_version_text()) >= 5);
}

int main(void) {
    good();
    wrong();
    return 0;
}
