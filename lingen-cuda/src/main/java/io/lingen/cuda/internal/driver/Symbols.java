package io.lingen.cuda.internal.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** The functions of a native library. Handles and device addresses are longs, and host addresses are segments. */
@SuppressWarnings("restricted")
final class Symbols {
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    static final MemoryLayout POINTER = ValueLayout.ADDRESS;

    private final String library;
    private final SymbolLookup lookup;

    Symbols(String library, SymbolLookup lookup) {
        this.library = library;
        this.lookup = lookup;
    }

    /** A call that returns a status, which is 0 after success. */
    interface Call {
        int run() throws Throwable;
    }

    /** A call that returns a status and writes one value of up to 8 bytes. */
    interface Query {
        int run(MemorySegment result) throws Throwable;
    }

    /**
     * Returns a function with an int result.
     *
     * @throws IllegalStateException if the library is too old and lacks the function
     */
    MethodHandle function(String name, MemoryLayout... parameters) {
        return Linker.nativeLinker().downcallHandle(symbol(name), FunctionDescriptor.of(INT, parameters));
    }

    private MemorySegment symbol(String name) {
        return lookup.find(name)
                .orElseThrow(() -> new IllegalStateException(
                        library + " must have the function " + name + ", found none; install CUDA 12.0 or newer"));
    }

    static int status(Call call) {
        try {
            return call.run();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns the value that a query writes, after {@code check} has checked its status. */
    static long query(Query query, java.util.function.IntConsumer check) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment result = arena.allocate(8, 8);
            check.accept(status(() -> query.run(result)));
            return result.get(LONG, 0);
        }
    }
}
