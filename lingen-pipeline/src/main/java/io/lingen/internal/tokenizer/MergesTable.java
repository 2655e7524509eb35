package io.lingen.internal.tokenizer;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.internal.SafeText;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The merges of a BPE model in a tokenizer.json: an array of pairs, or of strings with a space between the two tokens. */
final class MergesTable {
    /** Seven times the number of merges of the largest published model. */
    private static final int MAX_MERGES = 1 << 22;

    private static final String PAIR = "two tokens, as an array or with one space between them";

    private final String origin;
    private final List<String> left = new ArrayList<>();
    private final List<String> right = new ArrayList<>();
    private boolean isRead;

    MergesTable(String origin) {
        this.origin = origin;
    }

    /** Reads the current value of a parser. */
    void read(JsonParser parser) throws IOException {
        if (isRead || parser.currentToken() != JsonToken.START_ARRAY) {
            throw error("", isRead ? "a second table" : TokenizerFile.describe(parser), "one array of merges");
        }
        isRead = true;
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (left.size() == MAX_MERGES) {
                throw error("", "more", "at most " + MAX_MERGES + " merges");
            }
            if (parser.currentToken() == JsonToken.VALUE_STRING) {
                addPair(parser.getText());
            } else {
                readPair(parser);
            }
        }
    }

    private void addPair(String pair) {
        int blank = pair.indexOf(' ');
        if (blank < 0 || pair.indexOf(' ', blank + 1) >= 0) {
            throw error(row(), '"' + SafeText.of(pair) + '"', PAIR);
        }
        left.add(pair.substring(0, blank));
        right.add(pair.substring(blank + 1));
    }

    private void readPair(JsonParser parser) throws IOException {
        boolean isPair = parser.currentToken() == JsonToken.START_ARRAY && parser.nextToken() == JsonToken.VALUE_STRING;
        String first = parser.getText();
        isPair = isPair && parser.nextToken() == JsonToken.VALUE_STRING;
        String second = parser.getText();
        if (!isPair || parser.nextToken() != JsonToken.END_ARRAY) {
            throw error(row(), TokenizerFile.describe(parser), PAIR);
        }
        left.add(first);
        right.add(second);
    }

    private String row() {
        return "[" + left.size() + "]";
    }

    private CheckpointException error(String row, String found, String expected) {
        return new CheckpointException(
                origin + ": field 'model.merges" + row + "': found " + found + ", expected " + expected);
    }

    /**
     * The merges by token ids.
     *
     * @param prefix the prefix of the second token of each merge, which the result omits
     * @throws CheckpointException if the table is missing, or a token is not in the vocabulary
     */
    BpeMerges resolve(TokenTrie vocabulary, String prefix) {
        if (!isRead) {
            throw error("", "nothing", "an array of merges");
        }
        BpeMerges merges = new BpeMerges();
        for (int i = 0; i < left.size(); i++) {
            String row = "[" + i + "]";
            if (!right.get(i).startsWith(prefix)) {
                throw error(row, SafeText.of(right.get(i)), "a token that begins with " + SafeText.of(prefix));
            }
            String result = left.get(i) + right.get(i).substring(prefix.length());
            merges.add(
                    id(vocabulary, row, left.get(i)), id(vocabulary, row, right.get(i)), id(vocabulary, row, result));
        }
        return merges;
    }

    private int id(TokenTrie vocabulary, String row, String token) {
        int id = vocabulary.id(token);
        if (id == TokenTrie.NONE) {
            throw error(row, '"' + SafeText.of(token) + '"', "tokens of model.vocab");
        }
        return id;
    }
}
