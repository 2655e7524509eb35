package io.lingen.internal.tokenizer;

/**
 * Encodes texts as token ids: cuts added tokens out, normalizes, splits into words, applies the model to each, adds special tokens.
 * Immutable and thread-safe. {@link TokenizerReader} makes it.
 */
public final class Tokenizer {
    /**
     * What a tokenizer consists of, in the order in which a text passes it.
     *
     * @param verbatim the added tokens that are looked for in the text as it is
     * @param normalizer the normalizer
     * @param normalized the added tokens that are looked for in the normalized text
     * @param preTokenizer the cut into words
     * @param model the cut into tokens
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

    /** The number of special tokens around every text: what the empty one consists of. */
    public int specialTokens() {
        return parts.template().before().size() + parts.template().after().size();
    }

    /** The tokens of a text. */
    public Encoding encode(String text) {
        Tokens tokens = new Tokens();
        NormalizedText whole = NormalizedText.of(text);
        parts.verbatim().split(whole, (part, token) -> {
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
