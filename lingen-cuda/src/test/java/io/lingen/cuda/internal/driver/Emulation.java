package io.lingen.cuda.internal.driver;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A builder and loader of the emulated device: the kernel sources, compiled by g++ with a scheduler of fibers in place of the GPU and the
 * functions of the driver, NVRTC and cuBLASLt. The build folder keeps the result until a source changes.
 */
@SuppressWarnings("restricted")
public final class Emulation {
    private static final String FOLDER = "/io/lingen/cuda/emulation/";
    private static final List<String> FILES =
            List.of("emulation.h", "emulation.cpp", "hopper.h", "hopper.cpp", "driver.cpp");
    private static final Path TARGET = Path.of("target", "emulation");

    /** The default memory of the emulated device. */
    public static final long BYTES = 1L << 30;

    private static @Nullable SymbolLookup library;

    private Emulation() {}

    /** Returns the three libraries as one. Aborts the test (an assumption) without g++ or on another processor or system. */
    public static synchronized SymbolLookup library() {
        if (library == null) {
            assumeTrue(
                    System.getProperty("os.name").equals("Linux")
                            && System.getProperty("os.arch").equals("amd64"),
                    "the emulated device needs Linux on x86-64");
            assumeTrue(isInstalled("g++"), "no g++ on the path: the kernels can't be run without a GPU");
            library = SymbolLookup.libraryLookup(build(), Arena.global());
        }
        return library;
    }

    /** Sets the number of devices, their compute capability and memory. To be followed by {@link #restore}. */
    public static synchronized void configure(int devices, int major, int minor, long bytes) {
        try {
            Linker.nativeLinker()
                    .downcallHandle(
                            library().find("emulated_configure").orElseThrow(),
                            FunctionDescriptor.ofVoid(
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.JAVA_LONG))
                    .invokeExact(devices, major, minor, bytes);
        } catch (Throwable e) {
            throw new IllegalStateException("the emulated device cannot be configured", e);
        }
    }

    /** Restores the default configuration, if the device is loaded. */
    public static synchronized void restore() {
        if (library != null) {
            configure(1, 9, 0, BYTES);
        }
    }

    /** Returns whether a program can be run with --version. */
    public static boolean isInstalled(String program) {
        try {
            return new ProcessBuilder(program, "--version")
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .onExit()
                            .get(20, TimeUnit.SECONDS)
                            .exitValue()
                    == 0;
        } catch (IOException
                | InterruptedException
                | java.util.concurrent.ExecutionException
                | java.util.concurrent.TimeoutException e) {
            return false;
        }
    }

    /** Writes the sources of the kernels to a folder. */
    public static void writeKernels(Path folder) throws IOException {
        for (String name : KernelSource.NAMES) {
            KernelSource source = KernelSource.of(name);
            Files.writeString(folder.resolve(name + ".cu"), source.text());
            for (var header : source.headers().entrySet()) {
                Files.writeString(folder.resolve(header.getKey()), header.getValue());
            }
        }
    }

    /** Runs a program and returns its output. */
    public static String run(Path folder, List<String> command) throws IOException {
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new IllegalStateException(String.join(" ", command) + " failed:\n" + output);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return output;
    }

    private static Path build() {
        try {
            List<String> sources = new ArrayList<>();
            for (String file : FILES) {
                sources.add(read(file));
            }
            for (String name : KernelSource.NAMES) {
                sources.add(KernelSource.of(name).text());
            }
            String hash = KernelSource.of("elementwise").hash(sources).substring(0, 16);
            Path folder = TARGET.resolve(hash).toAbsolutePath();
            Path built = folder.resolve("libemulated.so");
            if (!Files.exists(built)) {
                Files.createDirectories(folder);
                for (String file : FILES) {
                    Files.writeString(folder.resolve(file), read(file));
                }
                writeKernels(folder);
                List<String> command = new ArrayList<>(List.of("g++", "-std=c++17", "-O2", "-shared", "-fPIC"));
                command.addAll(List.of("-DLINGEN_EMULATED", "-include", "emulation.h", "-Wno-unknown-pragmas"));
                command.addAll(List.of("-o", "partial.so", "-x", "c++"));
                KernelSource.NAMES.forEach(name -> command.add(name + ".cu"));
                FILES.stream().filter(file -> file.endsWith(".cpp")).forEach(command::add);
                run(folder, command);
                Files.move(folder.resolve("partial.so"), built, StandardCopyOption.ATOMIC_MOVE);
            }
            return built;
        } catch (IOException e) {
            throw new IllegalStateException("the emulated device cannot be built", e);
        }
    }

    private static String read(String file) throws IOException {
        try (InputStream stream = Emulation.class.getResourceAsStream(FOLDER + file)) {
            if (stream == null) {
                throw new IllegalStateException("no test resource " + FOLDER + file);
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
