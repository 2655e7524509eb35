package io.lingen.cuda.internal.op;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.op.DiagonalScanWeights;
import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cuda.internal.SlabAllocator;
import io.lingen.cuda.internal.driver.Device;
import io.lingen.cuda.internal.driver.Launch;
import io.lingen.cuda.internal.op.args.CausalConvolutionArguments;
import io.lingen.cuda.internal.op.args.DiagonalScanArguments;
import io.lingen.cuda.internal.op.args.PathArguments;
import io.lingen.cuda.internal.op.args.RecurrentScanArguments;
import io.lingen.cuda.internal.op.args.ScanArguments;
import java.util.List;

/** The selective scans of Mamba2 and Mamba1. */
public final class Scans {
    private static final String SOURCE = "scan";
    private static final String RECURRENT = "scan_recurrent";
    private static final String MAMBA1 = "mamba1";
    private static final int WARPS = 4;
    private static final int CONVOLVE_THREADS = 96;
    /** The number of heads per block of scan_factors. */
    private static final int FACTOR_HEADS = 32;

    private final Device device;
    private final SlabAllocator memory;

    /**
     * Creates the operations of a device.
     *
     * @param device the device
     * @param memory the allocator of intermediate results
     */
    public Scans(Device device, SlabAllocator memory) {
        this.device = device;
        this.memory = memory;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#selectiveScan}.
     *
     * @param input the projection and its columns
     * @param path the order of the rows
     * @param spec the sizes of the scan
     * @param weights the parameters
     * @param accumulate whether the result is added to y or overwrites it
     * @param y [path.grid().cells(), di]
     */
    public void selective(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, Tensor y) {
        Problem problem = new Problem(input, path, spec, weights, accumulate, y);
        if (input.projection().dtype() == DType.BF16
                && ScanPlan.fits(spec.headDim(), spec.stateSize(), spec.convWidth())) {
            chunked(problem);
        } else {
            recurrent(problem);
        }
    }

    private void chunked(Problem problem) {
        ScanSpec spec = problem.spec;
        ScanPlan plan = ScanPlan.of(
                Math.toIntExact(problem.path.steps()),
                spec.heads(),
                spec.stateSize(),
                device.properties().multiprocessors(),
                device.properties().sharedBytesPerMultiprocessor());
        int heads = spec.heads();
        int chunks = plan.chunks();
        int segments = plan.segments();
        long stateElements = (long) heads * ScanPlan.MAX_HEAD * plan.paddedState();
        long bcWidth = 2L * spec.groups() * plan.paddedState();
        SlabAllocator.Block bc = memory.allocate(plan.steps() * bcWidth * Short.BYTES);
        SlabAllocator.Block x = memory.allocate(heads * plan.steps() * ScanPlan.MAX_HEAD * Short.BYTES);
        SlabAllocator.Block factors = memory.allocate(heads * plan.steps() * ScanPlan.FACTORS * Float.BYTES);
        SlabAllocator.Block scores =
                memory.allocate((long) chunks * spec.groups() * ScanPlan.BLOCKS * 16 * 16 * Float.BYTES);
        SlabAllocator.Block rows = memory.allocate(plan.steps() * Integer.BYTES);
        SlabAllocator.Block states = memory.allocate(segments > 1 ? segments * stateElements * Float.BYTES : 0);
        SlabAllocator.Block decays = memory.allocate((long) segments * heads * Float.BYTES);
        Scratch scratch = new Scratch(
                bc.address(),
                x.address(),
                factors.address(),
                scores.address(),
                rows.address(),
                states.address(),
                decays.address());
        int padded = plan.paddedState();
        int units = Math.toIntExact((heads * (long) ScanPlan.MAX_HEAD + bcWidth) / 8);
        ScanArguments arguments = problem.arguments(plan, scratch);
        String convolve = spec.convWidth() <= 4 ? "scan_convolve_4" : "scan_convolve_8";
        Launch eachChunk = new Launch(chunks, Math.ceilDiv(units, CONVOLVE_THREADS), 1, CONVOLVE_THREADS, 1, 0);
        device.launch(SOURCE, convolve, eachChunk, arguments);
        eachChunk = new Launch(chunks, Math.ceilDiv(heads, FACTOR_HEADS), 1, 256, 1, 0);
        device.launch(SOURCE, "scan_factors", eachChunk, arguments);
        eachChunk = new Launch(chunks, spec.groups(), 1, 128, 1, plan.scoresSharedBytes());
        device.launch(SOURCE, "scan_scores_" + padded, eachChunk, arguments);
        if (segments > 1) {
            // The final state of the last segment is not needed.
            Launch allButLast = new Launch(heads, segments - 1, 1, 128, 1, plan.statesSharedBytes());
            device.launch(SOURCE, "scan_states_" + padded, allButLast, arguments);
            Launch elements = Launch.of(Math.ceilDiv(stateElements, 256));
            device.launch(SOURCE, "scan_carry", elements, arguments);
        }
        Launch all = new Launch(heads, segments, 1, 128, 1, plan.emitSharedBytes());
        device.launch(SOURCE, "scan_emit_" + padded, all, arguments);
        List.of(bc, x, factors, scores, rows, states, decays).forEach(memory::release);
    }

    private void recurrent(Problem problem) {
        ScanSpec spec = problem.spec;
        int steps = Math.toIntExact(problem.path.steps());
        SlabAllocator.Block bc = memory.allocate(2L * steps * spec.groups() * spec.stateSize() * Float.BYTES);
        SlabAllocator.Block dt = memory.allocate((long) spec.heads() * steps * Float.BYTES);
        RecurrentScanArguments arguments = problem.arguments(bc.address(), dt.address());
        device.launch(RECURRENT, "scan_recurrent_prepare", Launch.of(steps), arguments);
        device.launch(
                RECURRENT,
                "scan_recurrent",
                new Launch(
                        Math.ceilDiv(spec.innerWidth(), WARPS),
                        1,
                        1,
                        WARPS * 32,
                        1,
                        WARPS * spec.stateSize() * Float.BYTES),
                arguments);
        memory.release(bc);
        memory.release(dt);
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#causalConvolution}.
     *
     * @param x [path.rows(), columns]
     * @param column the first of the channels' columns in x
     * @param path the order of the rows
     * @param weight [channels, taps]
     * @param bias [channels]
     * @param out [path.rows(), channels]
     */
    public void causalConvolution(Tensor x, long column, ScanPath path, Tensor weight, Tensor bias, Tensor out) {
        device.launch(
                MAMBA1,
                "causal_convolution",
                Launch.of(path.rows()),
                new CausalConvolutionArguments(
                        PooledTensor.addressOf(x),
                        PooledTensor.addressOf(weight),
                        PooledTensor.addressOf(bias),
                        PooledTensor.addressOf(out),
                        x.shape().last(),
                        column,
                        PooledTensor.isBf16(x),
                        PooledTensor.isBf16(out),
                        Math.toIntExact(weight.shape().length(0)),
                        Math.toIntExact(weight.shape().last()),
                        PathArguments.of(path)));
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#diagonalScan}.
     *
     * @param x [path.rows(), di]
     * @param dt [path.rows(), di]
     * @param bc [path.rows(), columns]
     * @param b the first column of B in bc
     * @param c the first column of C in bc
     * @param path the order of the rows
     * @param weights the parameters
     * @param accumulate whether the result is added to y or overwrites it
     * @param y [path.grid().cells(), di]
     */
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
        device.launch(
                MAMBA1,
                "diagonal_scan",
                new Launch(Math.ceilDiv(width, WARPS), 1, 1, WARPS * 32, 1, WARPS * 2 * state * Float.BYTES),
                new DiagonalScanArguments(
                        PooledTensor.addressOf(x),
                        PooledTensor.addressOf(dt),
                        PooledTensor.addressOf(bc),
                        PooledTensor.addressOf(weights.dtBias()),
                        PooledTensor.addressOf(weights.aLog()),
                        PooledTensor.addressOf(weights.d()),
                        PooledTensor.addressOf(y),
                        bc.shape().last(),
                        b,
                        c,
                        PooledTensor.isBf16(x),
                        PooledTensor.isBf16(dt),
                        PooledTensor.isBf16(bc),
                        PooledTensor.isBf16(y),
                        width,
                        state,
                        accumulate,
                        PathArguments.of(path)));
    }

    /** The addresses of the intermediate results of the chunked scan. */
    private record Scratch(long bc, long x, long factors, long scores, long rows, long states, long decays) {}

    private record Problem(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, Tensor y) {
        /** Returns the arguments of the chunked scan. */
        ScanArguments arguments(ScanPlan plan, Scratch scratch) {
            Tensor projection = input.projection();
            return new ScanArguments(
                    PooledTensor.addressOf(projection),
                    PooledTensor.addressOf(weights.convWeight()),
                    PooledTensor.addressOf(weights.convBias()),
                    PooledTensor.addressOf(weights.dtBias()),
                    PooledTensor.addressOf(weights.aLog()),
                    PooledTensor.addressOf(weights.d()),
                    scratch.bc,
                    scratch.x,
                    scratch.factors,
                    scratch.scores,
                    scratch.rows,
                    scratch.states,
                    scratch.decays,
                    PooledTensor.addressOf(y),
                    projection.shape().last(),
                    input.x(),
                    input.b(),
                    input.c(),
                    input.dt(),
                    PooledTensor.isBf16(projection),
                    PooledTensor.isBf16(y),
                    spec.heads(),
                    spec.headDim(),
                    spec.stateSize(),
                    plan.paddedState(),
                    spec.groups(),
                    spec.convWidth(),
                    accumulate,
                    plan.chunks(),
                    plan.segments(),
                    plan.chunksPerSegment(),
                    PathArguments.of(path));
        }

        /** Returns the arguments of the recurrent scan. */
        RecurrentScanArguments arguments(long bc, long dt) {
            Tensor projection = input.projection();
            return new RecurrentScanArguments(
                    PooledTensor.addressOf(projection),
                    PooledTensor.addressOf(weights.convWeight()),
                    PooledTensor.addressOf(weights.convBias()),
                    PooledTensor.addressOf(weights.dtBias()),
                    PooledTensor.addressOf(weights.aLog()),
                    PooledTensor.addressOf(weights.d()),
                    bc,
                    dt,
                    PooledTensor.addressOf(y),
                    projection.shape().last(),
                    input.x(),
                    input.b(),
                    input.c(),
                    input.dt(),
                    PooledTensor.isBf16(projection),
                    PooledTensor.isBf16(y),
                    spec.heads(),
                    spec.headDim(),
                    spec.stateSize(),
                    spec.groups(),
                    spec.convWidth(),
                    accumulate,
                    PathArguments.of(path));
        }
    }
}
