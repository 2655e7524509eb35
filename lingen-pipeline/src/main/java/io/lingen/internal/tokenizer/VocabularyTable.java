package io.lingen.internal.tokenizer;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.internal.SafeText;
import java.io.IOException;
import java.util.Arrays;

/** The vocabulary of a model in a tokenizer.json: an object of tokens and ids, or an array of pairs of token and score. */
final class VocabularyTable {
    /** Eight times the size of the largest published vocabulary. */
    private static final int MAX_TOKENS = 1 << 21;

    /** Twice the largest number of tokens. Bounds the size of an embedding table, in which an id selects a row. */
    private static final int MAX_ID = (1 << 22) - 1;

    /** Four times the number of nodes of the largest published vocabulary. Bounds the memory of the trie. */
    private static final int MAX_NODES = 1 << 22;

    /** The form of the table. */
    enum Form {
        NONE,
        IDS,
        SCORES
    }

    private final String origin;
    private final TokenTrie trie = new TokenTrie();
    private double[] scores = new double[0];
    private int size;
    private Form form = Form.NONE;

    VocabularyTable(String origin) {
        this.origin = origin;
    }

    /** Reads the current value of a parser. */
    void read(JsonParser parser) throws IOException {
        if (form != Form.NONE) {
            throw error("", "a second table", "one table");
        }
        if (parser.currentToken() == JsonToken.START_OBJECT) {
            form = Form.IDS;
            readIds(parser);
        } else if (parser.currentToken() == JsonToken.START_ARRAY) {
            form = Form.SCORES;
            readScores(parser);
        } else {
            throw error("", TokenizerFile.describe(parser), "an object of ids or an array of scores");
        }
    }

    private void readIds(JsonParser parser) throws IOException {
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String token = parser.currentName();
            boolean isInteger = parser.nextToken() == JsonToken.VALUE_NUMBER_INT;
            boolean isInt = isInteger && parser.getNumberType() == JsonParser.NumberType.INT;
            if (!isInt || parser.getIntValue() < 0 || parser.getIntValue() > MAX_ID) {
                throw error("." + SafeText.of(token), TokenizerFile.describe(parser), "an integer from 0 to " + MAX_ID);
            }
            if (put(token, parser.getIntValue()) != TokenTrie.NONE) {
                throw error("." + SafeText.of(token), "a duplicate", "each token once");
            }
        }
    }

    private void readScores(JsonParser parser) throws IOException {
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            String row = "[" + size + "]";
            boolean isPair =
                    parser.currentToken() == JsonToken.START_ARRAY && parser.nextToken() == JsonToken.VALUE_STRING;
            if (!isPair) {
                throw error(row, TokenizerFile.describe(parser), "a token and its score");
            }
            String token = parser.getText();
            boolean isNumber = parser.nextToken() == JsonToken.VALUE_NUMBER_INT
                    || parser.currentToken() == JsonToken.VALUE_NUMBER_FLOAT;
            double score = isNumber ? Score.parse(parser.getText()) : Double.NaN;
            if (!Double.isFinite(score)) {
                throw error(row, TokenizerFile.describe(parser), "a finite number as score");
            }
            if (parser.nextToken() != JsonToken.END_ARRAY) {
                throw error(row, TokenizerFile.describe(parser), "the end of a token and its score");
            }
            if (size == scores.length) {
                scores = Arrays.copyOf(scores, Math.max(64, 2 * size));
            }
            scores[size] = score;
            // The last of equal tokens has priority, as in the library tokenizers.
            put(token, size);
        }
    }

    private int put(String token, int id) {
        if (Characters.hasSurrogate(token)) {
            throw error("", SafeText.of(token), "tokens without unpaired surrogates");
        }
        if (size == MAX_TOKENS) {
            throw error("", "more", "at most " + MAX_TOKENS + " tokens");
        }
        size++;
        int previous = trie.put(token, id);
        if (trie.nodes() > MAX_NODES) {
            throw error(
                    "", "more", "tokens of at most " + MAX_NODES + " characters, with common prefixes counted once");
        }
        return previous;
    }

    private CheckpointException error(String row, String found, String expected) {
        return new CheckpointException(
                origin + ": field 'model.vocab" + row + "': found " + found + ", expected " + expected);
    }

    /**
     * The tokens of a table of the expected form.
     *
     * @throws CheckpointException if the table has another form
     */
    Vocabulary require(Form expected) {
        if (form != expected) {
            throw error(
                    "",
                    form == Form.NONE ? "nothing" : "an " + (form == Form.IDS ? "object" : "array"),
                    expected == Form.IDS ? "an object of tokens and their ids" : "an array of tokens and their scores");
        }
        return new Vocabulary(trie, size);
    }

    /** The scores by id. */
    double[] scores() {
        return Arrays.copyOf(scores, size);
    }
}
