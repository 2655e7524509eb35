package io.lingen.diffusion;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The projection of every text encoder's tokens to the width of the model, followed by a norm (specification, section 2). The results are
 * concatenated.
 */
final class TextProjection {
    private static final float NORM_EPSILON = 1e-6f;

    private final Backend backend;
    private final DType precision;
    private final List<Linear> projections = new ArrayList<>(); // dim -> d
    private final List<Tensor> scales = new ArrayList<>(); // [d], norm weight - 1
    private final List<Tensor> shifts = new ArrayList<>(); // [d], norm bias
    private final long hiddenSize;

    TextProjection(ModelWeights weights, TransformerConfig config) {
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.hiddenSize = config.hiddenSize();
        for (int i = 0; i < config.textDims().size(); i++) {
            projections.add(weights.linear("text_proj." + i, config.textDims().get(i), hiddenSize));
            ModelWeights norm = weights.under("text_norm." + i);
            scales.add(minusOne(norm.vector("weight", hiddenSize)));
            shifts.add(norm.vector("bias", hiddenSize));
        }
    }

    /**
     * The projected tokens of all encoders. Both tensors belong to the workspace.
     *
     * @param tokens [L, d]
     * @param weights [L] of {@link TextEmbedding#weights}, or null for 1 each
     */
    record Projected(Tensor tokens, @Nullable Tensor weights) {}

    Projected project(Workspace workspace, List<TextEmbedding> texts, Taps taps) {
        requireTexts(texts);
        long total = texts.stream()
                .mapToLong(text -> text.tokens().shape().length(0))
                .sum();
        Tensor tokens = workspace.allocate(precision, total, hiddenSize); // [L, d]
        float[] weights = new float[Math.toIntExact(total)];
        Arrays.fill(weights, 1);
        boolean weighted = false;
        int from = 0;
        for (int i = 0; i < texts.size(); i++) {
            HostTensor text = texts.get(i).tokens();
            int to = from + (int) text.shape().length(0);
            try (Workspace scratch = backend.newWorkspace()) {
                Tensor uploaded = backend.upload(scratch, text, precision); // [Li, dim]
                Tensor projected = projections.get(i).apply(scratch, uploaded, precision); // [Li, d]
                Tensor normed = tokens.slice(from, to);
                backend.modulatedLayerNorm(projected, shifts.get(i), scales.get(i), NORM_EPSILON, normed);
                taps.accept("text." + i, normed);
            }
            HostTensor given = texts.get(i).weights();
            for (int row = from; given != null && row < to; row++) {
                weights[row] = given.get(row - from);
                weighted |= weights[row] != 1;
            }
            from = to;
        }
        taps.accept("text", tokens);
        return new Projected(
                tokens, weighted ? backend.upload(workspace, HostTensor.of(weights, total), DType.F32) : null);
    }

    private void requireTexts(List<TextEmbedding> texts) {
        if (texts.size() != projections.size()) {
            throw new IllegalArgumentException("condition must have the embeddings of " + projections.size()
                    + " text encoders, found " + texts.size());
        }
        for (int i = 0; i < texts.size(); i++) {
            long expected = projections.get(i).inFeatures();
            long found = texts.get(i).tokens().shape().last();
            if (found != expected) {
                throw new IllegalArgumentException("embeddings of text encoder " + i + " must have the width text_dims["
                        + i + "] = " + expected + ", found " + found);
            }
        }
    }

    /** Subtracts 1, in place, from the weight of an affine norm, which gives the scale of a modulated norm. */
    private Tensor minusOne(Tensor scale) {
        float[] ones = new float[Math.toIntExact(hiddenSize)];
        Arrays.fill(ones, 1);
        try (Workspace scratch = backend.newWorkspace()) {
            backend.addScaled(-1, backend.upload(scratch, HostTensor.of(ones, hiddenSize), DType.F32), scale);
        }
        return scale;
    }
}
