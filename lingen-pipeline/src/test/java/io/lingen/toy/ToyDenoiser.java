package io.lingen.toy;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Heads;
import io.lingen.core.op.PatchSize;
import io.lingen.diffusion.Condition;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.Prediction;
import java.util.LinkedHashMap;
import java.util.Map;

/** A denoiser of one layer, in which every cell depends on the words or the class, and on the time. Predicts noise and an unused variance. */
final class ToyDenoiser implements Denoiser {
    static final int CHANNELS = 4;

    private static final int WIDTH = 16;
    private static final int TIME = 8;

    private final Backend backend;
    private final DType precision;
    private final Workspace packed;
    private final Linear cells; // C -> d
    private final Linear time; // time -> d
    private final Linear text; // words -> k, v
    private final Tensor classes; // [classes + 1, 2d]: k, v; the last is no class
    private final Linear out; // d -> noise and variance

    ToyDenoiser(ModelWeights weights, int classCount) {
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.packed = weights.workspace();
        this.cells = weights.linear("cells", CHANNELS, WIDTH);
        this.time = weights.withPrecision(DType.F32).linear("time", TIME, WIDTH);
        this.text = weights.linear("text", HashedWords.WIDTH, 2 * WIDTH);
        this.classes = weights.tensor("classes", classCount + 1, 2 * WIDTH);
        this.out = weights.linear("out", WIDTH, 2 * CHANNELS);
    }

    /** The tensors of a checkpoint. */
    static Map<String, long[]> shapes(int classCount) {
        Map<String, long[]> shapes = new LinkedHashMap<>();
        linear(shapes, "cells", CHANNELS, WIDTH);
        linear(shapes, "time", TIME, WIDTH);
        linear(shapes, "text", HashedWords.WIDTH, 2 * WIDTH);
        shapes.put("classes", new long[] {classCount + 1, 2 * WIDTH});
        linear(shapes, "out", WIDTH, 2 * CHANNELS);
        return shapes;
    }

    private static void linear(Map<String, long[]> shapes, String name, long in, long out) {
        shapes.put(name + ".weight", new long[] {out, in});
        shapes.put(name + ".bias", new long[] {out});
    }

    private record KeysAndValues(Workspace workspace, Tensor tensor) implements Conditioning {
        @Override
        public void close() {
            workspace.close();
        }
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public Prediction prediction() {
        return Prediction.NOISE_AND_VARIANCE;
    }

    @Override
    public Conditioning condition(Condition condition, Taps taps) {
        Workspace workspace = backend.newWorkspace();
        if (condition.texts().isEmpty()) {
            Integer label = condition.label();
            long row = label == null ? classes.shape().length(0) - 1 : label;
            return new KeysAndValues(workspace, classes.slice(row, row + 1)); // [1, 2d]
        }
        try (Workspace scratch = backend.newWorkspace()) {
            HostTensor words = condition.texts().get(0).tokens(); // [L, words]
            Tensor uploaded = backend.upload(scratch, words, precision);
            return new KeysAndValues(workspace, text.apply(workspace, uploaded, precision)); // [L, 2d]
        }
    }

    @Override
    public void requireLatent(Shape latent) {
        if (latent.rank() != 4 || latent.length(0) != CHANNELS) {
            throw new IllegalArgumentException("the toy takes latents [4, T, H, W], found " + latent);
        }
    }

    @Override
    public void predict(Tensor latent, double t, Conditioning conditioning, Tensor prediction, Taps taps) {
        requireLatent(latent.shape());
        Tensor keysAndValues = ((KeysAndValues) conditioning).tensor();
        long n = latent.shape().elements() / CHANNELS;
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor tokens = workspace.allocate(precision, n, CHANNELS);
            backend.patchify(latent, PatchSize.ONE, tokens); // [N, C]
            Tensor x = cells.apply(workspace, tokens, DType.F32); // [N, d]
            Tensor wave = backend.upload(workspace, HostTensor.of(wave(t), 1, TIME), DType.F32); // [1, time]
            Tensor shift = time.apply(workspace, wave, DType.F32).reshape(Shape.of(WIDTH)); // [d]
            Tensor normed = workspace.allocate(precision, n, WIDTH);
            backend.modulatedLayerNorm(x, shift, shift, 1e-6f, normed); // [N, d]
            Tensor mixed = workspace.allocate(precision, n, WIDTH);
            backend.attention(
                    new Heads(normed, 0, 2, WIDTH / 2),
                    new Heads(keysAndValues, 0, 2, WIDTH / 2),
                    new Heads(keysAndValues, WIDTH, 2, WIDTH / 2),
                    null,
                    mixed); // [N, d]
            Tensor sum = workspace.allocate(precision, n, WIDTH);
            backend.add(normed, mixed, sum);
            Tensor predicted = workspace.allocate(DType.F32, n, 2L * CHANNELS);
            out.apply(sum, Epilogue.NONE, predicted); // [N, 2C]
            taps.accept("out", predicted);
            backend.unpatchify(predicted, PatchSize.ONE, prediction); // [2C, T, H, W]
        }
    }

    private static float[] wave(double t) {
        float[] wave = new float[TIME];
        for (int i = 0; i < TIME; i++) {
            wave[i] = (float) Math.sin(t / 1000 * (i + 1));
        }
        return wave;
    }

    @Override
    public void close() {
        packed.close();
    }
}
