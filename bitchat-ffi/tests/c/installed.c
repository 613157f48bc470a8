/* The least that a program does with the library that was installed: it makes a node, drains it, and
 * says which version it is linked with. */

#include <bitchat.h>
#include <stdio.h>

int main(void) {
    bitchat_identity *identity = NULL;
    bitchat_node *node = NULL;
    bitchat_action action = {.struct_size = sizeof action};
    int32_t actions = 0, status = bitchat_identity_generate(&identity);
    if (status != BITCHAT_OK) return 1;
    if (bitchat_node_new(NULL, identity, NULL, 1, 0, &node, NULL) != BITCHAT_OK) return 2;
    while ((status = bitchat_node_poll_action(node, &action)) == BITCHAT_OK) actions++;
    if (status != BITCHAT_PENDING || actions == 0) return 3;
    if (bitchat_node_free(node) != BITCHAT_OK) return 4;
    bitchat_identity_free(identity);
    printf("%s\n", bitchat_version_text());
    return 0;
}
