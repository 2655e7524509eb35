package io.lingen.diffusion;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.nd4j.Nd4jInterop;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Tests that latents of the CPU backend and ND4J arrays share memory. */
class Nd4jExchangeTest {
    @Test
    void latentsAreSharedWithArrays() {
        try (Backend backend = Backends.create("cpu", new BackendOptions(1));
                SafetensorsFile fixture = Fixtures.tensors("lingen-default/fixture.safetensors");
                Denoiser denoiser =
                        VideoTransformer.load(Fixtures.model("lingen-default"), "transformer", backend, DType.F32);
                Conditioning prompt = denoiser.condition(List.of(new TextEmbedding(fixture.tensor("text.0"), null)));
                Workspace workspace = backend.newWorkspace();
                INDArray latents = Nd4jInterop.array(fixture.tensor("latent")).dup('c')) {
            Tensor latent = Nd4jInterop.tensor(backend, workspace, latents);
            Tensor velocity = workspace.allocate(DType.F32, latent.shape());
            denoiser.predict(latent, fixture.tensor("t").get(0), prompt, velocity);
            INDArray out = Nd4jInterop.array(velocity);
            assertEquals(latent.hostMemory().address(), latents.data().address());
            assertEquals(velocity.hostMemory().address(), out.data().address());
            assertArrayEquals(new long[] {4, 5, 6, 8}, out.shape());
            ParityCheck.Comparison comparison =
                    ParityCheck.Comparison.of("velocity", fixture.tensor("velocity"), Nd4jInterop.hostTensor(out));
            assertEquals(0, comparison.relativeError(), 1e-5);

            out.muli(2);
            assertArrayEquals(
                    backend.download(velocity).toFloats(), out.dup().data().asFloat());
            backend.addScaled(1, velocity, latent);
            assertArrayEquals(
                    backend.download(latent).toFloats(), latents.dup().data().asFloat());
        }
    }

    @Test
    void otherTypesAndViewsAreCopied() {
        try (Backend backend = Backends.create("cpu", new BackendOptions(1));
                Workspace workspace = backend.newWorkspace();
                INDArray doubles = Nd4j.createFromArray(new double[][] {{1, 2, 3}, {4, 5, 6}})) {
            Tensor transposed = Nd4jInterop.tensor(
                    backend, workspace, doubles.castTo(DataType.FLOAT).transpose());
            assertArrayEquals(
                    new float[] {1, 4, 2, 5, 3, 6}, backend.download(transposed).toFloats());
            Tensor cast = Nd4jInterop.tensor(backend, workspace, doubles);
            assertArrayEquals(
                    new float[] {1, 2, 3, 4, 5, 6}, backend.download(cast).toFloats());
        }
    }
}
