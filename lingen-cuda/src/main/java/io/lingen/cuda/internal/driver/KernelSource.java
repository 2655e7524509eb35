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
 * A source file of kernels, compiled as one module.
 *
 * @param name the name of the file without ".cu"
 * @param text its contents
 * @param headers the contents of all headers by name
 */
public record KernelSource(String name, String text, Map<String, String> headers) {
    private static final String FOLDER = "/io/lingen/cuda/kernels/";
    private static final List<String> HEADERS =
            List.of("attention.cuh", "device.cuh", "hopper.cuh", "path.cuh", "rotation.cuh");

    /** The names of all source files without ".cu". */
    public static final List<String> NAMES = List.of(
            "attention",
            "attention_sm90",
            "attention_wide",
            "convolution_sm90",
            "depthwise_convolution",
            "elementwise",
            "gemm",
            "linear_attention",
            "mamba1",
            "norms",
            "scan",
            "scan_recurrent",
            "tokens");

    /**
     * {@return a source file, read from the resources}
     *
     * @param name the name of the file without ".cu"
     */
    public static KernelSource of(String name) {
        Map<String, String> headers = new TreeMap<>();
        for (String header : HEADERS) {
            headers.put(header, read(header));
        }
        return new KernelSource(name, read(name + ".cu"), headers);
    }

    /**
     * Returns the architecture to compile this source for.
     *
     * @param device the architecture of the device, for example "sm_90"
     */
    String architecture(String device) {
        // Warpgroup instructions exist in sm_90a only, not in later architectures.
        return name.endsWith("_sm90") ? "sm_90a" : device;
    }

    /** Returns the SHA-256 of the text, the headers, and the other inputs of the compilation. */
    String hash(List<String> inputs) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(text.getBytes(StandardCharsets.UTF_8));
            headers.values().forEach(header -> digest.update(header.getBytes(StandardCharsets.UTF_8)));
            inputs.forEach(part -> digest.update(("\0" + part).getBytes(StandardCharsets.UTF_8)));
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime has SHA-256", e);
        }
    }

    private static String read(String file) {
        try (InputStream stream = KernelSource.class.getResourceAsStream(FOLDER + file)) {
            if (stream == null) {
                throw new IllegalStateException("lingen-cuda must contain " + FOLDER + file + ", found none");
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
