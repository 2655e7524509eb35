package io.lingen.internal.t5;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.dryrun.DryRun;
import io.lingen.core.internal.CloseableStack;
import io.lingen.core.layer.ModelWeights;
import io.lingen.internal.MemoryCheck;
import io.lingen.text.TextEncoder.Progress;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The encoder of T5 v1.1 (Raffel et al. 2020; Shazeer 2020) or UMT5 (Chung et al. 2023): from token ids to hidden states. Its layers are
 * kept in memory or streamed: a pass then loads one layer after the other from the mapped file and frees it, so that memory holds about one
 * layer. Of the embeddings only the rows of the tokens are read.
 *
 * <p>Thread-safe; concurrent passes run one at a time.
 */
public final class T5Encoder implements AutoCloseable {
    private static final String SHARED = "shared.weight";
    private static final String EMBEDDING = "encoder.embed_tokens.weight";

    private final Checkpoint checkpoint;
    private final SafetensorsFile file;
    private final T5Config config;
    private final Backend backend;
    private final DType precision;
    private final @Nullable Layers kept;

    private T5Encoder(Checkpoint checkpoint, Backend backend, DType precision, boolean keepLayers) {
        this.checkpoint = checkpoint;
        this.file = checkpoint.file;
        this.config = checkpoint.config;
        this.backend = backend;
        this.precision = precision;
        this.kept = keepLayers ? ModelWeights.load(file, backend, precision, this::readAll) : null;
    }

    /** An encoder in its folder. Owns the file. */
    private record Checkpoint(String component, T5Config config, SafetensorsFile file) implements AutoCloseable {
        static Checkpoint open(ModelSource source, String component) {
            T5Config config = T5Config.read(source.config(component + "/config.json"));
            return new Checkpoint(component, config, source.tensors(component));
        }

        @Override
        public void close() {
            file.close();
        }
    }

    /** All layers in memory. Owns their workspace. */
    private record Layers(Workspace workspace, List<T5Block> blocks) implements AutoCloseable {
        @Override
        public void close() {
            workspace.close();
        }
    }

    /**
     * Opens an encoder.
     *
     * @param source the model
     * @param component the folder of the encoder in the model
     * @param backend computes; closed after this encoder
     * @param precision the type of matrix products and of the activations between them, F32 or BF16
     * @param keepLayers whether the layers are kept in memory, not streamed
     * @return the encoder, to be closed by the caller
     * @throws CheckpointException if configuration and tensors are missing or don't fit each other
     * @throws io.lingen.core.OutOfMemoryException if the layers are kept and don't fit
     */
    public static T5Encoder open(
            ModelSource source, String component, Backend backend, DType precision, boolean keepLayers) {
        CloseableStack owned = new CloseableStack();
        try {
            Checkpoint checkpoint = owned.add(Checkpoint.open(source, component));
            if (!keepLayers) {
                checkTensors(checkpoint, backend, precision);
            }
            return new T5Encoder(checkpoint, backend, precision, keepLayers);
        } catch (RuntimeException | Error e) {
            owned.closeAfter(e);
            throw e;
        }
    }

    /**
     * {@return the memory that an encoder would need} Reads shapes, not weights.
     *
     * @param source the model
     * @param component the folder of the encoder in the model
     * @param backend the backend that the encoder would be opened for
     * @param precision the type of matrix products and of the activations between them, F32 or BF16
     * @param keepLayers whether the layers would be kept in memory
     * @param lengths the numbers of tokens of the prompts of a pass
     * @throws CheckpointException if configuration and tensors are missing or don't fit each other
     */
    static MemoryNeed memoryNeed(
            ModelSource source,
            String component,
            Backend backend,
            DType precision,
            boolean keepLayers,
            int... lengths) {
        try (Checkpoint checkpoint = Checkpoint.open(source, component)) {
            return MemoryNeed.of(checkpoint, backend, precision, keepLayers, lengths);
        }
    }

    /**
     * The memory of an encoder in bytes.
     *
     * @param held held by layers that are kept
     * @param loading taken in addition while a matrix is loaded: the mapped matrix and converted copies of it
     * @param pass taken in addition to the held memory by a pass
     */
    record MemoryNeed(long held, long loading, long pass) {
        private static MemoryNeed of(
                Checkpoint checkpoint, Backend real, DType precision, boolean keepLayers, int... lengths) {
            T5Config config = checkpoint.config;
            List<long[]> prompts = IntStream.of(lengths).mapToObj(long[]::new).toList();
            try (DryRun dryRun = DryRun.of(real);
                    CloseableStack layers = new CloseableStack();
                    Workspace workspace = dryRun.backend().newWorkspace()) {
                T5Encoder dry = new T5Encoder(checkpoint, dryRun.backend(), precision, keepLayers);
                layers.add((AutoCloseable) dry::closeLayers);
                long held = dryRun.pool().peakBytes();
                dry.forward(workspace, prompts, Taps.NONE, Progress.NONE);
                long widest = Math.max(config.feedForwardWidth(), config.attentionWidth());
                long loading = widest * config.modelWidth() * 2 * Float.BYTES;
                return new MemoryNeed(held, loading, dryRun.pool().peakBytes() - held + (keepLayers ? 0 : loading));
            }
        }

        long peak() {
            return held + Math.max(loading, pass);
        }
    }

    /** Checks names and shapes of all tensors, so that no pass fails halfway. Reads no values. */
    private static void checkTensors(Checkpoint checkpoint, Backend backend, DType precision) {
        try (DryRun dryRun = DryRun.of(backend)) {
            new T5Encoder(checkpoint, dryRun.backend(), precision, true).closeLayers();
        }
    }

    private Layers readAll(ModelWeights weights) {
        weights.rows(embeddingName(), new long[1], config.vocabulary(), config.modelWidth());
        finalNorm(weights);
        LayerReader reader = new LayerReader();
        List<T5Block> blocks = new ArrayList<>();
        for (int l = 0; l < config.layers(); l++) {
            blocks.add(reader.read(weights, l));
        }
        weights.ignore("encoder.embed_tokens");
        weights.ignore("decoder");
        weights.ignore("lm_head");
        return new Layers(weights.workspace(), List.copyOf(blocks));
    }

    /** Reads layers from first to last. */
    private final class LayerReader {
        private @Nullable PositionBias bias;

        T5Block read(ModelWeights weights, int layer) {
            ModelWeights ofLayer = weights.under("encoder.block." + layer);
            PositionBias current = bias;
            if (current == null || config.hasBiasPerLayer()) {
                current = new PositionBias(ofLayer.under("layer.0.SelfAttention"), config);
                bias = current;
            }
            return new T5Block(ofLayer, config, current);
        }
    }

    private Tensor finalNorm(ModelWeights weights) {
        return weights.vector("encoder.final_layer_norm.weight", config.modelWidth());
    }

    /** Some checkpoints have both names for the same embeddings. */
    private String embeddingName() {
        return file.names().contains(SHARED) ? SHARED : EMBEDDING;
    }

    /** {@return the width of the hidden states} */
    public int width() {
        return config.modelWidth();
    }

    /**
     * Encodes prompts in one pass over the layers. The hidden states of a prompt do not depend on the other prompts.
     *
     * @param prompts the token ids of each prompt, at least one each
     * @param taps receives, of the first prompt, "embed", "block.{l}.attention" and "block.{l}" for every layer l
     * @param progress receives the number of layers done
     * @return the hidden states [n, width] of each prompt, in F32
     * @throws CheckpointException if there is no embedding of a token id
     * @throws io.lingen.core.OutOfMemoryException if there is too little memory for the pass
     */
    public synchronized List<HostTensor> encode(List<long[]> prompts, Taps taps, Progress progress) {
        prompts.forEach(this::requireEmbeddings);
        requireMemory(prompts);
        try (Workspace workspace = backend.newWorkspace()) {
            return forward(workspace, prompts, taps, progress).stream()
                    .map(backend::download)
                    .toList();
        }
    }

    private List<Tensor> forward(Workspace workspace, List<long[]> prompts, Taps taps, Progress progress) {
        ModelWeights weights = ModelWeights.of(file, backend, workspace, precision);
        List<Tensor> streams = new ArrayList<>(); // [n, d] each
        for (long[] ids : prompts) {
            streams.add(weights.rows(embeddingName(), ids, config.vocabulary(), config.modelWidth()));
        }
        taps.accept("embed", streams.get(0));
        LayerReader reader = new LayerReader();
        for (int l = 0; l < config.layers(); l++) {
            progress.advanced(l, config.layers());
            String name = "block." + l;
            try (Workspace ofLayer = backend.newWorkspace()) {
                T5Block block = kept == null
                        ? reader.read(ModelWeights.of(file, backend, ofLayer, precision), l)
                        : kept.blocks.get(l);
                for (int i = 0; i < streams.size(); i++) {
                    block.forward(streams.get(i), i == 0 ? taps.under(name + ".") : Taps.NONE);
                }
            }
            taps.accept(name, streams.get(0));
        }
        progress.advanced(config.layers(), config.layers());
        Tensor norm = finalNorm(weights);
        streams.forEach(x -> backend.rmsNorm(x, norm, (float) config.epsilon(), false, x));
        return streams;
    }

    private void requireEmbeddings(long[] ids) {
        if (ids.length == 0) {
            throw new IllegalArgumentException("prompt must have at least one token, found none");
        }
        for (long id : ids) {
            if (id < 0 || id >= config.vocabulary()) {
                throw new CheckpointException(file + ": expected token ids below the " + config.vocabulary()
                        + " embeddings, found the id " + id + ". Use the tokenizer of the text encoder");
            }
        }
    }

    private void requireMemory(List<long[]> prompts) {
        int[] lengths = prompts.stream().mapToInt(ids -> ids.length).toArray();
        MemoryCheck.require(backend, "the text encoder " + checkpoint.component, passBytes(precision, lengths), () -> {
            boolean fits = precision == DType.F32 && passBytes(DType.BF16, lengths) <= backend.availableBytes();
            return fits ? List.of("precision bf16") : List.of();
        });
    }

    private long passBytes(DType type, int... lengths) {
        return MemoryNeed.of(checkpoint, backend, type, kept != null, lengths).pass();
    }

    private void closeLayers() {
        if (kept != null) {
            kept.close();
        }
    }

    /** Ends the use of the file and frees layers that are kept. */
    @Override
    public void close() {
        closeLayers();
        checkpoint.close();
    }
}
