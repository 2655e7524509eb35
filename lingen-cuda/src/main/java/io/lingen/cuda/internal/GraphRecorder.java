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
 * Recordings as CUDA graphs. The first run executes the work, which compiles and loads its kernels. The second consecutive run with the
 * same operand addresses captures the work and launches the graph. Later runs launch the graph while the addresses stay the same.
 *
 * <p>A graph has no memory of its own. It reuses the blocks that the captured work had allocated and freed. If any of them is in use or was
 * returned to the device, the work is executed, and captured again later.
 *
 * <p>If a capture fails, the reason is logged once, and all work is executed from then on. Thread-safe.
 */
public final class GraphRecorder implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GraphRecorder.class);

    private final Device device;
    private final SlabAllocator memory;
    private final Set<GraphRecording> open = Collections.newSetFromMap(new IdentityHashMap<>());
    private final AtomicLong launches = new AtomicLong();
    private volatile boolean enabled = true;

    /**
     * Creates a recorder.
     *
     * @param device launches the graphs
     * @param memory the memory of the captured work
     */
    public GraphRecorder(Device device, SlabAllocator memory) {
        this.device = device;
        this.memory = memory;
    }

    /**
     * Enables or disables captures and launches.
     *
     * @param enabled the new setting
     * @return the previous setting
     */
    public boolean enable(boolean enabled) {
        synchronized (open) {
            boolean before = this.enabled;
            this.enabled = enabled;
            return before;
        }
    }

    /** {@return the number of launches of graphs} */
    public long launches() {
        return launches.get();
    }

    /**
     * {@return a new recording for work that repeats}
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

    /** Frees all graphs and closes all recordings. */
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
     * A graph and the costs of its work.
     *
     * @param peakBytes the peak size of the tensors of the work
     */
    private record Captured(
            Device.Graph graph, CaptureFootprint footprint, Map<OperationKind, Long> operations, long peakBytes) {}

    private void disable(RuntimeException reason) {
        // Log once, even if two captures fail at the same time.
        synchronized (open) {
            if (enabled) {
                enabled = false;
                LOG.warn("CUDA graphs are disabled, falling back to single launches: {}", reason.getMessage());
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
            if (!launch(operands, work)) {
                work.run();
            }
        }

        /** Launches the work as a graph. Returns false if it must be executed instead. */
        private synchronized boolean launch(List<Tensor> operands, Runnable work) {
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
                // The execution that follows allocates the memory or throws.
                return false;
            } catch (RuntimeException e) {
                // If the work itself caused the failure, this throws.
                work.run();
                disable(e);
                return true;
            }
            Captured current = captured;
            current.footprint.requireOpen();
            boolean started = memory.startIfFree(current.footprint, current.graph::launch);
            if (started) {
                count(current);
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
