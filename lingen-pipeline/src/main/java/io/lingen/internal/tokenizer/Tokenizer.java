package io.lingen.internal.tokenizer;

/**
 * A tokenizer. It extracts added tokens, normalizes the rest, splits it into words, applies the model to each word, and adds special
 * tokens. Created by {@link TokenizerReader}. Immutable and thread-safe.
 */
public final class Tokenizer {
    /**
     * The parts of a tokenizer, in the order in which they process a text.
     *
     * @param verbatim the added tokens that are matched in the original text
     * @param normalizer the normalizer
     * @param normalized the added tokens that are matched in the normalized text
     * @param preTokenizer splits into words
     * @param model splits words into tokens
     * @param template the special tokens
     */
    record Parts(
            AddedTokens verbatim,
            Normalizer normalizer,
            AddedTokens normalized,
            PreTokenizer preTokenizer,
            TokenModel model,
            Template template) {}

    private final Parts parts;

    Tokenizer(Parts parts) {
        this.parts = parts;
    }

    /** {@return the number of special tokens that are added before every text} */
    public int openingTokens() {
        return parts.template().before().size();
    }

    /** {@return the number of special tokens that are added after every text} */
    public int closingTokens() {
        return parts.template().after().size();
    }

    /**
     * {@return the tokens of a text}
     *
     * @param text the text
     */
    public Encoding encode(String text) {
        Tokens tokens = new Tokens();
        parts.verbatim().split(NormalizedText.of(text), (part, token) -> {
            if (token == null) {
                encode(part, tokens);
            } else {
                tokens.add(token.id(), part.endOf(part.length()));
            }
        });
        return Encoding.of(text, tokens, parts.template());
    }

    private void encode(NormalizedText text, Tokens tokens) {
        parts.normalizer().normalize(text);
        parts.normalized().split(text, (part, token) -> {
            if (token == null) {
                parts.preTokenizer().split(part).forEach(word -> parts.model().tokenize(word, tokens));
            } else {
                tokens.add(token.id(), part.endOf(part.length()));
            }
        });
    }
}
