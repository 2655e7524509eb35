package io.lingen.bench.internal;

import java.util.Collection;
import java.util.List;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.AggregationPolicy;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.ScalarResult;

/** A JMH profiler that reports floating-point operations per call and per second. */
public final class OperationProfiler implements InternalProfiler {
    private long operationsBefore;
    private long nanosBefore;

    /** Creates a profiler, called by JMH. */
    public OperationProfiler() {}

    @Override
    public String getDescription() {
        return "floating-point operations, 2 per multiply-add, as counted by the backend";
    }

    @Override
    public void beforeIteration(BenchmarkParams benchmark, IterationParams iteration) {
        operationsBefore = BenchmarkBackend.operations();
        nanosBefore = System.nanoTime();
    }

    @Override
    public Collection<? extends Result<?>> afterIteration(
            BenchmarkParams benchmark, IterationParams iteration, IterationResult result) {
        double nanos = System.nanoTime() - nanosBefore;
        // The setup opens the backend before the first iteration and counts no operations.
        double operations = BenchmarkBackend.operations() - operationsBefore;
        long calls = Math.max(1, result.getMetadata().getAllOps());
        return List.of(
                new ScalarResult("gflop", operations / calls / 1e9, "GFLOP/op", AggregationPolicy.AVG),
                new ScalarResult("gflop.rate", operations / nanos, "GFLOP/s", AggregationPolicy.AVG));
    }
}
