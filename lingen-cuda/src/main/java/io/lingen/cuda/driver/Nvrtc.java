package io.lingen.cuda.driver;

import static io.lingen.cuda.driver.Symbols.INT;
import static io.lingen.cuda.driver.Symbols.LONG;
import static io.lingen.cuda.driver.Symbols.POINTER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The functions of NVRTC, CUDA's run-time compiler, that are used here. Needs no device. Thread-safe. */
public final class Nvrtc {
    private final MethodHandle version;
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
