/* The key log: off unless it is asked for by its own number, and then what it says. */
#include "check.h"

#define NOW 1000, 1800000000000

int main(void) {
    bitchat_config config = {.struct_size = sizeof config};
    bitchat_identity *identity;
    bitchat_chatfile *file;
    bitchat_node *node, *none = NULL;
    bitchat_draft draft = {sizeof draft, "test", NULL, 0, NULL, 0, 0, 0, 0};
    const char *line = "";
    uint32_t channel;
    OK(bitchat_identity_generate(&identity));
    OK(bitchat_chatfile_create(&draft, NULL, NULL, &file, NULL));

    /* Off: there is never a line. */
    OK(bitchat_config_init(&config));
    CHECK(config.insecure_key_log == 0);
    OK(bitchat_node_new(&config, identity, NULL, NOW, &node, NULL));
    OK(bitchat_node_join(node, NOW, file, &channel, NULL));
    GIVES(BITCHAT_PENDING, bitchat_node_poll_key_log(node, &line));
    CHECK(line == NULL);
    OK(bitchat_node_free(node));

    /* Not by accident either. */
    config.insecure_key_log = 1;
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_new(&config, identity, NULL, NOW, &none, NULL));
    CHECK(none == NULL);

    config.insecure_key_log = BITCHAT_INSECURE_KEY_LOG;
    OK(bitchat_node_new(&config, identity, NULL, NOW, &node, NULL));
    OK(bitchat_node_join(node, NOW, file, &channel, NULL));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_poll_key_log(NULL, &line));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_poll_key_log(node, NULL));
    OK(bitchat_node_poll_key_log(node, &line));
    CHECK(strncmp(line, "BITCHAT1_GATE_MAC ", 18) == 0);
    /* label, chan, epoch, key, line feed */
    CHECK(strlen(line) == 18 + 40 + 1 + 64 + 1 + 64 + 1 && line[strlen(line) - 1] == '\n');
    OK(bitchat_node_poll_key_log(node, &line));
    CHECK(strncmp(line, "BITCHAT1_GATE_MASK ", 19) == 0);
    GIVES(BITCHAT_PENDING, bitchat_node_poll_key_log(node, &line));
    OK(bitchat_node_free(node));
    bitchat_chatfile_free(file);
    bitchat_identity_free(identity);
    return 0;
}
