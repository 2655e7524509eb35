package io.lingen.cuda.internal.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Heads;
import io.lingen.cuda.internal.driver.CubinCache;
import io.lingen.cuda.internal.driver.Device;
import io.lingen.cuda.internal.driver.Emulation;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.TestAbortedException;

/** Checks that devices below and above compute capability 9.0 compute attention with warp instructions. */
final class WarpgroupChoiceTest {
    @TempDir
    Path folder;

    private SymbolLookup library = SymbolLookup.loaderLookup();

    @BeforeEach
    void load() {
        assumeFalse(TestBackends.onGpu(), "needs the emulated device");
        library = Emulation.library();
    }

    @AfterEach
    void restore() {
        Emulation.restore();
    }

    @Test
    void otherDevicesUseWarpInstructions() {
        float[] expected = attend(false);
        for (int[] capability : new int[][] {{8, 0}, {10, 0}, {12, 0}}) {
            Emulation.configure(1, capability[0], capability[1], Emulation.BYTES);
            assertArrayEquals(expected, attend(true));
            assertThrows(TestAbortedException.class, TestBackends::openWithWarpgroups);
        }
    }

    private float[] attend(boolean warpgroups) {
        Random random = new Random(3);
        float[] values = new float[70 * 192];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        Device device = Device.open(name -> library, new CubinCache(folder));
        try (Backend backend = new Backend(new CudaKernels(device, Long.MAX_VALUE));
                Workspace workspace = backend.newWorkspace()) {
            device.useWarpgroups(warpgroups);
            Tensor qkv = backend.upload(workspace, HostTensor.of(values, 70, 192), DType.BF16);
            Tensor out = workspace.allocate(DType.F32, 70, 64);
            backend.attention(
                    new Heads(qkv, 0, 1, 64), new Heads(qkv, 64, 1, 64), new Heads(qkv, 128, 1, 64), null, out);
            return backend.download(out).toFloats();
        }
    }
}
