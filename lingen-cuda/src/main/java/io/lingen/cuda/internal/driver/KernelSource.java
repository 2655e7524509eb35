package io.lingen.cuda.internal.driver;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * One file of kernels, compiled as a whole.
 *
 * @param name the file's name without ".cu"
 */
public record KernelSource(String name, String text, Map<String, String> headers) {
    private static final String FOLDER = "/io/lingen/cuda/kernels/";
    private static final List<String> HEADERS = List.of("attention.cuh", "device.cuh", "hopper.cuh", "path.cuh");

    /** The names of all files of kernels. */
    public static final List<String> NAMES = List.of(
            "attention",
            "attention_sm90",
            "convolution_sm90",
            "elementwise",
            "mamba1",
            "norms",
            "product",
            "scan",
            "scan_recurrent",
            "tokens");

    /** Reads a resource. */
    public static KernelSource of(String name) {
        Map<String, String> headers = new TreeMap<>();
        for (String header : HEADERS) {
            headers.put(header, read(header));
        }
        return new KernelSource(name, read(name + ".cu"), headers);
    }

    /**
     * What it is compiled for.
     *
     * @param device the device's own architecture, for example "sm_90"
     */
    String architecture(String device) {
        // The instructions of warpgroups are of this architecture alone, not of those after it.
        return name.endsWith("_sm90") ? "sm_90a" : device;
    }

    /** SHA-256 over the text, what it includes, and whatever else its machine code depends on. */
    String hash(List<String> circumstances) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(text.getBytes(StandardCharsets.UTF_8));
            headers.values().forEach(header -> digest.update(header.getBytes(StandardCharsets.UTF_8)));
            circumstances.forEach(part -> digest.update(("\0" + part).getBytes(StandardCharsets.UTF_8)));
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime has SHA-256", e);
        }
    }

    private static String read(String file) {
        try (InputStream stream = KernelSource.class.getResourceAsStream(FOLDER + file)) {
            if (stream == null) {
                throw new IllegalStateException("the jar lacks " + FOLDER + file);
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
