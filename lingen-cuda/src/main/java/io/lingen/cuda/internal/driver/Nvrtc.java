package io.lingen.cuda.internal.driver;

import static io.lingen.cuda.internal.driver.Symbols.INT;
import static io.lingen.cuda.internal.driver.Symbols.LONG;
import static io.lingen.cuda.internal.driver.Symbols.POINTER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Bindings of NVRTC, the run-time compiler of CUDA. Needs no device. Thread-safe. */
public final class Nvrtc {
    private final MethodHandle version;
    private final MethodHandle countArchitectures;
    private final MethodHandle getArchitectures;
    private final MethodHandle createProgram;
    private final MethodHandle destroyProgram;
    private final MethodHandle compileProgram;
    private final MethodHandle getCubinSize;
    private final MethodHandle getCubin;
    private final MethodHandle getLogSize;
    private final MethodHandle getLog;

    /**
     * Binds the functions without calling any.
     *
     * @param library the NVRTC library
     * @throws IllegalStateException if the library lacks a function
     */
    public Nvrtc(SymbolLookup library) {
        Symbols nvrtc = new Symbols("NVRTC", library);
        version = nvrtc.function("nvrtcVersion", POINTER, POINTER);
        countArchitectures = nvrtc.function("nvrtcGetNumSupportedArchs", POINTER);
        getArchitectures = nvrtc.function("nvrtcGetSupportedArchs", POINTER);
        createProgram = nvrtc.function("nvrtcCreateProgram", POINTER, POINTER, POINTER, INT, POINTER, POINTER);
        destroyProgram = nvrtc.function("nvrtcDestroyProgram", POINTER);
        compileProgram = nvrtc.function("nvrtcCompileProgram", LONG, INT, POINTER);
        getCubinSize = nvrtc.function("nvrtcGetCUBINSize", LONG, POINTER);
        getCubin = nvrtc.function("nvrtcGetCUBIN", LONG, POINTER);
        getLogSize = nvrtc.function("nvrtcGetProgramLogSize", LONG, POINTER);
        getLog = nvrtc.function("nvrtcGetProgramLog", LONG, POINTER);
    }

    /** {@return the version, for example "13.0"} */
    public String version() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment major = arena.allocate(INT);
            MemorySegment minor = arena.allocate(INT);
            check("nvrtcVersion", Symbols.status(() -> (int) version.invokeExact(major, minor)));
            return major.get(INT, 0) + "." + minor.get(INT, 0);
        }
    }

    /** {@return the supported architectures, for example "sm_80"} */
    public List<String> architectures() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(INT);
            check("nvrtcGetNumSupportedArchs", Symbols.status(() -> (int) countArchitectures.invokeExact(count)));
            MemorySegment numbers = arena.allocate(INT, Math.max(1, count.get(INT, 0)));
            check("nvrtcGetSupportedArchs", Symbols.status(() -> (int) getArchitectures.invokeExact(numbers)));
            return IntStream.range(0, count.get(INT, 0))
                    .mapToObj(i -> "sm_" + numbers.getAtIndex(INT, i))
                    .toList();
        }
    }

    /**
     * {@return the architecture to compile for a device} This is its own one, or the latest earlier one of the same major version, whose
     * code it can run.
     *
     * @param major the major number of the compute capability
     * @param minor the minor number of the compute capability
     * @throws IllegalStateException if the device is too new for this NVRTC
     */
    public String architectureFor(int major, int minor) {
        List<String> known = architectures();
        return IntStream.iterate(minor, m -> m >= 0, m -> m - 1)
                .mapToObj(m -> "sm_" + major + m)
                .filter(known::contains)
                .findFirst()
                .orElseThrow(
                        () -> new IllegalStateException("NVRTC must support compute capability " + major + "." + minor
                                + ", found version " + version()
                                + "; install a newer CUDA toolkit, or set its directory with -D" + Libraries.PROPERTY
                                + "=..."));
    }

    /**
     * Compiles a source to machine code.
     *
     * @param name the name of the source in messages
     * @param source the text
     * @param headers the text of its headers by name
     * @param options the options of the compiler
     * @return the code, as a cubin
     * @throws IllegalStateException with the log of the compiler if the source has an error
     */
    public byte[] compile(String name, String source, Map<String, String> headers, List<String> options) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment handle = arena.allocate(8, 8);
            MemorySegment sourceText = arena.allocateFrom(source);
            MemorySegment nameText = arena.allocateFrom(name);
            List<String> names = new ArrayList<>(headers.keySet());
            MemorySegment headerTexts =
                    strings(arena, names.stream().map(headers::get).toList());
            MemorySegment headerNames = strings(arena, names);
            int headerCount = names.size();
            check("nvrtcCreateProgram", Symbols.status(() -> (int)
                    createProgram.invokeExact(handle, sourceText, nameText, headerCount, headerTexts, headerNames)));
            long program = handle.get(LONG, 0);
            try {
                MemorySegment optionTexts = strings(arena, options);
                int optionCount = options.size();
                int status = Symbols.status(() -> (int) compileProgram.invokeExact(program, optionCount, optionTexts));
                if (status != 0) {
                    throw new IllegalStateException("NVRTC " + version() + " failed to compile " + name + " with "
                            + String.join(" ", options) + ":\n" + log(arena, program));
                }
                return cubin(arena, program);
            } finally {
                check("nvrtcDestroyProgram", Symbols.status(() -> (int) destroyProgram.invokeExact(handle)));
            }
        }
    }

    private byte[] cubin(Arena arena, long program) {
        long size = Symbols.query(
                out -> (int) getCubinSize.invokeExact(program, out), status -> check("nvrtcGetCUBINSize", status));
        MemorySegment cubin = arena.allocate(size);
        check("nvrtcGetCUBIN", Symbols.status(() -> (int) getCubin.invokeExact(program, cubin)));
        return cubin.toArray(ValueLayout.JAVA_BYTE);
    }

    private String log(Arena arena, long program) {
        long size = Symbols.query(
                out -> (int) getLogSize.invokeExact(program, out), status -> check("nvrtcGetProgramLogSize", status));
        MemorySegment text = arena.allocate(size + 1);
        check("nvrtcGetProgramLog", Symbols.status(() -> (int) getLog.invokeExact(program, text)));
        return text.getString(0);
    }

    private static MemorySegment strings(Arena arena, List<String> texts) {
        MemorySegment array = arena.allocate(8L * Math.max(1, texts.size()), 8);
        for (int i = 0; i < texts.size(); i++) {
            array.setAtIndex(ValueLayout.ADDRESS, i, arena.allocateFrom(texts.get(i)));
        }
        return array;
    }

    private static void check(String function, int status) {
        if (status != 0) {
            throw new IllegalStateException(function + " failed with NVRTC error " + status);
        }
    }
}
