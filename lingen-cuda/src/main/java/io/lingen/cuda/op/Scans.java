package io.lingen.cuda.op;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.op.DiagonalScanWeights;
import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import io.lingen.cuda.driver.Arguments;
import io.lingen.cuda.driver.Device;
import io.lingen.cuda.driver.Launch;
import io.lingen.cuda.internal.CudaTensor;
import io.lingen.cuda.internal.DeviceMemory;

/** The scans of Mamba2 and Mamba1. */
public final class Scans {
    private static final String SOURCE = "scan";
    private static final String MAMBA1 = "mamba1";
    private static final int WARPS = 4;

    private final Device device;
    private final DeviceMemory memory;

    public Scans(Device device, DeviceMemory memory) {
        this.device = device;
        this.memory = memory;
    }

    public void selective(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, Tensor y) {
        boolean matrices = input.projection().dtype() == DType.BF16
                && ScanPlan.fits(spec.headDim(), spec.stateSize(), spec.convWidth());
        int steps = Math.toIntExact(path.steps());
        ScanPlan plan = matrices
                ? ScanPlan.of(
                        steps,
                        spec.heads(),
                        spec.stateSize(),
                        device.facts().multiprocessors(),
                        device.facts().sharedBytesPerMultiprocessor())
                : new ScanPlan(spec.stateSize(), 1, 1, WARPS * spec.stateSize() * Float.BYTES);
        long bcBytes = 2L * steps * spec.groups() * plan.paddedState() * (matrices ? Short.BYTES : Float.BYTES);
        long stateBytes = (long) plan.segments() * spec.innerWidth() * spec.stateSize() * Float.BYTES;
        boolean carries = plan.segments() > 1;
        DeviceMemory.Block bc = memory.allocate(bcBytes);
        DeviceMemory.Block dt = memory.allocate((long) spec.heads() * steps * Float.BYTES);
        DeviceMemory.Block states = memory.allocate(carries ? stateBytes : 0);
        DeviceMemory.Block decays = memory.allocate((long) plan.segments() * spec.heads() * Float.BYTES);
        Struct struct = new Struct(
                input,
                path,
                spec,
                weights,
                accumulate,
                y,
                plan,
                matrices,
                bc.address(),
                dt.address(),
                states.address(),
                decays.address());
        device.launch(SOURCE, "scan_prepare", Launch.of(steps), struct.arguments(true));
        if (matrices) {
            String kernel = "scan_bf16_" + plan.paddedState();
            Launch launch = new Launch(spec.heads(), plan.segments(), 1, 128, 1, plan.sharedBytes());
            if (carries) {
                device.launch(SOURCE, kernel, launch, struct.arguments(false));
                long elements = (long) spec.innerWidth() * spec.stateSize();
                device.launch(SOURCE, "scan_carry", Launch.of(Math.ceilDiv(elements, 256)), struct.arguments(false));
            }
            device.launch(SOURCE, kernel, launch, struct.arguments(true));
        } else {
            device.launch(
                    SOURCE,
                    "scan_plain",
                    new Launch(Math.ceilDiv(spec.innerWidth(), WARPS), 1, 1, WARPS * 32, 1, plan.sharedBytes()),
                    struct.arguments(true));
        }
        memory.release(bc);
        memory.release(dt);
        memory.release(states);
        memory.release(decays);
    }

    public void causalConvolution(Tensor x, long column, ScanPath path, Tensor weight, Tensor bias, Tensor out) {
        Arguments arguments = new Arguments()
                .put(
                        CudaTensor.addressOf(x),
                        CudaTensor.addressOf(weight),
                        CudaTensor.addressOf(bias),
                        CudaTensor.addressOf(out),
                        x.shape().last(),
                        column)
                .put(CudaTensor.bf16(x), CudaTensor.bf16(out))
                .put(
                        Math.toIntExact(weight.shape().length(0)),
                        Math.toIntExact(weight.shape().last()));
        Paths.put(path, arguments);
        device.launch(MAMBA1, "causal_convolution", Launch.of(path.rows()), arguments);
    }

    public void diagonal(
            Tensor x,
            Tensor dt,
            Tensor bc,
            long b,
            long c,
            ScanPath path,
            DiagonalScanWeights weights,
            boolean accumulate,
            Tensor y) {
        int width = Math.toIntExact(x.shape().last());
        int state = Math.toIntExact(weights.aLog().shape().last());
        Arguments arguments = new Arguments()
                .put(CudaTensor.addressOf(x), CudaTensor.addressOf(dt), CudaTensor.addressOf(bc))
                .put(
                        CudaTensor.addressOf(weights.dtBias()),
                        CudaTensor.addressOf(weights.aLog()),
                        CudaTensor.addressOf(weights.d()),
                        CudaTensor.addressOf(y))
                .put(bc.shape().last(), b, c)
                .put(CudaTensor.bf16(x), CudaTensor.bf16(dt), CudaTensor.bf16(bc), CudaTensor.bf16(y))
                .put(width, state)
                .put(accumulate);
        Paths.put(path, arguments);
        device.launch(
                MAMBA1,
                "diagonal_scan",
                new Launch(Math.ceilDiv(width, WARPS), 1, 1, WARPS * 32, 1, WARPS * 2 * state * Float.BYTES),
                arguments);
    }

    /** What the kernels of scan.cu share: the struct Scan, which differs between launches in whether y is written. */
    private record Struct(
            ScanInput input,
            ScanPath path,
            ScanSpec spec,
            ScanWeights weights,
            boolean accumulate,
            Tensor y,
            ScanPlan plan,
            boolean bcBf16,
            long bc,
            long dt,
            long states,
            long decays) {
        Arguments arguments(boolean emit) {
            Tensor projection = input.projection();
            Arguments arguments = new Arguments()
                    .put(
                            CudaTensor.addressOf(projection),
                            CudaTensor.addressOf(weights.convWeight()),
                            CudaTensor.addressOf(weights.convBias()),
                            CudaTensor.addressOf(weights.dtBias()),
                            CudaTensor.addressOf(weights.aLog()),
                            CudaTensor.addressOf(weights.d()))
                    .put(bc, dt, states, decays, CudaTensor.addressOf(y))
                    .put(projection.shape().last(), input.x(), input.b(), input.c(), input.dt())
                    .put(CudaTensor.bf16(projection), bcBf16 ? 1 : 0, CudaTensor.bf16(y))
                    .put(spec.heads(), spec.headDim(), spec.stateSize(), plan.paddedState())
                    .put(spec.groups(), spec.convWidth())
                    .put(accumulate)
                    .put(plan.segments(), plan.chunksPerSegment())
                    .put(emit);
            Paths.put(path, arguments);
            return arguments;
        }
    }
}
