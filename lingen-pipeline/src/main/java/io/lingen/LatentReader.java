package io.lingen;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.accounting.HostMemory;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.internal.SafeText;
import io.lingen.internal.TensorDigest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a latents file and checks all that can be checked without its model. Sizes are compared with the video's before any memory is
 * allocated; the data are copied, summed and looked at in one pass.
 */
final class LatentReader {
    private static final Logger log = LoggerFactory.getLogger(LatentReader.class);

    /** A latent compresses its video, which has 3 values a pixel. */
    private static final long MAX_VALUES_PER_PIXEL = 4;

    /** More than any sampler keeps beside the latent. */
    private static final int MAX_TENSORS = 64;

    private static final int CHUNK_BYTES = 1 << 20;
    private static final int MAX_NAME = 255;
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path path;
    private final SafetensorsFile file;
    private final Map<String, String> metadata;

    private LatentReader(Path path, SafetensorsFile file) {
        this.path = path;
        this.file = file;
        this.metadata = file.metadata();
    }

    /** Reads a file; see {@link LatentFile#read}. */
    static LatentFile read(Path path) {
        if (!Files.isRegularFile(path)) {
            throw new CheckpointException(path + ": expected saved latents, found "
                    + (Files.exists(path) ? "something that is not a file" : "no such file")
                    + ". They are beside a video that was interrupted, and their name ends in " + LatentFile.ENDING);
        }
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            return new LatentReader(path, file).read();
        }
    }

    /** Reads what a file states about itself; null if it is no latents file, or damaged there. The data are not looked at. */
    static @Nullable LatentHeader header(Path path) {
        if (!Files.isRegularFile(path)) {
            return null;
        }
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            return new LatentReader(path, file).header();
        } catch (CheckpointException e) {
            return null;
        }
    }

    private @Nullable LatentHeader header() {
        if (!LatentFile.FORMAT.equals(metadata.get("format"))) {
            return null;
        }
        VideoProvenance provenance = provenance();
        return new LatentHeader(output(), integer("step", 0, LatentFile.steps(provenance)), provenance);
    }

    private VideoProvenance provenance() {
        return VideoProvenance.parse(path + ", description", text("description"));
    }

    private LatentFile read() {
        boolean digested = requireVersion();
        requireTensors(digested);
        VideoProvenance provenance = provenance();
        int steps = LatentFile.steps(provenance);
        int step = integer("step", 0, steps);
        integer("steps", steps, steps);
        String output = output();
        requireSize(provenance.request());
        Map<String, HostTensor> tensors = tensors(digested ? text(LatentFile.DIGEST) : null);
        Map<String, HostTensor> state = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> {
            if (name.startsWith(LatentFile.STATE)) {
                state.put(name.substring(LatentFile.STATE.length()), tensor);
            }
        });
        return new LatentFile(path, tensors.get(LatentFile.LATENT), state, step, output, provenance);
    }

    /** Whether it is a version with a digest. */
    private boolean requireVersion() {
        if (!LatentFile.FORMAT.equals(metadata.get("format"))) {
            throw new CheckpointException(path + ": expected saved latents, found a safetensors file of "
                    + file.names().size() + " tensors without the format \"" + LatentFile.FORMAT
                    + "\" in its metadata, such as a model's weights. Name the file whose name ends in "
                    + LatentFile.ENDING);
        }
        String version = metadata.get("version");
        if (LatentFile.VERSION.equals(version)) {
            return true;
        }
        if (LatentFile.VERSION_WITHOUT_DIGEST.equals(version)) {
            log.warn(
                    "{}: version {} of saved latents carries no digest, so damage to it can go unnoticed",
                    path,
                    version);
            return false;
        }
        throw new CheckpointException(path + ": expected version " + LatentFile.VERSION_WITHOUT_DIGEST + " or "
                + LatentFile.VERSION + " of saved latents, found " + SafeText.of(String.valueOf(version))
                + ". Resume with the version of LinGen that wrote it");
    }

    private void requireTensors(boolean withState) {
        int names = file.names().size();
        boolean known = file.names().stream()
                .allMatch(name -> name.equals(LatentFile.LATENT) || withState && name.startsWith(LatentFile.STATE));
        if (!known || !file.names().contains(LatentFile.LATENT) || names > MAX_TENSORS) {
            throw new CheckpointException(path + ": expected "
                    + (withState
                            ? "a tensor '" + LatentFile.LATENT + "' and at most " + (MAX_TENSORS - 1) + " under '"
                                    + LatentFile.STATE + "'"
                            : "one tensor '" + LatentFile.LATENT + "'")
                    + ", found " + names + " tensors. " + damaged());
        }
        for (String name : file.names()) {
            HostTensor tensor = file.tensor(name);
            Shape shape = tensor.shape();
            boolean latent = name.equals(LatentFile.LATENT);
            if (tensor.dtype() != DType.F32 || latent && (shape.rank() != 4 || shape.elements() == 0)) {
                throw new CheckpointException(path + ": expected tensor '" + SafeText.of(name) + "' as F32"
                        + (latent ? "[C, T, H, W]" : "") + ", found " + SafeText.of(tensor.toString()) + ". "
                        + damaged());
            }
        }
    }

    /** What is declared is compared with the video's size, and with memory, before anything is allocated. */
    private void requireSize(VideoRequest request) {
        double pixels = (double) value(request.width()) * value(request.height()) * value(request.frames());
        long bytes = 0;
        for (String name : file.names()) {
            HostTensor tensor = file.tensor(name);
            if (tensor.shape().elements() > MAX_VALUES_PER_PIXEL * pixels) {
                throw new CheckpointException(path + ": expected tensor '" + SafeText.of(name) + "' of a video of "
                        + request.width() + "x" + request.height() + " and " + request.frames()
                        + " frames with at most " + MAX_VALUES_PER_PIXEL + " values a pixel, found "
                        + SafeText.of(tensor.toString()) + ". " + damaged());
            }
            bytes += tensor.memory().byteSize();
        }
        long available = HostMemory.availableBytes();
        if (bytes > available) {
            throw new CheckpointException(path + ": expected saved latents that fit into memory, found " + bytes
                    + " bytes of them with " + available + " available. Close what else runs, or take another machine");
        }
    }

    private static int value(@Nullable Integer number) {
        return number == null ? 0 : number;
    }

    /** Copies: a mapping would end with the file, and keep it from being replaced on some systems. */
    private Map<String, HostTensor> tensors(@Nullable String expectedSum) {
        TensorDigest digest = new TensorDigest();
        Map<String, String> summed = new TreeMap<>(metadata);
        summed.remove(LatentFile.DIGEST);
        digest.addMetadata(summed);
        Map<String, HostTensor> tensors = new LinkedHashMap<>();
        String wrong = "";
        for (String name : file.names()) { // sorted
            HostTensor mapped = file.tensor(name);
            digest.addShape(name, mapped);
            MemorySegment memory = mapped.memory();
            MemorySegment copy = Arena.ofAuto().allocate(memory.byteSize(), Float.BYTES);
            for (long done = 0; done < memory.byteSize(); done += CHUNK_BYTES) {
                long length = Math.min(CHUNK_BYTES, memory.byteSize() - done);
                MemorySegment chunk = copy.asSlice(done, length).copyFrom(memory.asSlice(done, length));
                digest.addData(chunk);
                if (wrong.isEmpty()) {
                    wrong = notFinite(name, chunk, done / Float.BYTES);
                }
            }
            tensors.put(name, new HostTensor(DType.F32, mapped.shape(), copy));
        }
        String sum = digest.sum();
        if (expectedSum != null && !expectedSum.equals(sum)) {
            throw new CheckpointException(path + ": expected contents with the SHA-256 sum \""
                    + SafeText.of(expectedSum) + "\" that the file states, found the sum " + sum + ". " + damaged());
        }
        if (!wrong.isEmpty()) {
            throw new CheckpointException(path + wrong
                    + ". The file is damaged, or its model diverged; make the video anew, if need be in f32");
        }
        return tensors;
    }

    /** The first number of a chunk that is none, for a message; empty if all are numbers. */
    private static String notFinite(String name, MemorySegment chunk, long first) {
        for (long i = 0; i < chunk.byteSize() / Float.BYTES; i++) {
            float value = chunk.get(FLOAT, i * Float.BYTES);
            if (!Float.isFinite(value)) {
                return ": expected finite numbers in tensor '" + SafeText.of(name) + "', found " + value
                        + " at element " + (first + i);
            }
        }
        return "";
    }

    private String output() {
        String output = text("output");
        if (!isPlainName(output)) {
            throw new CheckpointException(path + ": expected the plain name of a file as metadata 'output', found \""
                    + SafeText.of(output) + "\". " + damaged());
        }
        return output;
    }

    private boolean isPlainName(String name) {
        boolean plain = !name.isBlank() && !name.contains("/") && !name.contains("\\") && !name.contains("\0");
        if (!plain || name.length() > MAX_NAME || name.equals(".") || name.equals("..")) {
            return false;
        }
        try {
            path.resolveSibling(name);
            return true;
        } catch (InvalidPathException e) {
            // Not every locale has every character.
            return false;
        }
    }

    private int integer(String key, int min, int max) {
        String text = text(key);
        try {
            int value = Integer.parseInt(text);
            if (value >= min && value <= max) {
                return value;
            }
        } catch (NumberFormatException e) {
            // The message below holds for this as well.
        }
        throw new CheckpointException(
                path + ": expected " + (min == max ? "" + min : "a number from " + min + " to " + max)
                        + " as metadata '" + key + "', found \"" + SafeText.of(text) + "\". " + damaged());
    }

    private String text(String key) {
        String value = metadata.get(key);
        if (value == null) {
            throw new CheckpointException(path + ": expected metadata '" + key + "', found "
                    + SafeText.of(metadata.keySet().toString()) + ". " + damaged());
        }
        return value;
    }

    private static String damaged() {
        return "The file is damaged or was not written by LinGen; make the video anew";
    }
}
