package io.lingen.cpu.internal.dnnl;

import io.lingen.core.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Objects;

/**
 * Bindings of the C API of oneDNN. Handles are addresses, with 0 for none. A failed call throws {@link IllegalStateException}. This class
 * must not be loaded unless {@link DnnlLoader} has found the library.
 */
@SuppressWarnings("restricted")
final class DnnlCalls {
    static final int SOURCE = 1;
    static final int TARGET = 17;
    static final int WEIGHTS = 33;
    static final int BIAS = 41;
    static final int SCRATCHPAD = 80;
    /** The kind of the second operand of the first post-op. */
    static final int POST_OP = 0x8000 | 2;

    static final int GELU_TANH = 43;
    static final int SWISH = 44;

    private static final int CPU = 1;
    private static final int IN_ORDER = 1;
    private static final int FORMAT_ANY = 1;
    private static final int SCRATCHPAD_USER = 1;
    private static final int BINARY_MUL = 0x1fff1;
    private static final int FORWARD_INFERENCE = 96;
    private static final int CONVOLUTION_DIRECT = 1;
    private static final int QUERY_IMPLEMENTATION = 8;
    private static final int QUERY_WEIGHTS = 131;
    private static final int QUERY_SCRATCHPAD = 136;
    private static final int UNIMPLEMENTED = 3;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;
    private static final MemoryLayout POINTER = ValueLayout.ADDRESS;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup LIBRARY = Objects.requireNonNull(DnnlLoader.library(), DnnlLoader::reason);

    private static final MethodHandle VERSION =
            LINKER.downcallHandle(symbol("dnnl_version"), FunctionDescriptor.of(POINTER));
    private static final MethodHandle GET_THREADS =
            LINKER.downcallHandle(symbol("omp_get_max_threads"), FunctionDescriptor.of(INT));
    private static final MethodHandle SET_THREADS =
            LINKER.downcallHandle(symbol("omp_set_num_threads"), FunctionDescriptor.ofVoid(INT));
    private static final MethodHandle SET_CACHE = status("dnnl_set_primitive_cache_capacity", INT);
    private static final MethodHandle ENGINE = status("dnnl_engine_create", POINTER, INT, LONG);
    private static final MethodHandle ENGINE_FREE = status("dnnl_engine_destroy", LONG);
    private static final MethodHandle STREAM = status("dnnl_stream_create", POINTER, LONG, INT);
    private static final MethodHandle STREAM_FREE = status("dnnl_stream_destroy", LONG);
    private static final MethodHandle STRIDED =
            status("dnnl_memory_desc_create_with_strides", POINTER, INT, POINTER, INT, POINTER);
    private static final MethodHandle TAGGED =
            status("dnnl_memory_desc_create_with_tag", POINTER, INT, POINTER, INT, INT);
    private static final MethodHandle LAYOUT_CLONE = status("dnnl_memory_desc_clone", POINTER, LONG);
    private static final MethodHandle LAYOUT_EQUAL =
            LINKER.downcallHandle(symbol("dnnl_memory_desc_equal"), FunctionDescriptor.of(INT, LONG, LONG));
    private static final MethodHandle LAYOUT_FREE = status("dnnl_memory_desc_destroy", LONG);
    private static final MethodHandle LAYOUT_SIZE =
            LINKER.downcallHandle(symbol("dnnl_memory_desc_get_size"), FunctionDescriptor.of(LONG, LONG));
    private static final MethodHandle MEMORY = status("dnnl_memory_create", POINTER, LONG, LONG, LONG);
    private static final MethodHandle MEMORY_SET = status("dnnl_memory_set_data_handle", LONG, LONG);
    private static final MethodHandle MEMORY_FREE = status("dnnl_memory_destroy", LONG);
    private static final MethodHandle ATTRIBUTES = status("dnnl_primitive_attr_create", POINTER);
    private static final MethodHandle ATTRIBUTES_FREE = status("dnnl_primitive_attr_destroy", LONG);
    private static final MethodHandle SCRATCHPAD_MODE = status("dnnl_primitive_attr_set_scratchpad_mode", LONG, INT);
    private static final MethodHandle SET_POST_OPS = status("dnnl_primitive_attr_set_post_ops", LONG, LONG);
    private static final MethodHandle POST_OPS = status("dnnl_post_ops_create", POINTER);
    private static final MethodHandle POST_OPS_FREE = status("dnnl_post_ops_destroy", LONG);
    private static final MethodHandle APPEND_SUM = status("dnnl_post_ops_append_sum", LONG, FLOAT, INT, INT);
    private static final MethodHandle APPEND_ELTWISE = status("dnnl_post_ops_append_eltwise", LONG, INT, FLOAT, FLOAT);
    private static final MethodHandle APPEND_BINARY = status("dnnl_post_ops_append_binary", LONG, INT, LONG);
    private static final MethodHandle MATMUL =
            status("dnnl_matmul_primitive_desc_create", POINTER, LONG, LONG, LONG, LONG, LONG, LONG);
    private static final MethodHandle CONVOLUTION = status(
            "dnnl_convolution_forward_primitive_desc_create",
            POINTER,
            LONG,
            INT,
            INT,
            LONG,
            LONG,
            LONG,
            LONG,
            POINTER,
            POINTER,
            POINTER,
            POINTER,
            LONG);
    private static final MethodHandle REORDER =
            status("dnnl_reorder_primitive_desc_create", POINTER, LONG, LONG, LONG, LONG, LONG);
    private static final MethodHandle DESCRIPTION_LAYOUT =
            LINKER.downcallHandle(symbol("dnnl_primitive_desc_query_md"), FunctionDescriptor.of(LONG, LONG, INT, INT));
    private static final MethodHandle DESCRIPTION_QUERY = status("dnnl_primitive_desc_query", LONG, INT, INT, POINTER);
    private static final MethodHandle DESCRIPTION_FREE = status("dnnl_primitive_desc_destroy", LONG);
    private static final MethodHandle PRIMITIVE = status("dnnl_primitive_create", POINTER, LONG);
    private static final MethodHandle PRIMITIVE_FREE = status("dnnl_primitive_destroy", LONG);
    private static final MethodHandle EXECUTE = status("dnnl_primitive_execute", LONG, LONG, INT, LONG);

    private DnnlCalls() {}

    /** Returns the version, for example "3.11.0". */
    static String version() {
        try {
            MemorySegment version = ((MemorySegment) VERSION.invokeExact()).reinterpret(12);
            return version.getAtIndex(INT, 0) + "." + version.getAtIndex(INT, 1) + "." + version.getAtIndex(INT, 2);
        } catch (Throwable e) {
            throw failure("dnnl_version", e);
        }
    }

    /** Returns the number of threads of primitives that the calling thread creates or executes. */
    static int threads() {
        try {
            return (int) GET_THREADS.invokeExact();
        } catch (Throwable e) {
            throw failure("omp_get_max_threads", e);
        }
    }

    /** Sets {@link #threads} for the calling thread only. */
    static void setThreads(int threads) {
        try {
            SET_THREADS.invokeExact(threads);
        } catch (Throwable e) {
            throw failure("omp_set_num_threads", e);
        }
    }

    /** Sets the size of oneDNN's own cache of primitives, which is shared by the process. */
    static void setCache(int primitives) {
        check("dnnl_set_primitive_cache_capacity", () -> (int) SET_CACHE.invokeExact(primitives));
    }

    static long engine() {
        return created("dnnl_engine_create", out -> (int) ENGINE.invokeExact(out, CPU, 0L));
    }

    static void freeEngine(long engine) {
        free("dnnl_engine_destroy", ENGINE_FREE, engine);
    }

    static long stream(long engine) {
        return created("dnnl_stream_create", out -> (int) STREAM.invokeExact(out, engine, IN_ORDER));
    }

    static void freeStream(long stream) {
        free("dnnl_stream_destroy", STREAM_FREE, stream);
    }

    /** Creates a layout with the given strides in elements. */
    static long layout(DType dtype, long[] lengths, long[] strides) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment dims = arena.allocateFrom(LONG, lengths);
            MemorySegment steps = arena.allocateFrom(LONG, strides);
            return created("dnnl_memory_desc_create_with_strides", out ->
                    (int) STRIDED.invokeExact(out, lengths.length, dims, type(dtype), steps));
        }
    }

    /** Creates a layout that lets the primitive choose the order of elements. */
    static long anyLayout(DType dtype, long... lengths) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment dims = arena.allocateFrom(LONG, lengths);
            return created("dnnl_memory_desc_create_with_tag", out ->
                    (int) TAGGED.invokeExact(out, lengths.length, dims, type(dtype), FORMAT_ANY));
        }
    }

    static long copyOfLayout(long layout) {
        return created("dnnl_memory_desc_clone", out -> (int) LAYOUT_CLONE.invokeExact(out, layout));
    }

    static void freeLayout(long layout) {
        free("dnnl_memory_desc_destroy", LAYOUT_FREE, layout);
    }

    static boolean equal(long layout, long other) {
        try {
            return (int) LAYOUT_EQUAL.invokeExact(layout, other) != 0;
        } catch (Throwable e) {
            throw failure("dnnl_memory_desc_equal", e);
        }
    }

    /** Returns the number of bytes that a layout spans. */
    static long bytes(long layout) {
        try {
            return (long) LAYOUT_SIZE.invokeExact(layout);
        } catch (Throwable e) {
            throw failure("dnnl_memory_desc_get_size", e);
        }
    }

    /** Creates a memory object without memory. The layout is copied. */
    static long memory(long engine, long layout) {
        return created("dnnl_memory_create", out -> (int) MEMORY.invokeExact(out, layout, engine, 0L));
    }

    static void setMemory(long memory, long address) {
        int status;
        try {
            status = (int) MEMORY_SET.invokeExact(memory, address);
        } catch (Throwable e) {
            throw failure("dnnl_memory_set_data_handle", e);
        }
        require("dnnl_memory_set_data_handle", status);
    }

    static void freeMemory(long memory) {
        free("dnnl_memory_destroy", MEMORY_FREE, memory);
    }

    /** Creates attributes that let the caller provide the scratchpad. */
    static long attributes() {
        long attributes = created("dnnl_primitive_attr_create", out -> (int) ATTRIBUTES.invokeExact(out));
        check("dnnl_primitive_attr_set_scratchpad_mode", () ->
                (int) SCRATCHPAD_MODE.invokeExact(attributes, SCRATCHPAD_USER));
        return attributes;
    }

    static void freeAttributes(long attributes) {
        free("dnnl_primitive_attr_destroy", ATTRIBUTES_FREE, attributes);
    }

    static void setPostOps(long attributes, long postOps) {
        check("dnnl_primitive_attr_set_post_ops", () -> (int) SET_POST_OPS.invokeExact(attributes, postOps));
    }

    static long postOps() {
        return created("dnnl_post_ops_create", out -> (int) POST_OPS.invokeExact(out));
    }

    static void freePostOps(long postOps) {
        free("dnnl_post_ops_destroy", POST_OPS_FREE, postOps);
    }

    /** Appends the addition of the previous contents of the target. */
    static void appendSum(long postOps) {
        check("dnnl_post_ops_append_sum", () -> (int) APPEND_SUM.invokeExact(postOps, 1f, 0, 0));
    }

    /** Appends {@link #GELU_TANH} or {@link #SWISH}. */
    static void appendFunction(long postOps, int function) {
        check("dnnl_post_ops_append_eltwise", () -> (int) APPEND_ELTWISE.invokeExact(postOps, function, 1f, 0f));
    }

    /** Appends the product with a tensor of the given layout, which is broadcast along axes of length 1. */
    static void appendProduct(long postOps, long layout) {
        check("dnnl_post_ops_append_binary", () -> (int) APPEND_BINARY.invokeExact(postOps, BINARY_MUL, layout));
    }

    /** Describes target = source weights + bias. Returns 0 if oneDNN has no implementation. */
    static long matmul(long engine, long source, long weights, long bias, long target, long attributes) {
        return createdIfImplemented("dnnl_matmul_primitive_desc_create", out ->
                (int) MATMUL.invokeExact(out, engine, source, weights, bias, target, attributes));
    }

    /** Describes a convolution. Returns 0 if oneDNN has no implementation. Strides and padding have one entry per axis. */
    static long convolution(
            long engine,
            long source,
            long weights,
            long bias,
            long target,
            long[] strides,
            long[] paddingBefore,
            long[] paddingAfter,
            long attributes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment steps = arena.allocateFrom(LONG, strides);
            MemorySegment dilations = arena.allocateFrom(LONG, new long[strides.length]);
            MemorySegment before = arena.allocateFrom(LONG, paddingBefore);
            MemorySegment after = arena.allocateFrom(LONG, paddingAfter);
            return createdIfImplemented(
                    "dnnl_convolution_forward_primitive_desc_create", out -> (int) CONVOLUTION.invokeExact(
                            out,
                            engine,
                            FORWARD_INFERENCE,
                            CONVOLUTION_DIRECT,
                            source,
                            weights,
                            bias,
                            target,
                            steps,
                            dilations,
                            before,
                            after,
                            attributes));
        }
    }

    /** Describes a conversion between layouts and types. */
    static long reorder(long engine, long source, long target, long attributes) {
        return created("dnnl_reorder_primitive_desc_create", out ->
                (int) REORDER.invokeExact(out, source, engine, target, engine, attributes));
    }

    /** Returns the layout of the weights that a description chose. The description owns it. */
    static long weightsLayout(long description) {
        return layoutOf(description, QUERY_WEIGHTS);
    }

    /** Returns the layout of the scratchpad that a description needs. The description owns it. */
    static long scratchpadLayout(long description) {
        return layoutOf(description, QUERY_SCRATCHPAD);
    }

    /** Returns the name of the implementation of a description, which starts with "ref" for a slow reference implementation. */
    static String implementation(long description) {
        long name = created("dnnl_primitive_desc_query", out ->
                (int) DESCRIPTION_QUERY.invokeExact(description, QUERY_IMPLEMENTATION, 0, out));
        return MemorySegment.ofAddress(name).reinterpret(1024).getString(0);
    }

    static void freeDescription(long description) {
        free("dnnl_primitive_desc_destroy", DESCRIPTION_FREE, description);
    }

    static long primitive(long description) {
        return created("dnnl_primitive_create", out -> (int) PRIMITIVE.invokeExact(out, description));
    }

    static void freePrimitive(long primitive) {
        free("dnnl_primitive_destroy", PRIMITIVE_FREE, primitive);
    }

    /** Executes a primitive. {@code arguments} is the address of {@code count} pairs (kind, memory) of 16 bytes. */
    static void execute(long primitive, long stream, int count, long arguments) {
        int status;
        try {
            status = (int) EXECUTE.invokeExact(primitive, stream, count, arguments);
        } catch (Throwable e) {
            throw failure("dnnl_primitive_execute", e);
        }
        require("dnnl_primitive_execute", status);
    }

    private static int type(DType dtype) {
        return dtype == DType.BF16 ? 2 : 3;
    }

    private static long layoutOf(long description, int what) {
        try {
            return (long) DESCRIPTION_LAYOUT.invokeExact(description, what, 0);
        } catch (Throwable e) {
            throw failure("dnnl_primitive_desc_query_md", e);
        }
    }

    private static MemorySegment symbol(String name) {
        return LIBRARY.find(name)
                .orElseThrow(() -> new IllegalStateException(
                        "oneDNN must have the function " + name + ", found none; use org.bytedeco:dnnl"));
    }

    private static MethodHandle status(String name, MemoryLayout... arguments) {
        return LINKER.downcallHandle(symbol(name), FunctionDescriptor.of(INT, arguments));
    }

    private interface Call {
        int run() throws Throwable;
    }

    private interface Creation {
        int run(MemorySegment out) throws Throwable;
    }

    private static void check(String name, Call call) {
        int status;
        try {
            status = call.run();
        } catch (Throwable e) {
            throw failure(name, e);
        }
        require(name, status);
    }

    private static long created(String name, Creation creation) {
        long handle = createdIfImplemented(name, creation);
        if (handle == 0) {
            require(name, UNIMPLEMENTED);
        }
        return handle;
    }

    private static long createdIfImplemented(String name, Creation creation) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(LONG);
            int status;
            try {
                status = creation.run(out);
            } catch (Throwable e) {
                throw failure(name, e);
            }
            if (status == UNIMPLEMENTED) {
                return 0;
            }
            require(name, status);
            return out.get(LONG, 0);
        }
    }

    private static void free(String name, MethodHandle handle, long object) {
        int status;
        try {
            status = (int) handle.invokeExact(object);
        } catch (Throwable e) {
            throw failure(name, e);
        }
        require(name, status);
    }

    private static void require(String name, int status) {
        if (status != 0) {
            throw new IllegalStateException(name + " must return status 0, found " + status
                    + " (1 out of memory, 2 invalid arguments, 3 unimplemented, 5 runtime error); disable oneDNN with -D"
                    + Dnnl.PROPERTY + "=false");
        }
    }

    private static IllegalStateException failure(String name, Throwable cause) {
        return new IllegalStateException("cannot call " + name, cause);
    }
}
