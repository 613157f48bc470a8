/* Uses what is gone, on purpose: a memory checker has to see it. The argument says what. */
#include "check.h"

#define NOW 1000, 1800000000000

int main(int count, char **arguments) {
    bitchat_identity *identity;
    bitchat_node *node;
    bitchat_action action = {.struct_size = sizeof action};
    const bitchat_messages *messages;
    bitchat_message message = {.struct_size = sizeof message};
    const char *reason;
    uint64_t deadline;
    size_t len;
    CHECK(count == 2);
    OK(bitchat_identity_generate(&identity));
    OK(bitchat_node_new(NULL, identity, NULL, NOW, &node, NULL));
    if (strcmp(arguments[1], "nothing") == 0) {
        OK(bitchat_node_deadline(node, &deadline, &reason));
        CHECK(strlen(reason) < 100);
    } else if (strcmp(arguments[1], "node") == 0) {
        OK(bitchat_node_free(node));
        bitchat_node_tick(node, NOW);
        return 0;
    } else if (strcmp(arguments[1], "twice") == 0) {
        OK(bitchat_node_free(node));
        bitchat_node_free(node);
        return 0;
    } else if (strcmp(arguments[1], "text") == 0) {
        OK(bitchat_node_deadline(node, &deadline, &reason));
        OK(bitchat_node_tick(node, NOW));
        len = strlen(reason);
        printf("%zu\n", len);
    } else if (strcmp(arguments[1], "list") == 0) {
        bitchat_chatfile *file;
        uint32_t channel;
        bitchat_draft draft = {sizeof draft, "test", NULL, 0, NULL, 0, 0, 0, 0};
        OK(bitchat_chatfile_create(&draft, NULL, NULL, &file, NULL));
        OK(bitchat_node_join(node, NOW, file, &channel, NULL));
        bitchat_chatfile_free(file);
        OK(bitchat_node_messages(node, channel, BITCHAT_PAGE_FIRST, NULL, 100, &messages, &len));
        OK(bitchat_node_poll_action(node, &action));
        bitchat_messages_get(messages, 0, &message);
    } else {
        return 2;
    }
    OK(bitchat_node_free(node));
    bitchat_identity_free(identity);
    return 0;
}
