package io.lingen.internal.text;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.core.internal.SafeText;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.internal.TensorDigest;
import io.lingen.text.TextEncoder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A text encoder with a folder as its cache: one safetensors file per prompt and {@link Identity}. Files are complete or absent, so several
 * processes may share a folder. A damaged file is replaced, and a folder that can't be written to is not used, both with a warning. Files are
 * never deleted. Thread-safe.
 */
public final class CachedTextEncoder extends ForwardingTextEncoder {
    private static final Logger log = LoggerFactory.getLogger(CachedTextEncoder.class);
    private static final String FORMAT = "lingen-text-embedding";
    private static final String VERSION = "1";
    private static final String DIGEST = "sha256";
    private static final String TOKENS = "tokens";
    private static final String WEIGHTS = "weights";
    private static final int NAME_DIGITS = 40;

    private final Path folder;
    private final Supplier<Identity> identity;

    /**
     * The properties on which an embedding depends besides its prompt.
     *
     * @param files the SHA-256 checksum of the files of the text encoder and its tokenizer
     * @param backend the name of the backend that computed it
     * @param precision the type of matrix products
     */
    public record Identity(String files, String backend, DType precision) {}

    /**
     * Wraps an encoder and takes ownership of it.
     *
     * @param encoder encodes the prompts that are not in the folder
     * @param folder the folder, created when the first prompt is stored
     * @param identity supplies the identity of the encoder; called when a prompt is encoded, because it may read large files
     */
    public CachedTextEncoder(TextEncoder encoder, Path folder, Supplier<Identity> identity) {
        super(encoder);
        this.folder = folder;
        this.identity = identity;
    }

    @Override
    public List<TextEmbedding> encode(List<Prompt> prompts, Progress progress) {
        Map<Prompt, TextEmbedding> known = new HashMap<>();
        List<Prompt> missing = new ArrayList<>();
        for (Prompt prompt : new LinkedHashSet<>(prompts)) {
            TextEmbedding kept = read(prompt);
            if (kept == null) {
                missing.add(prompt);
            } else {
                known.put(prompt, kept);
            }
        }
        if (!missing.isEmpty()) {
            List<TextEmbedding> encoded = encoder().encode(missing, progress);
            for (int i = 0; i < missing.size(); i++) {
                known.put(missing.get(i), encoded.get(i));
                write(missing.get(i), encoded.get(i));
            }
        }
        return prompts.stream().map(known::get).map(Objects::requireNonNull).toList();
    }

    /** The metadata of the file of a prompt, without the digest. */
    private Map<String, String> key(Prompt prompt) {
        Identity current = identity.get();
        return Map.of(
                "format",
                FORMAT,
                "version",
                VERSION,
                "encoder",
                current.files,
                "backend",
                current.backend,
                "precision",
                current.precision.name().toLowerCase(Locale.ROOT),
                "negative",
                Boolean.toString(prompt.negative()),
                "prompt",
                wellFormed(normalize(prompt)));
    }

    /** Replaces unpaired surrogates, which UTF-8 can't represent, by U+FFFD as the tokenizers do. */
    private static String wellFormed(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_16), StandardCharsets.UTF_16);
    }

    private Path fileOf(Map<String, String> key) {
        return folder.resolve(TensorDigest.of(key, Map.of()).substring(0, NAME_DIGITS) + ".safetensors");
    }

    private @Nullable TextEmbedding read(Prompt prompt) {
        Map<String, String> key = key(prompt);
        Path file = fileOf(key);
        if (!Files.isRegularFile(file)) {
            return null;
        }
        try (SafetensorsFile kept = SafetensorsFile.open(file)) {
            return read(kept, key);
        } catch (CheckpointException | IllegalArgumentException e) {
            log.warn("{}; the prompt is encoded again", e.getMessage());
            return null;
        }
    }

    private TextEmbedding read(SafetensorsFile kept, Map<String, String> key) {
        Map<String, String> found = new TreeMap<>(kept.metadata());
        String digest = found.remove(DIGEST);
        if (!found.equals(key)) {
            throw new CheckpointException(
                    kept + ": expected the metadata " + shown(new TreeMap<>(key)) + ", found " + shown(found));
        }
        Map<String, HostTensor> tensors = new TreeMap<>();
        for (String name : kept.names()) {
            HostTensor tensor = kept.tensor(name);
            boolean fits =
                    tensor.dtype() == DType.F32 && (name.equals(TOKENS) ? isEmbedding(tensor) : isWeights(tensor));
            if (!fits || !Set.of(TOKENS, WEIGHTS).contains(name)) {
                throw new CheckpointException(kept + ": expected an embedding of at most " + maxTokens()
                        + " tokens of width " + width() + ", found " + shown(name + " " + tensor));
            }
            // Copy: the file may be replaced while its embedding is in use.
            tensors.put(name, copy(tensor));
        }
        HostTensor tokens = tensors.get(TOKENS);
        String sum = TensorDigest.of(key, tensors);
        if (tokens == null || !sum.equals(digest)) {
            throw new CheckpointException(
                    kept + ": expected contents with the SHA-256 digest " + shown(digest) + ", found " + sum);
        }
        return new TextEmbedding(tokens, tensors.get(WEIGHTS));
    }

    private static HostTensor copy(HostTensor tensor) {
        return HostTensor.of(tensor.toFloats(), tensor.shape().toArray());
    }

    private static String shown(@Nullable Object value) {
        return SafeText.of(String.valueOf(value), 300);
    }

    private boolean isEmbedding(HostTensor tensor) {
        Shape shape = tensor.shape();
        return shape.rank() == 2 && shape.length(0) <= maxTokens() && shape.length(1) == width();
    }

    private boolean isWeights(HostTensor tensor) {
        return tensor.shape().elements() <= maxTokens();
    }

    private void write(Prompt prompt, TextEmbedding embedding) {
        Map<String, HostTensor> tensors = new TreeMap<>();
        tensors.put(TOKENS, copy(embedding.tokens()));
        if (embedding.weights() != null) {
            tensors.put(WEIGHTS, copy(embedding.weights()));
        }
        Map<String, String> key = key(prompt);
        Map<String, String> metadata = new HashMap<>(key);
        metadata.put(DIGEST, TensorDigest.of(key, tensors));
        try {
            Files.createDirectories(folder);
            SafetensorsWriter.write(fileOf(key), tensors, metadata);
        } catch (IOException | UncheckedIOException e) {
            log.warn("could not store an encoded prompt in the text cache {}: {}", folder, e.toString());
        }
    }
}
