package io.lingen.core.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lingen.core.internal.SafeText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object of a configuration file, for reading into a record. Every getter marks its field as known, so that {@link #end} detects
 * misspelled fields. All errors are {@link CheckpointException}s with the file, the field, the value found and the rule. Getters named {@code
 * ...Or} return a fallback if the field is missing or null. A file that may have fields of others is read without {@link #end}. Not
 * thread-safe.
 */
public final class ConfigReader {
    private final String origin;
    private final String path;
    private final ObjectNode node;
    private final Set<String> known = new HashSet<>();

    private ConfigReader(String origin, String path, ObjectNode node) {
        this.origin = origin;
        this.path = path;
        this.node = node;
    }

    /**
     * Parses a JSON object.
     *
     * @param origin the name of the file, for messages
     * @param json the text in UTF-8
     * @return a reader of the object
     * @throws CheckpointException if the text is not a JSON object
     */
    public static ConfigReader parse(String origin, byte[] json) {
        return new ConfigReader(origin, "", Json.object(origin, json));
    }

    /**
     * {@return whether a field is present and not null}
     *
     * @param field the name of the field
     */
    public boolean has(String field) {
        JsonNode value = value(field);
        return !value.isMissingNode() && !value.isNull();
    }

    /**
     * {@return an integer}
     *
     * @param field the name of the field
     * @param min the smallest allowed value
     * @param max the largest allowed value
     * @throws CheckpointException if the field is missing, null or anything else
     */
    public int integer(String field, int min, int max) {
        return integer(field, value(field), min, max);
    }

    /**
     * {@return an integer, or a fallback}
     *
     * @param field the name of the field
     * @param fallback the value if the field is missing or null
     * @param min the smallest allowed value
     * @param max the largest allowed value
     * @throws CheckpointException if the field is anything else
     */
    public int integerOr(String field, int fallback, int min, int max) {
        return has(field) ? integer(field, min, max) : fallback;
    }

    /**
     * {@return a 64-bit integer}
     *
     * @param field the name of the field
     * @throws CheckpointException if the field is missing, null or anything else
     */
    public long whole(String field) {
        JsonNode value = value(field);
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw error(field, Json.describe(value), "an integer of 64 bits");
        }
        return value.longValue();
    }

    /**
     * {@return a finite number}
     *
     * @param field the name of the field
     * @param min the smallest allowed value
     * @param max the largest allowed value
     * @throws CheckpointException if the field is missing, null or anything else
     */
    public double number(String field, double min, double max) {
        JsonNode value = value(field);
        double number = value.doubleValue();
        if (!value.isNumber() || !(number >= min && number <= max) || Double.isInfinite(number)) {
            throw error(field, Json.describe(value), "a number from " + min + " to " + max);
        }
        return number;
    }

    /**
     * {@return a finite number, or a fallback}
     *
     * @param field the name of the field
     * @param fallback the value if the field is missing or null
     * @param min the smallest allowed value
     * @param max the largest allowed value
     * @throws CheckpointException if the field is anything else
     */
    public double numberOr(String field, double fallback, double min, double max) {
        return has(field) ? number(field, min, max) : fallback;
    }

    /**
     * {@return a Boolean}
     *
     * @param field the name of the field
     * @throws CheckpointException if the field is missing, null or anything else
     */
    public boolean flag(String field) {
        return flag(field, value(field));
    }

    /**
     * {@return a Boolean, or a fallback}
     *
     * @param field the name of the field
     * @param fallback the value if the field is missing or null
     * @throws CheckpointException if the field is anything else
     */
    public boolean flagOr(String field, boolean fallback) {
        return has(field) ? flag(field) : fallback;
    }

    /**
     * {@return an array of Booleans}
     *
     * @param field the name of the field
     * @param count the required length
     * @throws CheckpointException if the field is missing, null or anything else
     */
    public List<Boolean> flags(String field, int count) {
        JsonNode value = value(field);
        if (!value.isArray() || value.size() != count) {
            throw error(field, Json.describe(value), "an array of " + count + " flags, true or false");
        }
        List<Boolean> flags = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            flags.add(flag(field + "[" + i + "]", value.get(i)));
        }
        return List.copyOf(flags);
    }

    /**
     * {@return a string}
     *
     * @param field the name of the field
     * @throws CheckpointException if the field is missing, null or anything else
     */
    public String text(String field) {
        return text(field, value(field));
    }

    /**
     * {@return a string, or a fallback}
     *
     * @param field the name of the field
     * @param fallback the value if the field is missing or null
     * @throws CheckpointException if the field is anything else
     */
    public String textOr(String field, String fallback) {
        return has(field) ? text(field) : fallback;
    }

    /**
     * {@return a constant of an enumeration, which the file has in lower case}
     *
     * @param <E> the enumeration
     * @param field the name of the field
     * @param type the enumeration
     * @throws CheckpointException if the field is missing, null or anything else
     */
    public <E extends Enum<E>> E choice(String field, Class<E> type) {
        JsonNode value = value(field);
        List<String> names = new ArrayList<>();
        for (E constant : type.getEnumConstants()) {
            String name = constant.name().toLowerCase(Locale.ROOT);
            if (value.isTextual() && value.textValue().equals(name)) {
                return constant;
            }
            names.add('"' + name + '"');
        }
        throw error(field, Json.describe(value), "one of " + String.join(", ", names));
    }

    /**
     * {@return a constant of an enumeration, which the file has in lower case, or a fallback}
     *
     * @param <E> the enumeration
     * @param field the name of the field
     * @param type the enumeration
     * @param fallback the value if the field is missing or null
     * @throws CheckpointException if the field is anything else
     */
    public <E extends Enum<E>> E choiceOr(String field, Class<E> type, E fallback) {
        return has(field) ? choice(field, type) : fallback;
    }

    /**
     * {@return an array of integers}
     *
     * @param field the name of the field
     * @param minCount the smallest allowed length
     * @param maxCount the largest allowed length
     * @param min the smallest allowed value
     * @param max the largest allowed value
     * @throws CheckpointException if the field is missing, null or anything else
     */
    public int[] integers(String field, int minCount, int maxCount, int min, int max) {
        JsonNode value = value(field);
        if (!value.isArray() || value.size() < minCount || value.size() > maxCount) {
            String count = minCount == maxCount ? "" + minCount : minCount + " to " + maxCount;
            throw error(field, Json.describe(value), "an array of " + count + " integers from " + min + " to " + max);
        }
        int[] integers = new int[value.size()];
        for (int i = 0; i < integers.length; i++) {
            integers[i] = integer(field + "[" + i + "]", value.get(i), min, max);
        }
        return integers;
    }

    /**
     * {@return an array of arrays of integers}
     *
     * @param field the name of the field
     * @param minCount the smallest allowed number of rows
     * @param maxCount the largest allowed number of rows
     * @param width the length of each row
     * @param min the smallest allowed value
     * @param max the largest allowed value
     * @throws CheckpointException if the field is missing, null or anything else
     */
    public List<int[]> integerRows(String field, int minCount, int maxCount, int width, int min, int max) {
        JsonNode value = value(field);
        String expected = "arrays of " + width + " integers from " + min + " to " + max;
        if (!value.isArray() || value.size() < minCount || value.size() > maxCount) {
            String count = minCount == maxCount ? "" + minCount : minCount + " to " + maxCount;
            throw error(field, Json.describe(value), "an array of " + count + " " + expected);
        }
        List<int[]> rows = new ArrayList<>();
        for (int i = 0; i < value.size(); i++) {
            JsonNode row = value.get(i);
            if (!row.isArray() || row.size() != width) {
                throw error(field + "[" + i + "]", Json.describe(row), expected);
            }
            int[] integers = new int[width];
            for (int j = 0; j < width; j++) {
                integers[j] = integer(field + "[" + i + "][" + j + "]", row.get(j), min, max);
            }
            rows.add(integers);
        }
        return List.copyOf(rows);
    }

    /**
     * {@return an array of finite numbers}
     *
     * @param field the name of the field
     * @param count the required length
     * @throws CheckpointException if the field is missing, null or anything else
     */
    public double[] numbers(String field, int count) {
        return numbers(field, count, count).stream()
                .mapToDouble(number -> number)
                .toArray();
    }

    /**
     * {@return an array of finite numbers}
     *
     * @param field the name of the field
     * @param minCount the smallest allowed length
     * @param maxCount the largest allowed length
     * @throws CheckpointException if the field is missing, null or anything else
     */
    public List<Double> numbers(String field, int minCount, int maxCount) {
        JsonNode value = value(field);
        if (!value.isArray() || value.size() < minCount || value.size() > maxCount) {
            String count = minCount == maxCount ? "" + minCount : minCount + " to " + maxCount;
            throw error(field, Json.describe(value), "an array of " + count + " numbers");
        }
        List<Double> numbers = new ArrayList<>();
        for (int i = 0; i < value.size(); i++) {
            double number = value.get(i).doubleValue();
            if (!value.get(i).isNumber() || !Double.isFinite(number)) {
                throw error(field + "[" + i + "]", Json.describe(value.get(i)), "a finite number");
            }
            numbers.add(number);
        }
        return List.copyOf(numbers);
    }

    /**
     * {@return an array of a string and an integer}
     *
     * @param field the name of the field
     * @param min the smallest allowed integer
     * @param max the largest allowed integer
     * @throws CheckpointException if the field is missing, null or anything else
     */
    public Map.Entry<String, Integer> textAndInteger(String field, int min, int max) {
        JsonNode value = value(field);
        if (!value.isArray() || value.size() != 2) {
            throw error(field, Json.describe(value), "an array of a string and an integer");
        }
        return Map.entry(text(field + "[0]", value.get(0)), integer(field + "[1]", value.get(1), min, max));
    }

    /**
     * {@return an array of strings}
     *
     * @param field the name of the field
     * @throws CheckpointException if the field is missing, null or anything else
     */
    public List<String> texts(String field) {
        JsonNode value = value(field);
        if (!value.isArray()) {
            throw error(field, Json.describe(value), "an array of strings");
        }
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < value.size(); i++) {
            texts.add(text(field + "[" + i + "]", value.get(i)));
        }
        return List.copyOf(texts);
    }

    /**
     * {@return an array of strings and nulls}
     *
     * @param field the name of the field
     * @throws CheckpointException if the field is missing, null or anything else
     */
    public List<@Nullable String> textsOrNulls(String field) {
        JsonNode value = value(field);
        if (!value.isArray()) {
            throw error(field, Json.describe(value), "an array of strings or nulls");
        }
        List<@Nullable String> texts = new ArrayList<>();
        for (int i = 0; i < value.size(); i++) {
            texts.add(value.get(i).isNull() ? null : text(field + "[" + i + "]", value.get(i)));
        }
        return texts;
    }

    /**
     * {@return a reader of an object inside this one} Call its {@link #end} as well.
     *
     * @param field the name of the field
     * @throws CheckpointException if the field is missing, null or anything else
     */
    public ConfigReader object(String field) {
        return object(field, value(field));
    }

    /**
     * {@return a reader of an object inside this one, or null if the field is missing or null}
     *
     * @param field the name of the field
     * @throws CheckpointException if the field is anything else
     */
    public @Nullable ConfigReader objectOrNull(String field) {
        return has(field) ? object(field) : null;
    }

    /**
     * {@return readers of an array of objects}
     *
     * @param field the name of the field
     * @throws CheckpointException if the field is missing, null or anything else
     */
    public List<ConfigReader> objects(String field) {
        JsonNode value = value(field);
        if (!value.isArray()) {
            throw error(field, Json.describe(value), "an array of objects");
        }
        List<ConfigReader> objects = new ArrayList<>();
        for (int i = 0; i < value.size(); i++) {
            objects.add(object(field + "[" + i + "]", value.get(i)));
        }
        return List.copyOf(objects);
    }

    /** {@return the names of all fields, in the order of the file} */
    public List<String> fields() {
        List<String> names = new ArrayList<>();
        node.fieldNames().forEachRemaining(names::add);
        return List.copyOf(names);
    }

    /**
     * {@return the exception for a field with a wrong value, for rules that involve several fields}
     *
     * @param field the name of the field
     * @param found the value found
     * @param expected the rule, as a noun phrase
     */
    public CheckpointException error(String field, Object found, String expected) {
        return new CheckpointException(
                origin + ": field '" + path + field + "': found " + text(found) + ", expected " + expected);
    }

    /**
     * {@return the exception for fields that contradict each other}
     *
     * @param refusal the exception of the record that rejected them
     */
    public CheckpointException invalid(IllegalArgumentException refusal) {
        return new CheckpointException(
                origin + ": "
                        + (path.isEmpty() ? "" : "in '" + path.substring(0, path.length() - 1) + "': ")
                        + refusal.getMessage(),
                refusal);
    }

    /**
     * Marks a field as known without reading it.
     *
     * @param field the name of the field
     */
    public void ignore(String field) {
        known.add(field);
    }

    /**
     * Ends the reading of this object.
     *
     * @throws CheckpointException if it has an unknown field
     */
    public void end() {
        List<String> unknown = fields().stream()
                .filter(field -> !known.contains(field))
                .map(field -> "'" + path + SafeText.of(field) + "'")
                .toList();
        if (!unknown.isEmpty()) {
            throw new CheckpointException(origin + ": unknown field "
                    + unknown.stream().limit(3).collect(Collectors.joining(", "))
                    + (path.isEmpty() ? "" : " in '" + path.substring(0, path.length() - 1) + "'")
                    + "; known fields are "
                    + known.stream().sorted().collect(Collectors.joining(", ")) + "; correct or remove it");
        }
    }

    private JsonNode value(String field) {
        known.add(field);
        JsonNode value = node.get(field);
        return value == null ? MissingNode.getInstance() : value;
    }

    private int integer(String field, JsonNode value, int min, int max) {
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < min || value.intValue() > max) {
            throw error(field, Json.describe(value), "an integer from " + min + " to " + max);
        }
        return value.intValue();
    }

    private boolean flag(String field, JsonNode value) {
        if (!value.isBoolean()) {
            throw error(field, Json.describe(value), "true or false");
        }
        return value.booleanValue();
    }

    private String text(String field, JsonNode value) {
        if (!value.isTextual()) {
            throw error(field, Json.describe(value), "a string");
        }
        return value.textValue();
    }

    private ConfigReader object(String field, JsonNode value) {
        if (!value.isObject()) {
            throw error(field, Json.describe(value), "an object");
        }
        return new ConfigReader(origin, path + field + ".", (ObjectNode) value);
    }

    private static String text(Object found) {
        if (found instanceof int[]) {
            return Arrays.toString((int[]) found);
        }
        if (found instanceof double[]) {
            return Arrays.toString((double[]) found);
        }
        return SafeText.of(String.valueOf(found));
    }
}
