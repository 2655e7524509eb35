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
 * A JSON object of a configuration file while it is read into a record. Every getter marks its field as known, so that {@link #end} finds
 * misspelt ones. Every error is a {@link CheckpointException} that names the file, the field, what was found and what would do. The
 * {@code ...Or} getters take a fallback for a field that is missing or null. Not thread-safe.
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
     * Reads a JSON object.
     *
     * @param origin the file's name, for messages
     */
    public static ConfigReader parse(String origin, byte[] json) {
        return new ConfigReader(origin, "", Json.object(origin, json));
    }

    /** Whether a field is present and not null. */
    public boolean has(String field) {
        JsonNode value = value(field);
        return !value.isMissingNode() && !value.isNull();
    }

    /** A whole number from {@code min} to {@code max}, both inclusive. */
    public int integer(String field, int min, int max) {
        return integer(field, value(field), min, max);
    }

    /** As {@link #integer}, with a fallback. */
    public int integerOr(String field, int fallback, int min, int max) {
        return has(field) ? integer(field, min, max) : fallback;
    }

    /** Any whole number of 64 bits. */
    public long whole(String field) {
        JsonNode value = value(field);
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw error(field, Json.describe(value), "an integer of 64 bits");
        }
        return value.longValue();
    }

    /** A finite number from {@code min} to {@code max}, both inclusive. */
    public double number(String field, double min, double max) {
        JsonNode value = value(field);
        double number = value.doubleValue();
        if (!value.isNumber() || !(number >= min && number <= max) || Double.isInfinite(number)) {
            throw error(field, Json.describe(value), "a number from " + min + " to " + max);
        }
        return number;
    }

    /** As {@link #number}, with a fallback. */
    public double numberOr(String field, double fallback, double min, double max) {
        return has(field) ? number(field, min, max) : fallback;
    }

    /** True or false. */
    public boolean flag(String field) {
        JsonNode value = value(field);
        if (!value.isBoolean()) {
            throw error(field, Json.describe(value), "true or false");
        }
        return value.booleanValue();
    }

    /** As {@link #flag}, with a fallback. */
    public boolean flagOr(String field, boolean fallback) {
        return has(field) ? flag(field) : fallback;
    }

    /** A string. */
    public String text(String field) {
        return text(field, value(field));
    }

    /** As {@link #text}, with a fallback. */
    public String textOr(String field, String fallback) {
        return has(field) ? text(field) : fallback;
    }

    /** A constant of an enumeration, written in lower case. */
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

    /** As {@link #choice}, with a fallback. */
    public <E extends Enum<E>> E choiceOr(String field, Class<E> type, E fallback) {
        return has(field) ? choice(field, type) : fallback;
    }

    /** An array of {@code minCount} to {@code maxCount} whole numbers from {@code min} to {@code max}, all inclusive. */
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

    /** An array of {@code minCount} to {@code maxCount} arrays of {@code width} whole numbers from {@code min} to {@code max}. */
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

    /** An array of exactly {@code count} finite numbers. */
    public double[] numbers(String field, int count) {
        JsonNode value = value(field);
        if (!value.isArray() || value.size() != count) {
            throw error(field, Json.describe(value), "an array of " + count + " numbers");
        }
        double[] numbers = new double[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = value.get(i).doubleValue();
            if (!value.get(i).isNumber() || !Double.isFinite(numbers[i])) {
                throw error(field + "[" + i + "]", Json.describe(value.get(i)), "a finite number");
            }
        }
        return numbers;
    }

    /** An array of a string and a whole number from {@code min} to {@code max}, both inclusive. */
    public Map.Entry<String, Integer> textAndInteger(String field, int min, int max) {
        JsonNode value = value(field);
        if (!value.isArray() || value.size() != 2) {
            throw error(field, Json.describe(value), "an array of a string and an integer");
        }
        return Map.entry(text(field + "[0]", value.get(0)), integer(field + "[1]", value.get(1), min, max));
    }

    /** An array of strings. */
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

    /** An object inside this one. Its unknown fields are found by its own {@link #end}. */
    public ConfigReader object(String field) {
        return object(field, value(field));
    }

    /** An object inside this one, or null if the field is missing or null. */
    public @Nullable ConfigReader objectOrNull(String field) {
        return has(field) ? object(field) : null;
    }

    /** An array of objects. */
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

    /** The names of all fields, in the file's order. */
    public List<String> fields() {
        List<String> names = new ArrayList<>();
        node.fieldNames().forEachRemaining(names::add);
        return List.copyOf(names);
    }

    /** The error of a field whose value can't be: to be thrown by whoever sees more than one field at a time. */
    public CheckpointException error(String field, Object found, String expected) {
        return new CheckpointException(
                origin + ": field '" + path + field + "': found " + text(found) + ", expected " + expected);
    }

    /** The error of fields that don't go together, from the record that refused them. */
    public CheckpointException invalid(IllegalArgumentException refusal) {
        return new CheckpointException(
                origin + ": "
                        + (path.isEmpty() ? "" : "in '" + path.substring(0, path.length() - 1) + "': ")
                        + refusal.getMessage(),
                refusal);
    }

    /** Allows a field without reading it. */
    public void ignore(String field) {
        known.add(field);
    }

    /**
     * Ends the reading of this object.
     *
     * @throws CheckpointException if it has a field that nobody asked for
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
                    + "; known here are "
                    + known.stream().sorted().collect(Collectors.joining(", ")) + ". Correct or remove it");
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
