package io.lingen.cpu.internal.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Tests the backend in a JVM without flags: it computes, and logs once how to enable the Vector API. */
class NoVectorModuleTest {
    @Test
    void runsWithoutFlags() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Program.class.getName())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        assertTrue(output.contains("sum [3.0, 5.0, 7.0]"), output);
        assertEquals(2, output.split("--add-modules jdk.incubator.vector", -1).length, output);
    }

    /** The main class of the other JVM. */
    static final class Program {
        private Program() {}

        public static void main(String[] arguments) {
            float[] sum = new float[0];
            for (int i = 0; i < 2; i++) {
                try (Backend backend = Backends.create("cpu", new BackendOptions(2));
                        Workspace workspace = backend.newWorkspace()) {
                    Tensor a = backend.upload(workspace, HostTensor.of(new float[] {1, 2, 3}, 3), DType.F32);
                    Tensor b = backend.upload(workspace, HostTensor.of(new float[] {2, 3, 4}, 3), DType.BF16);
                    Tensor out = workspace.allocate(DType.F32, 3);
                    backend.add(a, b, out);
                    sum = backend.download(out).toFloats();
                }
            }
            System.out.println("sum " + Arrays.toString(sum));
        }
    }
}
