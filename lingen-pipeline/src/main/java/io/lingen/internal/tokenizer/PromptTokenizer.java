package io.lingen.internal.tokenizer;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.internal.SafeText;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A tokenizer with the token limit of its text encoder. Immutable and thread-safe. */
public final class PromptTokenizer {
    private static final Logger log = LoggerFactory.getLogger(PromptTokenizer.class);

    private final String encoder;
    private final Tokenizer tokenizer;
    private final int maxTokens;

    private PromptTokenizer(String encoder, Tokenizer tokenizer, int maxTokens) {
        this.encoder = encoder;
        this.tokenizer = tokenizer;
        this.maxTokens = maxTokens;
    }

    /**
     * Reads a tokenizer.json.
     *
     * @param encoder the name of the text encoder, for messages
     * @param origin the name of the file, for messages
     * @param json the bytes of the file
     * @param maxTokens the largest number of tokens of a prompt, special tokens included
     * @return the tokenizer
     * @throws CheckpointException if the file is malformed, or if a prompt's special tokens alone reach the limit
     */
    public static PromptTokenizer read(String encoder, String origin, byte[] json, int maxTokens) {
        Tokenizer tokenizer = TokenizerReader.read(origin, json);
        int special = tokenizer.openingTokens() + tokenizer.closingTokens();
        if (special >= maxTokens) {
            throw new CheckpointException(origin + ": expected fewer special tokens than the encoder's limit of "
                    + maxTokens + " tokens, found " + special);
        }
        return new PromptTokenizer(encoder, tokenizer, maxTokens);
    }

    /** {@return the largest number of tokens of a prompt, special tokens included} */
    public int maxTokens() {
        return maxTokens;
    }

    /** {@return the number of special tokens at the start of every prompt} */
    public int openingTokens() {
        return tokenizer.openingTokens();
    }

    /** {@return the number of special tokens at the end of every prompt} */
    public int closingTokens() {
        return tokenizer.closingTokens();
    }

    /**
     * {@return the same tokenizer with another limit}
     *
     * @param limit the largest number of tokens of a prompt; not below {@link #maxTokens}
     */
    public PromptTokenizer withMaxTokens(int limit) {
        return new PromptTokenizer(encoder, tokenizer, limit);
    }

    /**
     * {@return the number of tokens of a prompt, special tokens included, without regard to the limit}
     *
     * @param prompt any text
     */
    public int count(String prompt) {
        return tokenizer.encode(prompt).length();
    }

    /**
     * {@return the tokens of a prompt} If it is longer than the limit, its last tokens are left out except for special ones, and a warning is
     * logged.
     *
     * @param prompt any text
     */
    public TokenizedPrompt tokenize(String prompt) {
        TokenizedPrompt tokens = TokenizedPrompt.of(prompt, tokenizer.encode(prompt), maxTokens);
        if (tokens.isCut()) {
            log.warn(
                    "{}: prompt truncated to {} of {} tokens, after \"{}\" and before \"{}\"",
                    encoder,
                    tokens.ids().length,
                    tokens.uncutLength(),
                    SafeText.endOf(prompt.substring(0, tokens.cutAt()), 40),
                    SafeText.of(prompt.substring(tokens.cutAt()).strip(), 40));
        }
        return tokens;
    }
}
