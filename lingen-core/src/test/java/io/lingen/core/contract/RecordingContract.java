package io.lingen.core.contract;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Recording;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.op.Epilogue;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The contract of {@link io.lingen.core.Recording}: recorded work has the results and operation counts of work that is run directly. */
public abstract class RecordingContract extends BackendContract {
    private static final int ROWS = 33;
    private static final int WIDTH = 48;

    /** Two layers with a temporary tensor: out += W gelu(W x + b) + b. */
    private record Work(RecordingContract contract, Layer layer, Tensor zero) {
        void run(Tensor x, Tensor out) {
            try (Workspace scratch = contract.backend().newWorkspace()) {
                Tensor hidden = scratch.allocate(DType.F32, x.shape());
                Tensor normed = scratch.allocate(DType.BF16, x.shape());
                contract.backend().linear(x, layer.weights(), Epilogue.GELU, hidden);
                contract.backend().modulatedLayerNorm(hidden, zero, zero, 1e-6f, normed);
                contract.backend().linear(normed, layer.weights(), Epilogue.ADD, out);
            }
        }

        float[] runOn(Recording recording, float[] values, Tensor x, Tensor out) {
            contract.backend().write(HostTensor.of(values, ROWS, WIDTH), x);
            contract.backend().write(HostTensor.of(values, ROWS, WIDTH), out);
            recording.run(List.of(x, out), () -> run(x, out));
            return contract.floats(out);
        }
    }

    private Work work() {
        return new Work(
                this,
                layer(DType.F32, WIDTH, WIDTH, true),
                sample(DType.F32, new float[WIDTH], WIDTH).tensor());
    }

    @Test
    void everyRunReadsTheCurrentOperands() {
        Work work = work();
        Tensor x = output(DType.F32, ROWS, WIDTH);
        Tensor out = output(DType.F32, ROWS, WIDTH);
        try (Recording recording = backend().newRecording()) {
            for (int i = 0; i < 5; i++) {
                float[] values = normals(1, ROWS * WIDTH);
                float[] expected = work.runOn(Recording.NONE, values, x, out);
                assertArrayEquals(expected, work.runOn(recording, values, x, out));
            }
        }
    }

    @Test
    void operandsMayChange() {
        Work work = work();
        Tensor[] xs = {output(DType.F32, ROWS, WIDTH), output(DType.BF16, ROWS, WIDTH), output(DType.F32, ROWS, WIDTH)};
        Tensor out = output(DType.F32, ROWS, WIDTH);
        try (Recording recording = backend().newRecording()) {
            for (int which : new int[] {0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0, 1, 0, 1, 0}) {
                float[] values = normals(1, ROWS * WIDTH);
                float[] expected = work.runOn(Recording.NONE, values, xs[which], out);
                assertArrayEquals(expected, work.runOn(recording, values, xs[which], out));
            }
        }
    }

    @Test
    void everyRunIsCounted() {
        Work work = work();
        Tensor x = normal(DType.F32, 1, ROWS, WIDTH).tensor();
        Tensor out = normal(DType.F32, 1, ROWS, WIDTH).tensor();
        long live = backend().memory().liveBytes();
        backend().operations().reset();
        backend().memory().resetPeak();
        work.run(x, out);
        long operations = backend().operations().total();
        long peak = backend().memory().peakBytes();
        try (Recording recording = backend().newRecording()) {
            for (int i = 0; i < 4; i++) {
                backend().operations().reset();
                backend().memory().resetPeak();
                recording.run(List.of(x, out), () -> work.run(x, out));
                assertEquals(operations, backend().operations().total());
                assertEquals(peak, backend().memory().peakBytes());
                assertEquals(live, backend().memory().liveBytes());
            }
        }
    }

    @Test
    void exceptionsOfTheWorkAreThrown() {
        Tensor x = output(DType.F32, ROWS, WIDTH);
        try (Recording recording = backend().newRecording()) {
            for (int i = 0; i < 4; i++) {
                UnsupportedOperationException thrown = assertThrows(
                        UnsupportedOperationException.class,
                        () -> recording.run(List.of(x), () -> {
                            throw new UnsupportedOperationException("of the work");
                        }));
                assertEquals("of the work", thrown.getMessage());
            }
        }
    }

    @Test
    void closedRecordingsRunTheWork() {
        Work work = work();
        Tensor x = output(DType.F32, ROWS, WIDTH);
        Tensor out = output(DType.F32, ROWS, WIDTH);
        Recording recording = backend().newRecording();
        float[] values = normals(1, ROWS * WIDTH);
        float[] expected = work.runOn(recording, values, x, out);
        assertArrayEquals(expected, work.runOn(recording, values, x, out));
        recording.close();
        recording.close();
        assertArrayEquals(expected, work.runOn(recording, values, x, out));
    }
}
