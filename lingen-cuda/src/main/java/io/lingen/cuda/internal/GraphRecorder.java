package io.lingen.cuda.internal;

import io.lingen.core.DType;
import io.lingen.core.Recording;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.accounting.MemoryMeter;
import io.lingen.core.accounting.OperationKind;
import io.lingen.core.accounting.OperationMeter;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.core.spi.pool.PooledWorkspace;
import io.lingen.cuda.internal.driver.Device;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Recordings as CUDA graphs. Work is run the first time, which compiles and loads what it needs; captured and launched the second time in
 * a row that its operands have the same addresses; launched from then on, as long as they do.
 *
 * <p>A graph has no memory of its own: it uses again what the captured work had taken from the pool and given back. If somebody else has a
 * part of that when it is to be launched, or the device has got it back, the work is run as it is, and captured another time.
 *
 * <p>If a capture fails, one line in the log says why, and all work is run from then on. Thread-safe.
 */
public final class GraphRecorder implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GraphRecorder.class);

    private final Device device;
    private final SlabAllocator memory;
    private final Set<GraphRecording> open = Collections.newSetFromMap(new IdentityHashMap<>());
    private final AtomicLong launches = new AtomicLong();
    private volatile boolean enabled = true;

    public GraphRecorder(Device device, SlabAllocator memory) {
        this.device = device;
        this.memory = memory;
    }

    /**
     * Switches capturing on or off; what was captured is not launched while it is off.
     *
     * @return whether it was on
     */
    public boolean enable(boolean on) {
        synchronized (open) {
            boolean before = enabled;
            enabled = on;
            return before;
        }
    }

    /** How often a graph was launched, and so work not run. */
    public long launches() {
        return launches.get();
    }

    /**
     * A recording for work that repeats.
     *
     * @param tensors counts the tensors of replayed work
     * @param operations counts the operations of replayed work
     */
    public Recording newRecording(MemoryMeter tensors, OperationMeter operations) {
        GraphRecording recording = new GraphRecording(tensors, operations);
        synchronized (open) {
            open.add(recording);
        }
        return recording;
    }

    /** Frees all graphs; no recording can be used any more. */
    @Override
    public void close() {
        List<GraphRecording> all;
        synchronized (open) {
            all = new ArrayList<>(open);
        }
        all.forEach(GraphRecording::close);
    }

    private record Operand(long address, DType dtype, Shape shape) {
        static Operand of(Tensor tensor) {
            return new Operand(PooledTensor.addressOf(tensor), tensor.dtype(), tensor.shape());
        }
    }

    /**
     * A graph and what it stands for.
     *
     * @param peakBytes of the tensors that the work had at one time
     */
    private record Captured(
            Device.Graph graph, CaptureFootprint footprint, Map<OperationKind, Long> operations, long peakBytes) {}

    private void giveUp(RuntimeException reason) {
        // Two may fail at once; one line is enough.
        synchronized (open) {
            if (enabled) {
                enabled = false;
                LOG.warn("no CUDA graphs, work is started call by call from now on: {}", reason.getMessage());
            }
        }
    }

    private final class GraphRecording implements Recording {
        private final MemoryMeter tensors;
        private final OperationMeter operations;
        private @Nullable List<Operand> last;
        private @Nullable Captured captured;
        private boolean closed;

        GraphRecording(MemoryMeter tensors, OperationMeter operations) {
            this.tensors = tensors;
            this.operations = operations;
        }

        @Override
        public void run(List<Tensor> operands, Runnable work) {
            if (!isDone(operands, work)) {
                work.run();
            }
        }

        /** Does the work if it repeats; false if it is to be run. */
        private synchronized boolean isDone(List<Tensor> operands, Runnable work) {
            if (closed || !enabled) {
                return false;
            }
            List<Operand> now = operands.stream().map(Operand::of).toList();
            if (!now.equals(last)) {
                forget();
                last = now;
                return false;
            }
            try {
                captured = captured != null ? captured : capture(operands, work);
            } catch (SlabAllocator.PoolExhaustedException e) {
                // The run that follows gets the memory, or says why it can't.
                return false;
            } catch (RuntimeException e) {
                // If the work itself is at fault, this throws.
                work.run();
                giveUp(e);
                return true;
            }
            Captured known = captured;
            known.footprint.requireOpen();
            boolean started = memory.startIfFree(known.footprint, known.graph::launch);
            if (started) {
                count(known);
            } else {
                forget();
            }
            return started;
        }

        private Captured capture(List<Tensor> operands, Runnable work) {
            Set<PooledWorkspace> owners = Collections.newSetFromMap(new IdentityHashMap<>());
            operands.forEach(operand -> owners.add(PooledTensor.of(operand).owner()));
            Map<OperationKind, Long> counts = new EnumMap<>(OperationKind.class);
            MemoryMeter peak = new MemoryMeter();
            CaptureFootprint footprint = new CaptureFootprint();
            Device.Graph graph = device.capture(() -> {
                memory.trackDuring(
                        footprint, () -> tensors.countSeparately(peak, () -> operations.countSeparately(counts, work)));
                footprint.end(owners);
            });
            return new Captured(graph, footprint, counts, peak.peakBytes());
        }

        private void count(Captured captured) {
            launches.incrementAndGet();
            captured.operations.forEach(operations::add);
            tensors.allocated(captured.peakBytes);
            tensors.freed(captured.peakBytes);
        }

        private void forget() {
            if (captured != null) {
                captured.graph.close();
                captured = null;
            }
        }

        @Override
        public synchronized void close() {
            if (!closed) {
                closed = true;
                forget();
                synchronized (open) {
                    open.remove(this);
                }
            }
        }
    }
}
