package io.lingen.internal.text;

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
 * The weights of an {@link EncoderNetwork}, which map token ids to hidden states. The layers are kept in memory or streamed: a pass then loads
 * one layer after the other from the mapped file and frees it, so that memory holds about one layer. Of the embeddings only the rows of the
 * tokens are read.
 *
 * <p>Thread-safe; concurrent passes run one at a time.
 */
public final class LayeredEncoder implements AutoCloseable {
    private final Checkpoint checkpoint;
    private final SafetensorsFile file;
    private final EncoderNetwork network;
    private final Backend backend;
    private final DType precision;
    private final @Nullable Layers kept;

    private LayeredEncoder(Checkpoint checkpoint, Backend backend, DType precision, boolean keepLayers) {
        this.checkpoint = checkpoint;
        this.file = checkpoint.file;
        this.network = checkpoint.network;
        this.backend = backend;
        this.precision = precision;
        this.kept = keepLayers ? ModelWeights.load(file, backend, precision, this::readAll) : null;
    }

    /** An encoder in its folder. Owns the file. */
    private record Checkpoint(String component, EncoderNetwork network, SafetensorsFile file) implements AutoCloseable {
        static Checkpoint open(ModelSource source, EncoderFiles files) {
            return new Checkpoint(files.component(), files.network(source), source.tensors(files.component()));
        }

        @Override
        public void close() {
            file.close();
        }
    }

    /** All layers in memory. Owns their workspace. */
    private record Layers(Workspace workspace, List<EncoderNetwork.Layer> layers) implements AutoCloseable {
        @Override
        public void close() {
            workspace.close();
        }
    }

    /**
     * Opens an encoder.
     *
     * @param source the model
     * @param files the files of the encoder in the model
     * @param backend computes; closed after this encoder
     * @param precision the type of matrix products and of the activations between them, F32 or BF16
     * @param keepLayers whether the layers are kept in memory, not streamed
     * @return the encoder, to be closed by the caller
     * @throws CheckpointException if configuration and tensors are missing or don't fit each other
     * @throws io.lingen.core.OutOfMemoryException if the layers are kept and don't fit
     */
    public static LayeredEncoder open(
            ModelSource source, EncoderFiles files, Backend backend, DType precision, boolean keepLayers) {
        CloseableStack owned = new CloseableStack();
        try {
            Checkpoint checkpoint = owned.add(Checkpoint.open(source, files));
            if (!keepLayers) {
                checkTensors(checkpoint, backend, precision);
            }
            return new LayeredEncoder(checkpoint, backend, precision, keepLayers);
        } catch (RuntimeException | Error e) {
            owned.closeAfter(e);
            throw e;
        }
    }

    /**
     * {@return the memory that an encoder would need} Reads shapes, not weights.
     *
     * @param source the model
     * @param files the files of the encoder in the model
     * @param backend the backend that the encoder would be opened for
     * @param precision the type of matrix products and of the activations between them, F32 or BF16
     * @param keepLayers whether the layers would be kept in memory
     * @param lengths the numbers of tokens of the prompts of a pass
     * @throws CheckpointException if configuration and tensors are missing or don't fit each other
     */
    public static MemoryNeed memoryNeed(
            ModelSource source,
            EncoderFiles files,
            Backend backend,
            DType precision,
            boolean keepLayers,
            int... lengths) {
        try (Checkpoint checkpoint = Checkpoint.open(source, files)) {
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
    public record MemoryNeed(long held, long loading, long pass) {
        private static MemoryNeed of(
                Checkpoint checkpoint, Backend real, DType precision, boolean keepLayers, int... lengths) {
            List<long[]> prompts = IntStream.of(lengths).mapToObj(long[]::new).toList();
            try (DryRun dryRun = DryRun.of(real);
                    CloseableStack layers = new CloseableStack();
                    Workspace workspace = dryRun.backend().newWorkspace()) {
                LayeredEncoder dry = new LayeredEncoder(checkpoint, dryRun.backend(), precision, keepLayers);
                layers.add((AutoCloseable) dry::closeLayers);
                long held = dryRun.pool().peakBytes();
                dry.forward(workspace, prompts, Taps.NONE, Progress.NONE);
                long loading = checkpoint.network.largestMatrix() * 2 * Float.BYTES;
                return new MemoryNeed(held, loading, dryRun.pool().peakBytes() - held + (keepLayers ? 0 : loading));
            }
        }

        /** {@return the peak, including the held memory} */
        public long peak() {
            return held + Math.max(loading, pass);
        }
    }

    /** Checks names and shapes of all tensors, so that no pass fails halfway. Reads no values. */
    private static void checkTensors(Checkpoint checkpoint, Backend backend, DType precision) {
        try (DryRun dryRun = DryRun.of(backend)) {
            new LayeredEncoder(checkpoint, dryRun.backend(), precision, true).closeLayers();
        }
    }

    private Layers readAll(ModelWeights weights) {
        network.embed(weights, new long[1]);
        network.finalNorm(weights);
        EncoderNetwork.LayerReader reader = network.layerReader();
        List<EncoderNetwork.Layer> layers = new ArrayList<>();
        for (int l = 0; l < network.layers(); l++) {
            layers.add(reader.read(weights, l));
        }
        network.ignoreOthers(weights);
        return new Layers(weights.workspace(), List.copyOf(layers));
    }

    /** {@return the width of the hidden states} */
    public int width() {
        return network.width();
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
            streams.add(network.embed(weights, ids));
        }
        taps.accept("embed", streams.get(0));
        EncoderNetwork.LayerReader reader = network.layerReader();
        for (int l = 0; l < network.layers(); l++) {
            progress.advanced(l, network.layers());
            String name = "block." + l;
            try (Workspace ofLayer = backend.newWorkspace()) {
                EncoderNetwork.Layer layer = kept == null
                        ? reader.read(ModelWeights.of(file, backend, ofLayer, precision), l)
                        : kept.layers.get(l);
                for (int i = 0; i < streams.size(); i++) {
                    layer.forward(streams.get(i), i == 0 ? taps.under(name + ".") : Taps.NONE);
                }
            }
            taps.accept(name, streams.get(0));
        }
        progress.advanced(network.layers(), network.layers());
        Tensor norm = network.finalNorm(weights);
        streams.forEach(x -> backend.rmsNorm(x, norm, network.epsilon(), false, x));
        return streams;
    }

    private void requireEmbeddings(long[] ids) {
        if (ids.length == 0) {
            throw new IllegalArgumentException("prompt must have at least one token, found none");
        }
        for (long id : ids) {
            if (id < 0 || id >= network.vocabulary()) {
                throw new CheckpointException(file + ": expected token ids below the " + network.vocabulary()
                        + " embeddings, found the id " + id + "; use the tokenizer of the text encoder");
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
