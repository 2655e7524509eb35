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

/** The functions of NVRTC, CUDA's run-time compiler, that are used here. Needs no device. Thread-safe. */
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

    /** Binds the functions; calls none of them. */
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

    /** For example "13.0". */
    public String version() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment major = arena.allocate(INT);
            MemorySegment minor = arena.allocate(INT);
            check("nvrtcVersion", Symbols.status(() -> (int) version.invokeExact(major, minor)));
            return major.get(INT, 0) + "." + minor.get(INT, 0);
        }
    }

    /** What it compiles for, for example "sm_80". */
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
     * What to compile for a device: its own architecture, or the last one before it of the same major version, whose machine code it runs
     * too.
     *
     * @throws IllegalStateException if the device is newer than this NVRTC
     */
    public String architectureFor(int major, int minor) {
        List<String> known = architectures();
        return IntStream.iterate(minor, m -> m >= 0, m -> m - 1)
                .mapToObj(m -> "sm_" + major + m)
                .filter(known::contains)
                .findFirst()
                .orElseThrow(() ->
                        new IllegalStateException("NVRTC " + version() + " does not know devices of compute capability "
                                + major + "." + minor + "; install a newer CUDA toolkit, or name its directory with -D"
                                + Libraries.PROPERTY + "=..."));
    }

    /**
     * Compiles a source to machine code.
     *
     * @param name the source's name in messages
     * @param headers what it includes, by name
     * @throws IllegalStateException with the compiler's log if it does not compile
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
                    throw new IllegalStateException("NVRTC " + version() + " does not compile " + name + " with "
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
