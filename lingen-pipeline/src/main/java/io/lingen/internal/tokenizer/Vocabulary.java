package io.lingen.internal.tokenizer;

/**
 * The tokens of a model.
 *
 * @param trie the tokens and their ids
 * @param size the number of tokens
 */
record Vocabulary(TokenTrie trie, int size) {}
