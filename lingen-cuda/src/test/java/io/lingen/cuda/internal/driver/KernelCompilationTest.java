package io.lingen.cuda.internal.driver;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.opentest4j.TestAbortedException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checks that every kernel compiles for every architecture: by NVRTC, as at run time, or by nvcc if there is no NVRTC. The build folder
 * keeps the results.
 */
final class KernelCompilationTest {
    private static final Logger LOG = LoggerFactory.getLogger(KernelCompilationTest.class);
    private static final CubinCache CACHE = new CubinCache(Path.of("target", "compiled"));
    private static final List<String> ARCHITECTURES = List.of("sm_80", "sm_90", "sm_120");
    /** The architectures that the installed compiler supports. CUDA before 12.8 does not support the last one. */
    private static final List<String> SUPPORTED = supportedArchitectures();

    private static final byte[] CUBIN = {0x7f, 'E', 'L', 'F'};
    private static final byte[] FAT_BINARY = {0x50, (byte) 0xed, 0x55, (byte) 0xba};

    static List<String> names() {
        return KernelSource.NAMES;
    }

    /** Compiles all kernels in parallel. Kernels that fail here fail again in their own tests, which report the error. */
    @BeforeAll
    static void compileAll() {
        names().parallelStream().forEach(name -> {
            try {
                compile(KernelSource.of(name));
            } catch (IllegalStateException | TestAbortedException e) {
                LOG.debug("{} does not compile", name, e);
            }
        });
    }

    @ParameterizedTest
    @MethodSource("names")
    void everyKernelCompiles(String name) {
        List<byte[]> all = compile(KernelSource.of(name));
        assertFalse(all.isEmpty(), "the compiler supports none of " + ARCHITECTURES);
        for (byte[] compiled : all) {
            byte[] magic = Arrays.copyOf(compiled, 4);
            assertTrue(Arrays.equals(magic, CUBIN) || Arrays.equals(magic, FAT_BINARY), () -> Arrays.toString(magic));
        }
    }

    @Test
    void compilerErrorsAreReported() {
        SymbolLookup library = nvrtc();
        assumeTrue(library != null, "needs NVRTC");
        KernelSource norms = KernelSource.of("norms");
        String message = assertThrows(IllegalStateException.class, () -> new Nvrtc(library)
                        .compile(
                                "wrong.cu",
                                "KERNEL(32, wrong, Missing) {}",
                                norms.headers(),
                                KernelModules.options("sm_90")))
                .getMessage();
        assertTrue(message.contains("wrong.cu(1): error"), message);
    }

    /** Returns the machine code for all architectures, in one or several files. */
    private static List<byte[]> compile(KernelSource source) {
        SymbolLookup library = nvrtc();
        if (library != null) {
            Nvrtc nvrtc = new Nvrtc(library);
            return architectures(source).stream()
                    .map(architecture -> KernelModules.compile(nvrtc, CACHE, source, architecture))
                    .toList();
        }
        assumeCompiler();
        return List.of(CACHE.get("nvcc-" + source.hash(SUPPORTED), () -> nvcc(source)));
    }

    private static void assumeCompiler() {
        assumeTrue(
                nvrtc() != null || Emulation.isInstalled("nvcc"),
                "NVRTC or nvcc must be installed, found neither; install the CUDA toolkit or set its folder with -D"
                        + Libraries.PROPERTY);
    }

    private static @Nullable SymbolLookup nvrtc() {
        try {
            return new Libraries().load(Libraries.Name.NVRTC);
        } catch (IllegalStateException e) {
            return null;
        }
    }

    /** Returns whether a line of ptxas reports spilled registers or serialized wgmma instructions. */
    private static boolean isSlow(String line) {
        return line.contains("serialized")
                || (line.contains("spill stores") && !line.contains(" 0 bytes spill stores, 0 bytes spill loads"));
    }

    @Test
    void compilerSupportsAllArchitectures() {
        assumeCompiler();
        assumeTrue(
                SUPPORTED.equals(ARCHITECTURES), () -> "of " + ARCHITECTURES + " this CUDA supports only " + SUPPORTED);
    }

    /** Returns the architectures to compile a source for. */
    private static List<String> architectures(KernelSource source) {
        return SUPPORTED.stream().map(source::architecture).distinct().toList();
    }

    /** Returns the supported ones of {@link #ARCHITECTURES}, none without a compiler. */
    private static List<String> supportedArchitectures() {
        SymbolLookup library = nvrtc();
        if (library == null && !Emulation.isInstalled("nvcc")) {
            return List.of();
        }
        List<String> supported = library != null ? new Nvrtc(library).architectures() : nvccArchitectures();
        return ARCHITECTURES.stream().filter(supported::contains).toList();
    }

    private static List<String> nvccArchitectures() {
        try {
            return Emulation.run(Path.of("target"), List.of("nvcc", "--list-gpu-code"))
                    .lines()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Compiles a source once to PTX, and to machine code for each architecture. */
    private static byte[] nvcc(KernelSource source) {
        try {
            List<String> architectures = architectures(source);
            String virtual = architectures.get(0).replace("sm_", "compute_");
            Path folder = Files.createDirectories(Path.of("target", "nvcc", source.name()));
            Emulation.writeKernels(folder);
            String output = Emulation.run(
                    folder,
                    List.of(
                            "nvcc",
                            "--fatbin",
                            "-Xptxas=-v",
                            "-std=c++17",
                            "-gencode=arch=" + virtual + ",code=[" + String.join(",", architectures) + "]",
                            "-Werror=all-warnings",
                            "-o",
                            "kernels.fatbin",
                            source.name() + ".cu"));
            List<String> warnings =
                    output.lines().filter(KernelCompilationTest::isSlow).toList();
            if (!warnings.isEmpty()) {
                throw new IllegalStateException(source.name() + ": " + String.join("; ", warnings));
            }
            return Files.readAllBytes(folder.resolve("kernels.fatbin"));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
