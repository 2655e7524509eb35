package io.lingen.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.opentest4j.TestAbortedException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Every kernel compiles for every architecture, by NVRTC as at run time or else by nvcc; results are kept in the build folder. */
final class KernelCompilationTest {
    private static final CubinCache CACHE = new CubinCache(Path.of("target", "compiled"));
    private static final Logger LOG = LoggerFactory.getLogger(KernelCompilationTest.class);
    private static final byte[] ELF = {0x7f, 'E', 'L', 'F'};

    static Stream<Arguments> cases() {
        return KernelSource.NAMES.stream().flatMap(name -> Stream.of("sm_80", "sm_90", "sm_120")
                .map(architecture -> Arguments.of(name, architecture)));
    }

    /** All at once, on every processor; what fails here fails again, with its message, in its own test. */
    @BeforeAll
    static void compileAll() {
        cases().parallel().forEach(arguments -> {
            try {
                compile(KernelSource.of((String) arguments.get()[0]), (String)
                        arguments.get()[1]);
            } catch (IllegalStateException | TestAbortedException e) {
                LOG.debug("{} does not compile", arguments, e);
            }
        });
    }

    @ParameterizedTest
    @MethodSource("cases")
    void everyKernelCompiles(String name, String architecture) {
        byte[] cubin = compile(KernelSource.of(name), architecture);
        for (int i = 0; i < ELF.length; i++) {
            assertEquals(ELF[i], cubin[i], "a cubin is an ELF file");
        }
    }

    @Test
    void theCompilersWordsReachTheCaller() {
        SymbolLookup library = nvrtc();
        assumeTrue(library != null, "no NVRTC: nvcc compiled the kernels");
        KernelSource wrong = new KernelSource(
                "wrong",
                "KERNEL(32, wrong, Missing) {}",
                KernelSource.of("norms").headers());
        String message = assertThrows(IllegalStateException.class, () -> new Nvrtc(library)
                        .compile("wrong.cu", wrong.text(), wrong.headers(), Kernels.options("sm_90")))
                .getMessage();
        assertTrue(message.contains("wrong.cu(1): error"), message);
    }

    private static byte[] compile(KernelSource source, String architecture) {
        SymbolLookup library = nvrtc();
        if (library != null) {
            return Kernels.compile(new Nvrtc(library), CACHE, source, architecture);
        }
        assumeTrue(
                Emulation.isInstalled("nvcc"),
                "neither NVRTC nor nvcc: kernels can't be compiled; install the CUDA toolkit or name its folder with -D"
                        + Libraries.PROPERTY);
        String key = source.hash(List.of("nvcc", architecture));
        return CACHE.get("nvcc-" + key, () -> nvcc(source, architecture));
    }

    private static @Nullable SymbolLookup nvrtc() {
        try {
            return new Libraries().load(Libraries.Name.NVRTC);
        } catch (IllegalStateException e) {
            return null;
        }
    }

    private static byte[] nvcc(KernelSource source, String architecture) {
        try {
            Path folder = Files.createDirectories(Path.of("target", "nvcc", source.name() + "-" + architecture));
            Emulation.writeKernels(folder);
            String output = source.name() + ".cubin";
            String virtual = architecture.replace("sm", "compute");
            Emulation.run(
                    folder,
                    List.of(
                            "nvcc",
                            "--cubin",
                            "-std=c++17",
                            "-gencode=arch=" + virtual + ",code=" + architecture,
                            "-Werror=all-warnings",
                            "-o",
                            output,
                            source.name() + ".cu"));
            return Files.readAllBytes(folder.resolve(output));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
