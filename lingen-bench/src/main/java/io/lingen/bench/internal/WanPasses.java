package io.lingen.bench.internal;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.diffusion.internal.transformer.FlowTransformer;
import io.lingen.vae.FrameStream;
import io.lingen.wan.internal.transformer.WanTransformer;
import io.lingen.wan.internal.transformer.WanTransformerConfig;
import io.lingen.wan.internal.vae.WanVaeConfig;
import io.lingen.wan.internal.vae.WanVideoDecoder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Passes of a part of a Wan model. Its main method serves them to {@link PassProcess}. The inputs are in a file: {@code latent} [C, T, H,
 * W] and {@code text} [tokens, width].
 */
abstract class WanPasses implements AutoCloseable {
    /** The measured part of a model. */
    enum Part {
        /** A pass of the transformer for one prompt, whose keys and values are computed before. */
        DENOISER,
        /** The decoding of a latent to frames. */
        DECODER;

        /** Returns the name in options and reports. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private static final double TIME = 500;

    /** Runs a pass over the first latent frames, and discards its output. */
    abstract void run(long latentFrames);

    /** Runs a pass and returns its output in F32: the velocity [C, T, H, W], or the frames [T, H, W, 3], clamped to [-1, 1]. */
    abstract HostTensor output();

    /** Returns the number of latent frames of the input. */
    abstract long latentFrames();

    /** Frees the weights. */
    @Override
    public abstract void close();

    /**
     * Loads a part of a model.
     *
     * @param model the model folder
     * @param input the file of the inputs
     */
    static WanPasses load(Part part, Path model, Path input, Backend backend, DType precision) {
        return part == Part.DENOISER
                ? new DenoiserPasses(model, input, backend, precision)
                : new DecoderPasses(model, input, backend, precision);
    }

    /** Returns tokens with padding. All rows of padding are zeros, so one row stands for them. */
    static TextEmbedding padded(HostTensor tokens) {
        int length = Math.toIntExact(tokens.shape().length(0));
        int width = Math.toIntExact(tokens.shape().last());
        float[] weights = new float[length + 1];
        Arrays.fill(weights, 1);
        weights[length] = WanSize.TEXT_ROWS - length;
        return new TextEmbedding(
                HostTensor.of(Arrays.copyOf(tokens.toFloats(), (length + 1) * width), length + 1L, width),
                HostTensor.of(weights, length + 1L));
    }

    private static HostTensor firstFrames(HostTensor latent, long frames) {
        Shape shape = latent.shape();
        int channels = Math.toIntExact(shape.length(0));
        int all = Math.toIntExact(shape.elements() / channels);
        int kept = Math.toIntExact(all / shape.length(1) * frames);
        float[] from = latent.toFloats();
        float[] to = new float[channels * kept];
        for (int channel = 0; channel < channels; channel++) {
            System.arraycopy(from, channel * all, to, channel * kept, kept);
        }
        return HostTensor.of(to, channels, frames, shape.length(2), shape.length(3));
    }

    private static final class DenoiserPasses extends WanPasses {
        private final Backend backend;
        private final FlowTransformer transformer;
        private final Conditioning conditioning;
        private final HostTensor latent;

        DenoiserPasses(Path model, Path input, Backend backend, DType precision) {
            this.backend = backend;
            try (ModelSource source = ModelSource.of(model);
                    SafetensorsFile weights = source.tensors("transformer");
                    SafetensorsFile inputs = SafetensorsFile.open(input)) {
                WanTransformerConfig config = WanTransformerConfig.read(source.config("transformer/config.json"));
                this.transformer = WanTransformer.load(config, weights, backend, precision);
                this.latent = inputs.tensor("latent");
                this.conditioning = transformer.condition(List.of(padded(inputs.tensor("text"))));
            }
        }

        @Override
        void run(long latentFrames) {
            velocity(latentFrames);
        }

        @Override
        HostTensor output() {
            return velocity(latentFrames());
        }

        @Override
        long latentFrames() {
            return latent.shape().length(1);
        }

        private HostTensor velocity(long latentFrames) {
            try (Workspace workspace = backend.newWorkspace()) {
                Tensor x = backend.upload(workspace, firstFrames(latent, latentFrames), DType.F32);
                Tensor out = workspace.allocate(DType.F32, x.shape());
                transformer.predict(x, TIME, conditioning, out);
                return backend.download(out);
            }
        }

        @Override
        public void close() {
            conditioning.close();
            transformer.close();
        }
    }

    private static final class DecoderPasses extends WanPasses {
        private final Backend backend;
        private final WanVideoDecoder decoder;
        private final HostTensor latent;

        DecoderPasses(Path model, Path input, Backend backend, DType precision) {
            this.backend = backend;
            try (ModelSource source = ModelSource.of(model);
                    SafetensorsFile weights = source.tensors("vae");
                    SafetensorsFile inputs = SafetensorsFile.open(input)) {
                WanVaeConfig config = WanVaeConfig.read(source.config("vae/config.json"));
                this.decoder = WanVideoDecoder.load(weights, config, backend, precision);
                this.latent = inputs.tensor("latent");
            }
        }

        @Override
        void run(long latentFrames) {
            decode(latentFrames, frame -> {});
        }

        @Override
        HostTensor output() {
            Grid frames = decoder.framesOf(PatchSize.ONE.gridOf(latent.shape()));
            FloatBuffer values = FloatBuffer.allocate(Math.toIntExact(3 * frames.cells()));
            decode(latentFrames(), frame -> {
                for (float value : frame.toFloats()) {
                    values.put(Math.max(-1, Math.min(1, value)));
                }
            });
            return HostTensor.of(values.array(), frames.t(), frames.h(), frames.w(), 3);
        }

        @Override
        long latentFrames() {
            return latent.shape().length(1);
        }

        private void decode(long latentFrames, Consumer<HostTensor> frames) {
            try (Workspace workspace = backend.newWorkspace()) {
                Tensor z = backend.upload(workspace, firstFrames(latent, latentFrames), DType.F32);
                try (FrameStream stream = decoder.frames(z)) {
                    while (stream.hasNext()) {
                        frames.accept(stream.nextValues());
                    }
                }
            }
        }

        @Override
        public void close() {
            decoder.close();
        }
    }

    /**
     * Serves passes, see {@link PassProcess}.
     *
     * @param arguments the part, the model folder, the file of the inputs, the backend, the precision and the number of threads
     * @throws IOException if standard input cannot be read
     */
    public static void main(String[] arguments) throws IOException {
        Part part = Part.valueOf(arguments[0]);
        BackendOptions options = new BackendOptions(Integer.parseInt(arguments[5]));
        Path input = Path.of(arguments[2]);
        try (Backend backend = Backends.create(arguments[3], options);
                WanPasses passes =
                        load(part, Path.of(arguments[1]), input, backend, BenchmarkBackend.precision(arguments[4]));
                BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            // The first piece of a decoder differs from the others, so warm up with two latent frames.
            passes.run(Math.min(2, passes.latentFrames()));
            System.out.println("{\"ready\": true, \"description\": \"" + Machine.runtime() + "; "
                    + backend.description().replace('"', '\'') + "\"}");
            for (String line = lines.readLine(); line != null && !line.equals("quit"); line = lines.readLine()) {
                if (line.equals("operations")) {
                    System.out.println(backend.operations().total());
                } else {
                    System.out.println(
                            pass(passes, backend, line.substring("run".length()).strip()));
                }
            }
        }
    }

    private static double pass(WanPasses passes, Backend backend, String output) {
        backend.operations().reset();
        long start = System.nanoTime();
        if (output.isEmpty()) {
            passes.run(passes.latentFrames());
            return (System.nanoTime() - start) / 1e9;
        }
        HostTensor result = passes.output();
        double seconds = (System.nanoTime() - start) / 1e9;
        Results.requireValid("output", result);
        SafetensorsWriter.write(Path.of(output), Map.of("output", result), Map.of());
        return seconds;
    }
}
