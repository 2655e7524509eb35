package io.lingen.cuda.internal.driver;

import static io.lingen.cuda.internal.driver.Symbols.INT;
import static io.lingen.cuda.internal.driver.Symbols.LONG;
import static io.lingen.cuda.internal.driver.Symbols.POINTER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Bindings of cuBLASLt. The library stores matrices by columns, so it computes out^T = W x^T, with W transposed. Used by one thread at a
 * time. GEMMs that share a workspace must run on one stream.
 */
final class CublasLt implements AutoCloseable {
    private static final int F32 = 0;
    private static final int BF16 = 14;
    private static final int COMPUTE_F32 = 68;

    private static final int TRANSPOSE_A = 3;
    private static final int EPILOGUE = 7;
    private static final int BIAS_POINTER = 8;
    private static final int TRANSPOSE = 1;

    private static final int EPILOGUE_BIAS = 4;
    private static final int EPILOGUE_GELU = 32;
    private static final int EPILOGUE_GELU_BIAS = EPILOGUE_BIAS | EPILOGUE_GELU;

    private static final int MAX_WORKSPACE = 1;
    private static final int[] ALIGNMENTS = {5, 6, 7, 8};
    /** cublasLtMatmulHeuristicResult_t: the algorithm's 64 bytes, workspace, status, waves, 16 reserved. */
    private static final long HEURISTIC_BYTES = 96;

    private static final long STATUS_AT = 72;

    private final MethodHandle create;
    private final MethodHandle destroy;
    private final MethodHandle descCreate;
    private final MethodHandle descDestroy;
    private final MethodHandle descSet;
    private final MethodHandle layoutCreate;
    private final MethodHandle layoutDestroy;
    private final MethodHandle preferenceCreate;
    private final MethodHandle preferenceDestroy;
    private final MethodHandle preferenceSet;
    private final MethodHandle heuristic;
    private final MethodHandle matmul;

    private final Arena arena = Arena.ofShared();
    private final Map<CublasGemm.Key, Optional<Plan>> plans = new HashMap<>();
    private final MemorySegment one = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1);
    private final MemorySegment zero = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 0);
    private final long handle;

    /** The descriptors and the algorithm of a GEMM. */
    private record Plan(long operation, long a, long b, long d, MemorySegment algorithm) {}

    /** Creates a handle in the current context. */
    CublasLt(SymbolLookup library) {
        Symbols lt = new Symbols("cuBLASLt", library);
        create = lt.function("cublasLtCreate", POINTER);
        destroy = lt.function("cublasLtDestroy", LONG);
        descCreate = lt.function("cublasLtMatmulDescCreate", POINTER, INT, INT);
        descDestroy = lt.function("cublasLtMatmulDescDestroy", LONG);
        descSet = lt.function("cublasLtMatmulDescSetAttribute", LONG, INT, POINTER, LONG);
        layoutCreate = lt.function("cublasLtMatrixLayoutCreate", POINTER, INT, LONG, LONG, LONG);
        layoutDestroy = lt.function("cublasLtMatrixLayoutDestroy", LONG);
        preferenceCreate = lt.function("cublasLtMatmulPreferenceCreate", POINTER);
        preferenceDestroy = lt.function("cublasLtMatmulPreferenceDestroy", LONG);
        preferenceSet = lt.function("cublasLtMatmulPreferenceSetAttribute", LONG, INT, POINTER, LONG);
        heuristic = lt.function(
                "cublasLtMatmulAlgoGetHeuristic", LONG, LONG, LONG, LONG, LONG, LONG, LONG, INT, POINTER, POINTER);
        matmul = lt.function(
                "cublasLtMatmul",
                LONG,
                LONG,
                POINTER,
                LONG,
                LONG,
                LONG,
                LONG,
                POINTER,
                LONG,
                LONG,
                LONG,
                LONG,
                POINTER,
                LONG,
                LONG,
                LONG);
        handle = query("cublasLtCreate", out -> (int) create.invokeExact(out));
    }

    /**
     * Starts a GEMM on a stream.
     *
     * @param workspace the address of device memory that only GEMMs on this stream use
     * @return false if the library has no algorithm for the GEMM, which is then not started
     */
    boolean multiply(CublasGemm gemm, long workspace, long workspaceBytes, long stream) {
        Optional<Plan> found = plans.computeIfAbsent(gemm.key(), key -> Optional.ofNullable(plan(key, workspaceBytes)));
        if (found.isEmpty()) {
            return false;
        }
        Plan plan = found.get();
        MemorySegment beta = gemm.adds() ? one : zero;
        if (gemm.bias() != 0) {
            set(plan.operation, BIAS_POINTER, gemm.bias());
        }
        check("cublasLtMatmul", Symbols.status(() -> (int) matmul.invokeExact(
                handle,
                plan.operation,
                one,
                gemm.weight(),
                plan.a,
                gemm.x(),
                plan.b,
                beta,
                gemm.out(),
                plan.d,
                gemm.out(),
                plan.d,
                plan.algorithm,
                workspace,
                workspaceBytes,
                stream)));
        return true;
    }

    @Override
    public void close() {
        plans.values().forEach(plan -> plan.ifPresent(this::destroyPlan));
        plans.clear();
        check("cublasLtDestroy", Symbols.status(() -> (int) destroy.invokeExact(handle)));
        arena.close();
    }

    /** Returns the descriptors and the algorithm of a GEMM, or null if the library has no algorithm. */
    private @Nullable Plan plan(CublasGemm.Key key, long workspaceBytes) {
        int in = key.bf16() ? BF16 : F32;
        int out = key.outBf16() ? BF16 : F32;
        Plan plan = new Plan(
                query("cublasLtMatmulDescCreate", desc -> (int) descCreate.invokeExact(desc, COMPUTE_F32, F32)),
                layout(in, key.in(), key.outFeatures()),
                layout(in, key.in(), key.rows()),
                layout(out, key.outFeatures(), key.rows()),
                arena.allocate(HEURISTIC_BYTES, 8));
        set(plan.operation, TRANSPOSE_A, TRANSPOSE);
        if (key.bias() || key.gelu()) {
            set(
                    plan.operation,
                    EPILOGUE,
                    !key.gelu() ? EPILOGUE_BIAS : key.bias() ? EPILOGUE_GELU_BIAS : EPILOGUE_GELU);
        }
        if (key.bias()) {
            // The choice of the algorithm depends on the alignment of the pointer only.
            set(plan.operation, BIAS_POINTER, 256L);
        }
        if (choose(plan, key, workspaceBytes)) {
            return plan;
        }
        destroyPlan(plan);
        return null;
    }

    private boolean choose(Plan plan, CublasGemm.Key key, long workspaceBytes) {
        long preference = query("cublasLtMatmulPreferenceCreate", out -> (int) preferenceCreate.invokeExact(out));
        try (Arena local = Arena.ofConfined()) {
            MemorySegment size = local.allocate(8, 8);
            size.set(LONG, 0, workspaceBytes);
            setPreference(preference, MAX_WORKSPACE, size, 8);
            MemorySegment alignment = local.allocate(4, 4);
            alignment.set(INT, 0, key.alignment());
            for (int attribute : ALIGNMENTS) {
                setPreference(preference, attribute, alignment, 4);
            }
            MemorySegment count = local.allocate(4, 4);
            int status = Symbols.status(() -> (int) heuristic.invokeExact(
                    handle, plan.operation, plan.a, plan.b, plan.d, plan.d, preference, 1, plan.algorithm, count));
            return status == 0 && count.get(INT, 0) > 0 && plan.algorithm.get(INT, STATUS_AT) == 0;
        } finally {
            check("cublasLtMatmulPreferenceDestroy", Symbols.status(() ->
                    (int) preferenceDestroy.invokeExact(preference)));
        }
    }

    private void destroyPlan(Plan plan) {
        check("cublasLtMatmulDescDestroy", Symbols.status(() -> (int) descDestroy.invokeExact(plan.operation)));
        for (long layout : new long[] {plan.a, plan.b, plan.d}) {
            check("cublasLtMatrixLayoutDestroy", Symbols.status(() -> (int) layoutDestroy.invokeExact(layout)));
        }
    }

    /** Creates the layout of a dense matrix stored by columns. */
    private long layout(int type, long rows, long columns) {
        return query(
                "cublasLtMatrixLayoutCreate", out -> (int) layoutCreate.invokeExact(out, type, rows, columns, rows));
    }

    private void setPreference(long preference, int attribute, MemorySegment value, long bytes) {
        check("cublasLtMatmulPreferenceSetAttribute", Symbols.status(() ->
                (int) preferenceSet.invokeExact(preference, attribute, value, bytes)));
    }

    private void set(long operation, int attribute, int value) {
        set(operation, attribute, value, Integer.BYTES);
    }

    private void set(long operation, int attribute, long value) {
        set(operation, attribute, value, Long.BYTES);
    }

    private void set(long operation, int attribute, long value, long bytes) {
        try (Arena local = Arena.ofConfined()) {
            MemorySegment memory = local.allocate(8, 8);
            memory.set(LONG, 0, value);
            check("cublasLtMatmulDescSetAttribute", Symbols.status(() ->
                    (int) descSet.invokeExact(operation, attribute, memory, bytes)));
        }
    }

    private static long query(String function, Symbols.Query query) {
        return Symbols.query(query, status -> check(function, status));
    }

    private static void check(String function, int status) {
        if (status != 0) {
            throw new IllegalStateException(function + " must return status 0, found cuBLAS status " + status
                    + "; compute without it with -D" + Device.CUBLAS_PROPERTY + "=false");
        }
    }
}
