package io.lingen.cuda.internal.driver;

import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Finds CUDA's libraries: in the directories that the system property {@link #PROPERTY} names, in those of {@code CUDA_HOME} and
 * {@code CUDA_PATH}, in {@code /usr/local/cuda*}, where drivers are mounted, then on the loader's path. In a directory the newest
 * version wins. Nothing is loaded before it is asked for.
 */
@SuppressWarnings("restricted")
public final class Libraries {
    /** Directories that hold CUDA's libraries, separated as paths are on this system. */
    public static final String PROPERTY = "lingen.cuda.path";

    /** The libraries, each with what to do when it is missing. */
    public enum Name {
        DRIVER("cuda", "nvcuda", "1", "install NVIDIA's driver, version 525 or newer"),
        NVRTC("nvrtc", "nvrtc64", "13,12", "install the CUDA toolkit, 12.0 or newer"),
        CUBLAS_LT("cublasLt", "cublasLt64", "13,12", "install the CUDA toolkit, 12.0 or newer");

        private final String unix;
        private final String windows;
        private final List<String> versions;
        private final String remedy;

        Name(String unix, String windows, String versions, String remedy) {
            this.unix = unix;
            this.windows = windows;
            this.versions = List.of(versions.split(","));
            this.remedy = remedy;
        }

        /** Whether a file is this library: libnvrtc.so.13 is NVRTC, libnvrtc-builtins.so.13.0 is not. */
        boolean matches(String file) {
            return file.matches("lib" + unix + "\\.so(\\.\\d+)*") || file.matches(windows + "(_\\d+)*\\.dll");
        }
    }

    private final String property;
    private final Map<String, String> environment;
    private final List<Path> roots;

    /** Looks where this process should. */
    public Libraries() {
        this(System.getProperty(PROPERTY, ""), System.getenv(), List.of(Path.of("/usr/local"), Path.of("/opt")));
    }

    Libraries(String property, Map<String, String> environment, List<Path> roots) {
        this.property = property;
        this.environment = environment;
        this.roots = roots;
    }

    /**
     * Loads a library for the rest of the process.
     *
     * @throws IllegalStateException if it is found nowhere, or can't be loaded; the message says where was looked and what to do
     */
    public SymbolLookup load(Name name) {
        List<Path> directories = directories();
        List<String> failures = new ArrayList<>();
        for (Path directory : directories) {
            for (Path file : files(directory, name)) {
                try {
                    loadCompanions(directory, name);
                    return SymbolLookup.libraryLookup(file, Arena.global());
                } catch (IllegalArgumentException e) {
                    failures.add(file + " can't be loaded");
                }
            }
        }
        for (String file : loaderNames(name)) {
            try {
                return SymbolLookup.libraryLookup(file, Arena.global());
            } catch (IllegalArgumentException e) {
                failures.add(file + " is not on the loader's path");
            }
        }
        String looked = directories.stream().map(Path::toString).collect(Collectors.joining(", "));
        throw new IllegalStateException("no lib" + name.unix + "; looked in "
                + (looked.isEmpty() ? "no directory" : looked) + "; " + String.join(", ", failures) + "; " + name.remedy
                + ", or name its directory with -D" + PROPERTY + "=...");
    }

    /** NVRTC opens its built-ins by name when it first compiles: outside of the loader's path it finds them only if they are loaded. */
    private static void loadCompanions(Path directory, Name name) {
        if (name == Name.NVRTC) {
            for (Path file : list(directory, "libnvrtc-builtins.so*")) {
                SymbolLookup.libraryLookup(file, Arena.global());
            }
        }
    }

    /** Where is looked, in order; existing directories only, none twice. */
    List<Path> directories() {
        List<Path> found = new ArrayList<>();
        for (String directory : property.split(File.pathSeparator)) {
            if (!directory.isBlank()) {
                add(found, Path.of(directory));
            }
        }
        for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
            String home = environment.get(variable);
            if (home != null && !home.isBlank()) {
                addHome(found, Path.of(home));
            }
        }
        for (Path root : roots) {
            for (Path home : list(root, "cuda*")) {
                addHome(found, home);
            }
            // Where containers and virtual machines see the host's driver.
            add(found, root.resolve("nvidia/lib64"));
            add(found, root.resolve("nvidia/lib"));
        }
        return found;
    }

    private static void addHome(List<Path> found, Path home) {
        for (String folder : List.of("lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib", "bin")) {
            add(found, home.resolve(folder));
        }
    }

    private static void add(List<Path> found, Path directory) {
        if (Files.isDirectory(directory) && found.stream().noneMatch(other -> isSame(other, directory))) {
            found.add(directory);
        }
    }

    /** /usr/local/cuda is a link to one of its neighbours. */
    private static boolean isSame(Path a, Path b) {
        try {
            return Files.isSameFile(a, b);
        } catch (IOException e) {
            return a.equals(b);
        }
    }

    /** A library's files in a directory, the newest version first. */
    static List<Path> files(Path directory, Name name) {
        return list(directory, "*").stream()
                .filter(file -> name.matches(file.getFileName().toString()))
                .toList();
    }

    /** The entries that match, by descending version numbers in their names. */
    private static List<Path> list(Path directory, String glob) {
        List<Path> entries = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory, glob)) {
            stream.forEach(entries::add);
        } catch (IOException e) {
            // Not there, or not for us to read: then nothing is found in it.
            return List.of();
        }
        entries.sort(Comparator.comparing(Libraries::version).reversed());
        return entries;
    }

    /** Digits padded, so that 12.10 is after 12.9. */
    private static String version(Path file) {
        StringBuilder padded = new StringBuilder();
        for (String part : file.getFileName().toString().split("[^0-9]+")) {
            padded.append(part.isEmpty() ? "" : String.format("%08d", Long.parseLong(part)));
        }
        return padded.toString();
    }

    private static String windowsSuffix(Name name, String version) {
        return name == Name.NVRTC ? "_" + version + "0_0" : "_" + version;
    }

    private static List<String> loaderNames(Name name) {
        if (System.getProperty("os.name").startsWith("Windows")) {
            return name == Name.DRIVER
                    ? List.of("nvcuda.dll")
                    : name.versions.stream()
                            .map(version -> name.windows + windowsSuffix(name, version) + ".dll")
                            .toList();
        }
        return name.versions.stream()
                .map(version -> "lib" + name.unix + ".so." + version)
                .toList();
    }
}
