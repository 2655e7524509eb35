package io.lingen.cpu.internal;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * Memory of the operating system. Unlike {@link java.lang.foreign.Arena}, it does not zero blocks, and does not stop all threads to free
 * one. On Linux, large blocks are mapped separately, because malloc may keep freed memory until the process ends. All other blocks come
 * from malloc.
 */
@SuppressWarnings("restricted")
final class NativeAllocator {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle MALLOC = LINKER.downcallHandle(
            symbol("malloc"), FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    private static final MethodHandle FREE =
            LINKER.downcallHandle(symbol("free"), FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG));

    private static final boolean LINUX = System.getProperty("os.name").equals("Linux");
    private static final long MAPPED_FROM = 1 << 18;
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
    private static final long MAP_FAILED = -1;

    private static final Optional<MethodHandle> MMAP = find(
            "mmap",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_LONG));
    private static final Optional<MethodHandle> MUNMAP =
            find("munmap", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));

    /** Requests huge pages for large blocks, which makes copies about a quarter faster. */
    private static final Optional<MethodHandle> MADVISE = find(
            "madvise",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));

    private static final int MADV_HUGEPAGE = 14;
    private static final long HUGE_PAGE = 2 << 20;

    private NativeAllocator() {}

    /** Returns the address of a block with undefined contents, or 0 if the system has too little memory. */
    static long allocate(long bytes) {
        try {
            if (!isMapped(bytes)) {
                return (long) MALLOC.invokeExact(bytes);
            }
            long address = (long) MMAP.get().invokeExact(0L, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
            if (address == MAP_FAILED) {
                return 0;
            }
            if (bytes >= 2 * HUGE_PAGE) {
                adviseHugePages(address, bytes);
            }
            return address;
        } catch (Throwable e) {
            throw new IllegalStateException("cannot call malloc or mmap", e);
        }
    }

    /** Frees a block, given the size that was passed to {@link #allocate}. */
    static void free(long address, long bytes) {
        try {
            if (isMapped(bytes)) {
                int ignored = (int) MUNMAP.get().invokeExact(address, bytes);
            } else {
                FREE.invokeExact(address);
            }
        } catch (Throwable e) {
            throw new IllegalStateException("cannot call free or munmap", e);
        }
    }

    private static void adviseHugePages(long address, long bytes) throws Throwable {
        if (MADVISE.isPresent()) {
            long from = (address + HUGE_PAGE - 1) & -HUGE_PAGE;
            long to = (address + bytes) & -HUGE_PAGE;
            // The result is ignored: without huge pages, the call fails and has no effect.
            int ignored = (int) MADVISE.get().invokeExact(from, to - from, MADV_HUGEPAGE);
        }
    }

    private static boolean isMapped(long bytes) {
        return LINUX && bytes >= MAPPED_FROM && MMAP.isPresent() && MUNMAP.isPresent();
    }

    private static Optional<MethodHandle> find(String name, FunctionDescriptor descriptor) {
        return SymbolLookup.loaderLookup()
                .or(LINKER.defaultLookup())
                .find(name)
                .map(address -> LINKER.downcallHandle(address, descriptor));
    }

    private static MemorySegment symbol(String name) {
        return LINKER.defaultLookup()
                .find(name)
                .orElseThrow(
                        () -> new IllegalStateException("C library must have the function " + name + ", found none"));
    }
}
