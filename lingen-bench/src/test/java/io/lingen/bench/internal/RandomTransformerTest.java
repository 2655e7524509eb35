package io.lingen.bench.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.dryrun.DryRun;
import io.lingen.core.op.Grid;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.diffusion.VideoTransformer;
import io.lingen.vae.DecodingCost;
import io.lingen.vae.LatentVideoDecoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests of the models with random weights, their sizes, and the checks of results. */
final class RandomTransformerTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"lingen", "dit"})
    void writtenModelsRun(String architecture) throws IOException {
        Workload workload = new Workload(architecture, 32, 48, 1, 64, 2);
        assertEquals(Shape.of(16, 2, 6, 4), workload.latent());
        assertEquals(2 * 3 * 2, workload.tokens());
        RandomTransformer.write(folder, workload, 7, DType.BF16);
        runs(workload);
    }

    @ParameterizedTest
    @EnumSource(Component.class)
    void modelsRunWithoutAComponent(Component part) throws IOException {
        Workload workload = new Workload("lingen", 32, 48, 1, 64, 2);
        RandomTransformer.write(folder, workload, part, 7, DType.BF16);
        runs(workload);
        assertEquals(part == Component.MA ? 0.36 : 0.05, part.publishedShare(), 0.03);
    }

    @Test
    void realModelsAreNotOverwritten() throws IOException {
        Path config = Files.createDirectories(folder.resolve("transformer")).resolve("config.json");
        Files.writeString(config, "{}");
        Workload workload = new Workload("lingen", 32, 48, 1, 64, 1);
        IOException error =
                assertThrows(IOException.class, () -> RandomTransformer.write(folder, workload, 7, DType.BF16));
        assertTrue(
                error.getMessage().contains("must be empty or contain a model with random weights"),
                error.getMessage());
        assertThrows(IOException.class, () -> RandomDecoder.write(folder, 7, DType.BF16));
        assertEquals("{}", Files.readString(config));
    }

    private void runs(Workload workload) {
        HostTensor tokens = HostTensor.of(new float[2 * Workload.TEXT_WIDTH], 2, Workload.TEXT_WIDTH);
        try (Backend backend = Backends.create("cpu", new BackendOptions(2));
                Denoiser denoiser = VideoTransformer.load(ModelSource.of(folder), "transformer", backend, DType.F32);
                Conditioning conditioning = denoiser.condition(List.of(new TextEmbedding(tokens, null)));
                Workspace workspace = backend.newWorkspace()) {
            Tensor latent = workspace.allocate(DType.F32, workload.latent());
            Tensor velocity = workspace.allocate(DType.F32, workload.latent());
            backend.normal(1, latent);
            denoiser.predict(latent, 0.5, conditioning, velocity);
            Results.requireValid("velocity", backend.download(velocity));
        }
    }

    @Test
    void decoderHasTheSizeOfThePaper() throws IOException {
        RandomDecoder.write(folder, 7, DType.BF16);
        try (LatentVideoDecoder decoder = LatentVideoDecoder.load(
                ModelSource.of(folder), "vae", DryRun.exact().backend(), DType.BF16)) {
            assertEquals(new Grid(272, 512, 512), decoder.config().framesOf(new Grid(34, 64, 64)));
            DecodingCost cost = DecodingCost.of(ModelSource.of(folder), "vae", DType.BF16, new Grid(34, 64, 64));
            assertTrue(cost.operations() > 7e14);
        }
    }

    @Test
    void weightsDependOnTheSeed() throws IOException {
        Workload workload = new Workload("dit", 16, 16, 1, 32, 1);
        Path other = folder.resolve("other");
        RandomTransformer.write(folder, workload, 7, DType.F32);
        RandomTransformer.write(other, workload, 7, DType.F32);
        float[] first = tensor(folder);
        assertArrayEquals(first, tensor(other));
        RandomTransformer.write(other, workload, 8, DType.F32);
        assertTrue(first[0] != tensor(other)[0]);
    }

    private static float[] tensor(Path model) {
        return ModelSource.of(model)
                .tensors("transformer")
                .tensor("adaln.weight")
                .toFloats();
    }

    /** A dry run counts the operations. If the tokens double, those of LinGen double, and those of DiT more than triple. */
    @Test
    void operationsAreLinearInTheTokensForLingenOnly() throws IOException {
        assertEquals(2.0, growth("lingen"), 0.05);
        assertTrue(growth("dit") > 3);
    }

    private double growth(String architecture) throws IOException {
        RandomTransformer.write(folder, new Workload(architecture, 512, 512, 68, 64, 1), 1, DType.F32);
        Backend backend = DryRun.exact().backend();
        try (Denoiser denoiser = VideoTransformer.load(ModelSource.of(folder), "transformer", backend, DType.F32);
                Workspace workspace = backend.newWorkspace()) {
            HostTensor tokens = HostTensor.of(new float[2 * Workload.TEXT_WIDTH], 2, Workload.TEXT_WIDTH);
            try (Conditioning conditioning = denoiser.condition(List.of(new TextEmbedding(tokens, null)))) {
                long[] operations = new long[2];
                for (int i = 0; i < 2; i++) {
                    Tensor latent = workspace.allocate(DType.F32, 16, 68L * (i + 1), 64, 64);
                    Tensor velocity = workspace.allocate(DType.F32, latent.shape());
                    backend.operations().reset();
                    denoiser.predict(latent, 0.5, conditioning, velocity);
                    operations[i] = backend.operations().total();
                }
                return (double) operations[1] / operations[0];
            }
        }
    }

    @Test
    void invalidValuesAreRejected() {
        assertThrows(IllegalArgumentException.class, () -> Workload.of("lingen", "512", 17, 192, 8));
        assertThrows(IllegalArgumentException.class, () -> Workload.of("lingen", "512x500", 17, 192, 8));
        assertThrows(IllegalArgumentException.class, () -> Workload.of("unet", "512x512", 17, 192, 8));
        assertThrows(IllegalArgumentException.class, () -> Workload.of("dit", "512x512", 17, 100, 8));
        assertThrows(IllegalStateException.class, () -> Results.requireValid("zeros", HostTensor.of(new float[4], 4)));
        assertThrows(
                IllegalStateException.class,
                () -> Results.requireValid("nan", HostTensor.of(new float[] {1, Float.NaN}, 2)));
    }

    @Test
    void medianIsTheMiddleValue() {
        assertEquals(3, Timings.median(new double[] {9, 1, 3}));
        assertEquals(2, Timings.median(new double[] {3, 1}));
    }
}
