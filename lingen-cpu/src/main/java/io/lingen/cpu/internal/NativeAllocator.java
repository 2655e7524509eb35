package io.lingen.cpu.internal;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * The C library's malloc and free. An {@link java.lang.foreign.Arena} would zero every block and stop all threads to close one.
 */
@SuppressWarnings("restricted")
final class NativeAllocator {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle MALLOC = LINKER.downcallHandle(
            symbol("malloc"), FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    private static final MethodHandle FREE =
            LINKER.downcallHandle(symbol("free"), FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG));

    /** Linux backs large blocks with huge pages only when asked to; copies then are a quarter faster, seen on one machine. */
    private static final Optional<MethodHandle> MADVISE = SymbolLookup.loaderLookup()
            .or(LINKER.defaultLookup())
            .find("madvise")
            .map(address -> LINKER.downcallHandle(
                    address,
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT)));

    private static final int MADV_HUGEPAGE = 14;
    private static final long HUGE_PAGE = 2 << 20;
    private static final boolean LINUX = System.getProperty("os.name").equals("Linux");

    private NativeAllocator() {}

    /** A block's address, or 0 when the system has none. Its contents are undefined. */
    static long allocate(long bytes) {
        try {
            long address = (long) MALLOC.invokeExact(bytes);
            if (address != 0 && LINUX && bytes >= 2 * HUGE_PAGE) {
                adviseHugePages(address, bytes);
            }
            return address;
        } catch (Throwable e) {
            throw new IllegalStateException("malloc cannot be called", e);
        }
    }

    static void free(long address) {
        try {
            FREE.invokeExact(address);
        } catch (Throwable e) {
            throw new IllegalStateException("free cannot be called", e);
        }
    }

    private static void adviseHugePages(long address, long bytes) throws Throwable {
        if (MADVISE.isPresent()) {
            long from = (address + HUGE_PAGE - 1) & -HUGE_PAGE;
            long to = (address + bytes) & -HUGE_PAGE;
            // Only advice: a kernel without huge pages refuses it and nothing is lost.
            int ignored = (int) MADVISE.get().invokeExact(from, to - from, MADV_HUGEPAGE);
        }
    }

    private static MemorySegment symbol(String name) {
        return LINKER.defaultLookup()
                .find(name)
                .orElseThrow(() -> new IllegalStateException("the C library has no function " + name));
    }
}
