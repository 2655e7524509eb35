package io.lingen.internal.tokenizer;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.internal.SafeText;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/** Reader of the post-processor of a tokenizer.json, which adds the special tokens. Supports single texts, not pairs. */
final class TemplateReader {
    private static final String KNOWN =
            "one of BertProcessing, ByteLevel, RobertaProcessing, Sequence, TemplateProcessing";

    /** The largest number of special tokens. */
    private static final int MAX_SPECIAL = 64;

    private final ToIntFunction<String> ids;

    /**
     * Creates a reader.
     *
     * @param ids maps a token to its id, or to {@link TokenTrie#NONE}
     */
    TemplateReader(ToIntFunction<String> ids) {
        this.ids = ids;
    }

    /**
     * Reads a post-processor; null gives no special tokens.
     *
     * @throws CheckpointException if it is malformed, of an unknown type, or contradicts the vocabulary
     */
    Template read(@Nullable ConfigReader json) {
        if (json == null) {
            return Template.NONE;
        }
        String type = json.text("type");
        return switch (type) {
            case "BertProcessing", "RobertaProcessing" ->
                new Template(List.of(pair(json, "cls")), 0, List.of(pair(json, "sep")));
            case "ByteLevel" -> Template.NONE;
            case "Sequence" -> sequence(json);
            case "TemplateProcessing" -> template(json);
            default -> throw json.error("type", type, KNOWN);
        };
    }

    private Template sequence(ConfigReader json) {
        Template template = Template.NONE;
        int found = 0;
        for (ConfigReader processor : json.objects("processors")) {
            Template next = read(processor);
            if (!processor.text("type").equals("ByteLevel")) {
                template = next;
                found++;
            }
        }
        if (found > 1) {
            throw json.error("processors", found + " that add special tokens", "at most one");
        }
        return template;
    }

    private Template.Special pair(ConfigReader json, String field) {
        Map.Entry<String, Integer> pair = json.textAndInteger(field, 0, Integer.MAX_VALUE);
        return new Template.Special(checked(json, field, pair.getKey(), pair.getValue()), 0);
    }

    private Template template(ConfigReader json) {
        ConfigReader specials = json.object("special_tokens");
        List<Template.Special> before = new ArrayList<>();
        List<Template.Special> after = new ArrayList<>();
        int typeId = -1;
        for (ConfigReader piece : json.objects("single")) {
            ConfigReader sequence = piece.objectOrNull("Sequence");
            if (sequence == null) {
                (typeId < 0 ? before : after).addAll(special(piece.object("SpecialToken"), specials));
            } else if (typeId >= 0 || !sequence.text("id").equals("A")) {
                throw sequence.error("id", sequence.text("id"), "one sequence, \"A\"");
            } else {
                typeId = typeId(sequence);
            }
        }
        if (typeId < 0 || before.size() + after.size() > MAX_SPECIAL) {
            throw json.error(
                    "single",
                    before.size() + after.size() + " special tokens and " + (typeId < 0 ? "no" : "a") + " sequence",
                    "the sequence \"A\" and at most " + MAX_SPECIAL + " special tokens");
        }
        return new Template(before, typeId, after);
    }

    private List<Template.Special> special(ConfigReader piece, ConfigReader specials) {
        String name = piece.text("id");
        if (!specials.has(name)) {
            throw piece.error("id", name, "a name of special_tokens");
        }
        ConfigReader special = specials.object(name);
        int[] numbers = special.integers("ids", 0, MAX_SPECIAL, 0, Integer.MAX_VALUE);
        List<String> tokens = special.texts("tokens");
        if (tokens.size() != numbers.length) {
            throw special.error("tokens", tokens.size(), "as many as ids, which are " + numbers.length);
        }
        List<Template.Special> found = new ArrayList<>();
        for (int i = 0; i < numbers.length; i++) {
            found.add(
                    new Template.Special(checked(special, "ids[" + i + "]", tokens.get(i), numbers[i]), typeId(piece)));
        }
        return found;
    }

    private static int typeId(ConfigReader piece) {
        return piece.integer("type_id", 0, 1);
    }

    private int checked(ConfigReader json, String field, String token, int id) {
        int known = ids.applyAsInt(token);
        if (known != id) {
            String name = '"' + SafeText.of(token) + '"';
            throw json.error(
                    field,
                    id,
                    known == TokenTrie.NONE ? "a token, which " + name + " is not" : known + ", the id of " + name);
        }
        return id;
    }
}
