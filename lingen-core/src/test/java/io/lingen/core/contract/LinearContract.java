package io.lingen.core.contract;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.LinearParameters;
import io.lingen.core.op.LinearWeights;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The contract of {@link io.lingen.core.backend.Backend#linear}. */
public abstract class LinearContract extends BackendContract {
    @ParameterizedTest
    @CsvSource({
        // rows, in, out
        "1, 1, 1",
        "1, 64, 64",
        "2, 1, 3",
        "3, 17, 1",
        "7, 13, 11",
        "15, 31, 33",
        "16, 32, 64",
        "17, 33, 31",
        "31, 127, 65",
        "33, 129, 63",
        "64, 256, 128",
        "65, 255, 127",
        "129, 100, 17",
        "1, 1023, 257"
    })
    void allSizesMatchTheReference(int rows, int in, int out) {
        for (boolean bias : new boolean[] {true, false}) {
            for (DType dtype : TYPES) {
                Layer layer = layer(dtype, in, out, bias);
                for (Epilogue.Kind kind : Epilogue.Kind.values()) {
                    assertLinear(layer, kind, normal(DType.F32, 1, rows, in), DType.F32);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Epilogue.Kind.class)
    void typesMayBeMixed(Epilogue.Kind kind) {
        for (DType product : TYPES) {
            Layer layer = layer(product, 96, 80, true);
            for (DType in : TYPES) {
                for (DType out : TYPES) {
                    assertLinear(layer, kind, normal(in, 1, 37, 96), out);
                }
            }
        }
    }

    @Test
    void weightsOfEveryStoredTypeArePacked() {
        float[] weight = normals(1, 5 * 7);
        Tensor x = normal(DType.F32, 1, 3, 7).tensor();
        Tensor expected = output(DType.F32, 3, 5);
        Tensor found = output(DType.F32, 3, 5);
        for (DType stored : new DType[] {DType.F32, DType.F16, DType.BF16}) {
            HostTensor host = HostTensors.converted(weight, stored, 5, 7);
            LinearWeights direct = backend().packLinear(workspace(), new LinearParameters(host, null), DType.F32);
            LinearWeights converted = backend()
                    .packLinear(
                            workspace(), new LinearParameters(HostTensor.of(host.toFloats(), 5, 7), null), DType.F32);
            assertEquals(7, direct.inFeatures());
            assertEquals(5, direct.outFeatures());
            assertEquals(DType.F32, direct.dtype());
            backend().linear(x, direct, Epilogue.NONE, found);
            backend().linear(x, converted, Epilogue.NONE, expected);
            assertArrayEquals(floats(expected), floats(found));
        }
    }

    @Test
    void slicesAndHigherRanksAreMatrices() {
        Layer layer = layer(DType.F32, 6, 5, true);
        Sample x = normal(DType.F32, 1, 11, 2, 3, 6);
        Tensor out = output(DType.F32, 11 * 6, 5);
        backend().linear(x.tensor().slice(1, 4), layer.weights(), Epilogue.NONE, out.slice(7, 7 + 18));
        double[] all = ReferenceOperations.linear(x.values(), layer.weight(), layer.bias());
        double[] part = Arrays.copyOfRange(all, 6 * 5, 24 * 5);
        assertClose(part, out.slice(7, 25), tolerance(6, DType.F32));
        for (float untouched : floats(out.slice(25, 66))) {
            assertEquals(Float.NaN, untouched, "outside the slice");
        }
    }

    @Test
    void largeSumsAreFinite() {
        Layer layer = layer(DType.F32, 16, 16, true);
        for (Epilogue.Kind kind : new Epilogue.Kind[] {Epilogue.Kind.GELU, Epilogue.Kind.SILU}) {
            assertLinear(layer, kind, normal(DType.F32, 1e4, 9, 16), DType.F32);
        }
    }

    @Test
    void invalidArgumentsAreRejected() {
        Layer layer = layer(DType.F32, 4, 3, true);
        Tensor x = normal(DType.F32, 1, 2, 4).tensor();
        assertRejected(layer, normal(DType.F32, 1, 2, 5).tensor(), Epilogue.NONE, output(DType.F32, 2, 3));
        assertRejected(layer, x, Epilogue.NONE, output(DType.F32, 2, 4));
        assertRejected(layer, x, Epilogue.NONE, output(DType.F32, 3, 3));
        assertRejected(layer, x, Epilogue.gatedAdd(normal(DType.F32, 1, 4).tensor()), output(DType.F32, 2, 3));
        assertRejected(layer, x, Epilogue.gatedAdd(normal(DType.BF16, 1, 3).tensor()), output(DType.F32, 2, 3));
    }

    private void assertRejected(Layer layer, Tensor x, Epilogue epilogue, Tensor out) {
        assertRejected(() -> backend().linear(x, layer.weights(), epilogue, out));
    }

    private void assertLinear(Layer layer, Epilogue.Kind kind, Sample x, DType out) {
        int width = layer.bias().length;
        long rows = x.tensor().shape().rows();
        Sample gate = normal(DType.F32, 1, width);
        Sample before = normal(out, 1, rows, width);
        Epilogue epilogue =
                switch (kind) {
                    case NONE -> Epilogue.NONE;
                    case GELU -> Epilogue.GELU;
                    case SILU -> Epilogue.SILU;
                    case ADD -> Epilogue.ADD;
                    case GATED_ADD -> Epilogue.gatedAdd(gate.tensor());
                };
        DType product = layer.weights().dtype();
        double[] y = ReferenceOperations.linear(rounded(x.values(), product), layer.weight(), layer.bias());
        double[] expected = ReferenceOperations.epilogue(kind, y, before.values(), gate.values());
        backend().linear(x.tensor(), layer.weights(), epilogue, before.tensor());
        assertClose(expected, before.tensor(), tolerance(layer.weights().inFeatures(), product, out));
    }
}
