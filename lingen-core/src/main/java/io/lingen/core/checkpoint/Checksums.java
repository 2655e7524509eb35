package io.lingen.core.checkpoint;

import io.lingen.core.internal.SafeText;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.Collections;
import java.util.HexFormat;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * SHA-256 checksums of a model's files, in the format of the program sha256sum: lines of the checksum in hexadecimal, two spaces and the
 * path within the model. Immutable.
 */
public final class Checksums {
    /** The file of a model that holds the checksums of its other files. */
    public static final String FILE = "SHA256SUMS";

    /** A checksum, a space, a second space or the asterisk of binary mode, and a path with an optional "./". */
    private static final Pattern LINE = Pattern.compile("([0-9a-fA-F]{64}) [ *](?:\\./)?(.+)");

    private static final long MAX_LISTING_BYTES = 1 << 24;
    private static final int MAX_NAMED = 3;
    private static final int BUFFER_BYTES = 1 << 17;

    private final SortedMap<String, String> sums;

    private Checksums(Map<String, String> sums) {
        this.sums = Collections.unmodifiableSortedMap(new TreeMap<>(sums));
    }

    /**
     * Computes the checksums of files, several files at a time. Files are streamed, never held in memory.
     *
     * @param source the model
     * @param paths the paths of the files within the model
     * @return the checksums of these files
     * @throws CheckpointException if a file is missing or unreadable
     */
    public static Checksums compute(ModelSource source, Collection<String> paths) {
        return new Checksums(paths.parallelStream()
                .distinct()
                .collect(Collectors.toConcurrentMap(path -> path, path -> sum(source, path))));
    }

    /**
     * Reads the listing of a model that has a {@value #FILE}.
     *
     * @param source the model
     * @return the checksums of the listing
     * @throws CheckpointException if a line is malformed or a path is listed twice
     */
    public static Checksums read(ModelSource source) {
        return parse(source.name() + "/" + FILE, source.read(FILE, MAX_LISTING_BYTES));
    }

    /**
     * Parses a listing.
     *
     * @param origin the name of the listing, for messages
     * @throws CheckpointException if a line is malformed or a path is listed twice
     */
    static Checksums parse(String origin, byte[] listing) {
        Map<String, String> sums = new TreeMap<>();
        String[] lines = new String(listing, StandardCharsets.UTF_8).split("\r?\n");
        for (int i = 0; i < lines.length; i++) {
            if (lines[i].isBlank()) {
                continue;
            }
            Matcher matcher = LINE.matcher(lines[i]);
            if (!matcher.matches()) {
                throw new CheckpointException(origin + ", line " + (i + 1)
                        + ": expected a SHA-256 checksum, two spaces and a path, as sha256sum writes them, found \""
                        + SafeText.of(lines[i]) + '"');
            }
            if (sums.put(
                            matcher.group(2),
                            HexFormat.of().formatHex(HexFormat.of().parseHex(matcher.group(1))))
                    != null) {
                throw new CheckpointException(origin + ", line " + (i + 1)
                        + ": expected each path once, found a second checksum of " + SafeText.of(matcher.group(2)));
            }
        }
        return new Checksums(sums);
    }

    /**
     * Compares these checksums with the expected ones.
     *
     * @param origin the name of the expected listing, for messages
     * @param expected the checksums of these files; other files are ignored
     * @throws CheckpointException with the names of files that differ or are not listed
     */
    public void requireEqual(String origin, Checksums expected) {
        String unlisted = sums.keySet().stream()
                .filter(path -> !expected.sums.containsKey(path))
                .limit(MAX_NAMED)
                .collect(Collectors.joining(", "));
        if (!unlisted.isEmpty()) {
            throw new CheckpointException(
                    origin + ": expected a checksum of every file that the model uses, found none of " + unlisted
                            + "; if the files are as intended, write the listing again, or remove it");
        }
        String differing = sums.entrySet().stream()
                .filter(entry -> !entry.getValue().equals(expected.sums.get(entry.getKey())))
                .limit(MAX_NAMED)
                .map(entry -> entry.getKey() + " (expected " + expected.sums.get(entry.getKey()) + ", found "
                        + entry.getValue() + ")")
                .collect(Collectors.joining(", "));
        if (!differing.isEmpty()) {
            throw new CheckpointException(origin + ": checksum mismatch for " + differing
                    + "; the file is damaged or belongs to another model: download it again");
        }
    }

    /**
     * {@return the checksums of some of the files}
     *
     * @param paths the paths of the files
     * @throws IllegalArgumentException if there is no checksum of one of them
     */
    public Checksums of(Collection<String> paths) {
        SortedMap<String, String> selected = new TreeMap<>();
        for (String path : paths) {
            selected.put(path, of(path));
        }
        return new Checksums(selected);
    }

    /**
     * {@return the checksum of a file in hexadecimal}
     *
     * @param path the path of the file
     * @throws IllegalArgumentException if there is no checksum of it
     */
    public String of(String path) {
        String sum = sums.get(path);
        if (sum == null) {
            throw new IllegalArgumentException("path must be one of " + sums.keySet() + ", found " + path);
        }
        return sum;
    }

    /** {@return the lines of all files, sorted by path, each ended by a line feed} */
    public String listing() {
        return sums.entrySet().stream()
                .map(entry -> entry.getValue() + "  " + entry.getKey() + "\n")
                .collect(Collectors.joining());
    }

    /** {@return the SHA-256 checksum of the {@link #listing} in hexadecimal, which covers the contents and paths of all files} */
    public String sha256() {
        return HexFormat.of().formatHex(sha256Digest().digest(listing().getBytes(StandardCharsets.UTF_8)));
    }

    private static String sum(ModelSource source, String path) {
        MessageDigest digest = sha256Digest();
        byte[] buffer = new byte[BUFFER_BYTES];
        try (InputStream stream = source.stream(path)) {
            for (int length = stream.read(buffer); length >= 0; length = stream.read(buffer)) {
                digest.update(buffer, 0, length);
            }
        } catch (IOException e) {
            throw new CheckpointException(source + ": expected a readable file " + path + ", found " + e, e);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest sha256Digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
