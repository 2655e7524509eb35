package io.lingen.internal.tokenizer;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reader of the pre-tokenizer of a tokenizer.json. */
final class PreTokenizerReader {
    private static final String KNOWN = "one of BertPreTokenizer, ByteLevel, Digits, Metaspace, Punctuation, Sequence,"
            + " Split, Whitespace, WhitespaceSplit";

    private PreTokenizerReader() {}

    /**
     * Reads a pre-tokenizer; null gives one that keeps the text in one part.
     *
     * @throws CheckpointException if it is malformed or of an unknown type
     */
    static PreTokenizer read(@Nullable ConfigReader json) {
        if (json == null) {
            return PreTokenizer.NONE;
        }
        String type = json.text("type");
        return switch (type) {
            case "BertPreTokenizer" -> PreTokenizer.BERT;
            case "ByteLevel" -> new ByteLevel(json.flag("add_prefix_space"), json.flagOr("use_regex", true));
            case "Digits" -> PreTokenizer.digits(json.flag("individual_digits"));
            case "Metaspace" -> metaspace(json);
            case "Punctuation" ->
                PreTokenizer.punctuation(json.has("behavior") ? behavior(json) : SplitBehavior.ISOLATED);
            case "Sequence" ->
                PreTokenizer.sequence(json.objects("pretokenizers").stream()
                        .map(PreTokenizerReader::read)
                        .toList());
            case "Split" -> PreTokenizer.split(PatternReader.read(json), behavior(json), json.flag("invert"));
            case "Whitespace" -> PreTokenizer.WHITESPACE;
            case "WhitespaceSplit" -> PreTokenizer.WHITESPACE_SPLIT;
            default -> throw json.error("type", type, KNOWN);
        };
    }

    private static SplitBehavior behavior(ConfigReader json) {
        String found = json.text("behavior");
        for (SplitBehavior behavior : SplitBehavior.values()) {
            if (behavior.label().equals(found)) {
                return behavior;
            }
        }
        throw json.error(
                "behavior",
                found,
                "one of "
                        + Arrays.stream(SplitBehavior.values())
                                .map(SplitBehavior::label)
                                .collect(Collectors.joining(", ")));
    }

    private static PreTokenizer metaspace(ConfigReader json) {
        int[] replacement = PatternReader.text(json, "replacement");
        if (replacement.length != 1) {
            throw json.error("replacement", json.text("replacement"), "one character");
        }
        Metaspace.Prepend prepend = json.choiceOr("prepend_scheme", Metaspace.Prepend.class, Metaspace.Prepend.ALWAYS);
        boolean prefix = json.flagOr("add_prefix_space", true);
        if (!prefix && prepend != Metaspace.Prepend.NEVER) {
            throw json.error("add_prefix_space", prefix, "true unless prepend_scheme is \"never\"");
        }
        return new Metaspace(replacement[0], prepend, json.flagOr("split", true));
    }
}
