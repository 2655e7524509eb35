package io.lingen.diffusion.internal.latte;

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
import io.lingen.diffusion.internal.TimeEmbedding;
import org.jspecify.annotations.Nullable;

/** The embedding of a timestep, and of a class, for adaptive norms. Computed in F32 at every precision. Thread-safe. */
interface TimestepEmbedding {
    /** The width of the sinusoid. */
    int WIDTH = 256;

    /**
     * The vectors that modulations read, in F32.
     *
     * @param blocks those of the blocks
     * @param last those of the last layer
     */
    record Embedded(Tensor blocks, Tensor last) {}

    /**
     * Embeds a timestep.
     *
     * @param workspace the owner of the result
     * @param timestep from 0 to 999
     * @param selectedClass [1, classes + 1]; null without classes
     * @param taps receives the embedding
     */
    Embedded embed(Workspace workspace, double timestep, @Nullable Tensor selectedClass, Taps taps);

    /**
     * {@return the sinusoid of a timestep, in F32 as the model was trained: in double precision, results move by up to 5e-6}
     *
     * @param timestep from 0 to 999
     */
    private static float[] sinusoid(double timestep) {
        return TimeEmbedding.sinusoidInF32((float) timestep, WIDTH);
    }

    /**
     * The embedding of unconditional and class models: all modulations read SiLU(Linear(SiLU(Linear(sinusoid))) + row of the class).
     *
     * <p>The rows of the classes are additional columns of the second layer, and the class is a one in its input. The sum thus needs no
     * operation of its own.
     */
    final class WithClasses implements TimestepEmbedding {
        private final Backend backend;
        private final int classes;
        private final Linear fc1; // 256 -> d
        private final Linear fc2; // d + classes + 1 -> d

        /**
         * Loads the layers.
         *
         * @param weights the weights of the whole model
         */
        WithClasses(ModelWeights weights, LatteConfig config) {
            int d = config.hiddenSize();
            ModelWeights exact = weights.withPrecision(DType.F32);
            this.backend = weights.backend();
            boolean hasClasses = config.condition() == LatteConfig.Condition.CLASS;
            this.classes = hasClasses ? config.classes() + 1 : 0;
            this.fc1 = exact.linear("t_embedder.mlp.0", WIDTH, d);
            if (hasClasses) {
                HostTensor matrix = exact.host("t_embedder.mlp.2.weight", d, d);
                HostTensor table = exact.host("y_embedder.embedding_table.weight", classes, d);
                this.fc2 = exact.linear(
                        HostMatrices.appendColumns(exact, matrix, table), exact.host("t_embedder.mlp.2.bias", d));
            } else {
                this.fc2 = exact.linear("t_embedder.mlp.2", d, d);
            }
        }

        @Override
        public Embedded embed(Workspace workspace, double timestep, @Nullable Tensor selectedClass, Taps taps) {
            long d = fc2.outFeatures();
            Tensor input = workspace.allocate(DType.F32, d + classes, 1); // the hidden layer, the class
            Tensor row = input.reshape(Shape.of(1, d + classes));
            Tensor sinusoid =
                    backend.upload(workspace, HostTensor.of(TimestepEmbedding.sinusoid(timestep), 1, WIDTH), DType.F32);
            fc1.apply(sinusoid, Epilogue.SILU, input.slice(0, d).reshape(Shape.of(1, d)));
            if (taps != Taps.NONE) {
                if (classes > 0) {
                    backend.copy(noClass(workspace), input.slice(d, d + classes));
                }
                taps.accept("t_embedder", fc2.apply(workspace, row, DType.F32));
            }
            if (selectedClass != null) {
                backend.copy(selectedClass, input.slice(d, d + classes));
            }
            Tensor activated = workspace.allocate(DType.F32, 1, d); // SiLU(c)
            fc2.apply(row, Epilogue.SILU, activated);
            return new Embedded(activated, activated); // [1, d]
        }

        private Tensor noClass(Workspace workspace) {
            return backend.upload(workspace, HostTensor.of(new float[classes], classes), DType.F32);
        }
    }

    /** The embedding of text models: blocks share a projection of the activated embedding, the last layer reads the embedding itself. */
    final class Shared implements TimestepEmbedding {
        private final Backend backend;
        private final TimeEmbedding time;

        /**
         * Loads the layers.
         *
         * @param weights the weights of the whole model
         */
        Shared(ModelWeights weights, LatteConfig config) {
            int d = config.hiddenSize();
            ModelWeights exact = weights.withPrecision(DType.F32).under("adaln_single");
            this.backend = weights.backend();
            this.time = new TimeEmbedding(
                    backend,
                    exact.linear("emb.timestep_embedder.linear_1", WIDTH, d),
                    exact.linear("emb.timestep_embedder.linear_2", d, d),
                    exact.linear("linear", d, 6L * d));
        }

        @Override
        public Embedded embed(Workspace workspace, double timestep, @Nullable Tensor selectedClass, Taps taps) {
            TimeEmbedding.Embedded embedded = time.embed(workspace, TimestepEmbedding.sinusoid(timestep));
            taps.accept("adaln_single.emb", embedded.embedding());
            taps.accept("adaln_single.linear", embedded.modulation());
            Tensor last = workspace.allocate(
                    DType.F32, 2, embedded.embedding().shape().last());
            backend.copy(embedded.embedding(), last.slice(0, 1));
            backend.copy(embedded.embedding(), last.slice(1, 2));
            return new Embedded(embedded.modulation(), last); // [6, d], [2, d]
        }
    }
}
