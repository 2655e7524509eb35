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
 * Reader of latents files. It checks everything that does not depend on the model. Sizes are checked before memory is allocated; data are
 * copied, digested and checked in one pass.
 */
final class LatentReader {
    private static final Logger log = LoggerFactory.getLogger(LatentReader.class);

    /** Above the 3 values per pixel of a video, which a latent compresses. */
    private static final long MAX_VALUES_PER_PIXEL = 4;

    /** Above the number of tensors of any sampler. */
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
                    + "; the latents of an interrupted video have its name and the extension " + LatentFile.ENDING);
        }
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            return new LatentReader(path, file).read();
        }
    }

    /** Reads the metadata of a file without its tensors; null if it is not a latents file or its metadata are malformed. */
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

    /** Checks the version; returns whether it has a digest. */
    private boolean requireVersion() {
        if (!LatentFile.FORMAT.equals(metadata.get("format"))) {
            throw new CheckpointException(path + ": expected saved latents, found a safetensors file of "
                    + file.names().size() + " tensors without the format \"" + LatentFile.FORMAT
                    + "\" in its metadata; use a file with the extension " + LatentFile.ENDING);
        }
        String version = metadata.get("version");
        if (LatentFile.VERSION.equals(version)) {
            return true;
        }
        if (LatentFile.VERSION_WITHOUT_DIGEST.equals(version)) {
            log.warn("{}: saved latents of version {} have no digest, so damage can't be detected", path, version);
            return false;
        }
        throw new CheckpointException(path + ": expected version " + LatentFile.VERSION_WITHOUT_DIGEST + " or "
                + LatentFile.VERSION + " of saved latents, found " + SafeText.of(String.valueOf(version))
                + "; resume with the version of LinGen that wrote the file");
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
                    + ", found " + names + " tensors; " + damaged());
        }
        for (String name : file.names()) {
            HostTensor tensor = file.tensor(name);
            Shape shape = tensor.shape();
            boolean latent = name.equals(LatentFile.LATENT);
            if (tensor.dtype() != DType.F32 || latent && (shape.rank() != 4 || shape.elements() == 0)) {
                throw new CheckpointException(path + ": expected tensor '" + SafeText.of(name) + "' as F32"
                        + (latent ? "[C, T, H, W]" : "") + ", found " + SafeText.of(tensor.toString()) + "; "
                        + damaged());
            }
        }
    }

    /** Compares the declared sizes with that of the video and with the available memory. */
    private void requireSize(VideoRequest request) {
        double pixels = (double) value(request.width()) * value(request.height()) * value(request.frames());
        long bytes = 0;
        for (String name : file.names()) {
            HostTensor tensor = file.tensor(name);
            if (tensor.shape().elements() > MAX_VALUES_PER_PIXEL * pixels) {
                throw new CheckpointException(path + ": expected tensor '" + SafeText.of(name) + "' of a video of "
                        + request.width() + "x" + request.height() + " and " + request.frames()
                        + " frames with at most " + MAX_VALUES_PER_PIXEL + " values per pixel, found "
                        + SafeText.of(tensor.toString()) + "; " + damaged());
            }
            bytes += tensor.memory().byteSize();
        }
        long available = HostMemory.availableBytes();
        if (bytes > available) {
            throw new CheckpointException(path + ": expected saved latents that fit in the available memory of "
                    + available + " bytes, found " + bytes + " bytes; close other programs, or use another machine");
        }
    }

    private static int value(@Nullable Integer number) {
        return number == null ? 0 : number;
    }

    /** Copies the tensors: a mapping would depend on the file, and prevent its replacement on some systems. */
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
            throw new CheckpointException(path + ": expected contents with the recorded SHA-256 digest \""
                    + SafeText.of(expectedSum) + "\", found " + sum + "; " + damaged());
        }
        if (!wrong.isEmpty()) {
            throw new CheckpointException(path + wrong
                    + "; the file is damaged, or the model diverged: generate the video again, if necessary in f32");
        }
        return tensors;
    }

    /** A message about the first NaN or infinity of a chunk; empty if all numbers are finite. */
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
                    + SafeText.of(output) + "\"; " + damaged());
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
            // The character set of the locale may lack a character.
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
            // Throw the exception below.
        }
        throw new CheckpointException(
                path + ": expected " + (min == max ? "" + min : "a number from " + min + " to " + max)
                        + " as metadata '" + key + "', found \"" + SafeText.of(text) + "\"; " + damaged());
    }

    private String text(String key) {
        String value = metadata.get(key);
        if (value == null) {
            throw new CheckpointException(path + ": expected metadata '" + key + "', found "
                    + SafeText.of(metadata.keySet().toString()) + "; " + damaged());
        }
        return value;
    }

    private static String damaged() {
        return "the file is damaged or was not written by LinGen: generate the video again";
    }
}
