package io.lingen.internal.tokenizer;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reader of Hugging Face tokenizer.json files. */
public final class TokenizerReader {
    /** The largest size of a file in bytes. */
    public static final int MAX_BYTES = TokenizerFile.MAX_BYTES;

    /** Thirty times the largest number in a published model. */
    private static final int MAX_ADDED = 100_000;

    private TokenizerReader() {}

    /**
     * Reads a tokenizer.
     *
     * @param origin the name of the file, for messages
     * @param json the contents of the file
     * @return the tokenizer
     * @throws CheckpointException if the file is malformed or has an unsupported part; the message contains the field
     */
    public static Tokenizer read(String origin, byte[] json) {
        TokenizerFile file = TokenizerFile.read(origin, json);
        ConfigReader settings = file.settings();
        if (settings.has("version") && !settings.text("version").equals("1.0")) {
            throw settings.error("version", settings.text("version"), "\"1.0\"");
        }
        TokenModel model = ModelReader.read(file);
        Normalizer normalizer = NormalizerReader.read(settings.objectOrNull("normalizer"));
        List<AddedToken> added = addedTokens(settings, model);
        try {
            return new Tokenizer(new Tokenizer.Parts(
                    new AddedTokens(select(added, false), normalizer),
                    normalizer,
                    new AddedTokens(select(added, true), normalizer),
                    PreTokenizerReader.read(settings.objectOrNull("pre_tokenizer")),
                    model,
                    new TemplateReader(token -> id(token, added, model))
                            .read(settings.objectOrNull("post_processor"))));
        } catch (IllegalArgumentException e) {
            throw settings.invalid(e);
        }
    }

    /** Selects the added tokens of one kind, special ones first, because the first of equal tokens has priority. */
    private static List<AddedToken> select(List<AddedToken> added, boolean normalized) {
        List<AddedToken> selected = new ArrayList<>();
        added.stream()
                .filter(token -> token.normalized() == normalized && token.special())
                .forEach(selected::add);
        added.stream()
                .filter(token -> token.normalized() == normalized && !token.special())
                .forEach(selected::add);
        return selected;
    }

    private static List<AddedToken> addedTokens(ConfigReader settings, TokenModel model) {
        List<AddedToken> added = new ArrayList<>();
        if (!settings.has("added_tokens")) {
            return added;
        }
        Map<String, Integer> ids = new HashMap<>();
        int max = -1;
        for (ConfigReader json : settings.objects("added_tokens")) {
            AddedToken token = addedToken(json);
            int expected = model.id(token.content());
            if (expected == TokenTrie.NONE) {
                // Require the numbering that the library tokenizers uses regardless of the file.
                expected = Math.max(max + 1, model.size());
            }
            if (token.id() != expected) {
                throw json.error("id", token.id(), expected + ", the id of that token");
            }
            if (ids.put(token.content(), token.id()) != null || ids.size() > MAX_ADDED) {
                throw json.error("content", token.content(), "each token once, and at most " + MAX_ADDED);
            }
            max = Math.max(max, token.id());
            added.add(token);
        }
        return added;
    }

    private static AddedToken addedToken(ConfigReader json) {
        String content = PatternReader.string(json, "content");
        if (content.isEmpty()) {
            throw json.error("content", "\"\"", "a text that is not empty");
        }
        return new AddedToken(
                json.integer("id", 0, Integer.MAX_VALUE),
                content,
                json.flag("single_word"),
                json.flag("lstrip"),
                json.flag("rstrip"),
                json.flag("normalized"),
                json.flag("special"));
    }

    private static int id(String token, List<AddedToken> added, TokenModel model) {
        return added.stream()
                .filter(candidate -> candidate.content().equals(token))
                .mapToInt(AddedToken::id)
                .findFirst()
                .orElseGet(() -> model.id(token));
    }
}
