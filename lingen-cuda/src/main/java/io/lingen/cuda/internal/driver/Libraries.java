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
 * The search for the CUDA libraries. It looks in the directories of the system property {@link #PROPERTY}, in those of {@code CUDA_HOME}
 * and {@code CUDA_PATH}, in {@code /usr/local/cuda*}, in the directories where containers mount drivers, and on the path of the loader.
 * Within a directory, the newest version is selected.
 */
@SuppressWarnings("restricted")
public final class Libraries {
    /** The system property for directories of CUDA libraries, with the path separator of the system. */
    public static final String PROPERTY = "lingen.cuda.path";

    /** The libraries, each with the remedy if it is missing. */
    public enum Name {
        /** The CUDA driver. */
        DRIVER("cuda", "nvcuda", "1", "install NVIDIA's driver, version 525 or newer"),
        /** The run-time compiler. */
        NVRTC("nvrtc", "nvrtc64", "13,12", "install the CUDA toolkit, 12.0 or newer"),
        /** The GEMM library. */
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

        /** Returns whether a file is this library. For NVRTC, libnvrtc.so.13 is, and libnvrtc-builtins.so.13.0 is not. */
        boolean matches(String file) {
            return file.matches("lib" + unix + "\\.so(\\.\\d+)*") || file.matches(windows + "(_\\d+)*\\.dll");
        }
    }

    private final String property;
    private final Map<String, String> environment;
    private final List<Path> roots;

    /** Creates a search with the property and the environment of this process. */
    public Libraries() {
        this(System.getProperty(PROPERTY, ""), System.getenv(), List.of(Path.of("/usr/local"), Path.of("/opt")));
    }

    Libraries(String property, Map<String, String> environment, List<Path> roots) {
        this.property = property;
        this.environment = environment;
        this.roots = roots;
    }

    /**
     * Loads a library until the process ends.
     *
     * @param name the library
     * @return its functions
     * @throws IllegalStateException if it is missing or cannot be loaded; the message has the searched directories and the remedy
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
                    failures.add(file + " cannot be loaded");
                }
            }
        }
        for (String file : loaderNames(name)) {
            try {
                return SymbolLookup.libraryLookup(file, Arena.global());
            } catch (IllegalArgumentException e) {
                failures.add(file + " is not on the path of the loader");
            }
        }
        String searched = directories.stream().map(Path::toString).collect(Collectors.joining(", "));
        throw new IllegalStateException("lib" + name.unix + " must be installed, found none"
                + (searched.isEmpty() ? "" : " in " + searched) + " (" + String.join(", ", failures) + "); "
                + name.remedy
                + ", or set its directory with -D" + PROPERTY + "=...");
    }

    /**
     * Loads the built-ins of NVRTC, which it opens by name at its first compilation. Outside the path of the loader, they must be loaded
     * before.
     */
    private static void loadCompanions(Path directory, Name name) {
        if (name == Name.NVRTC) {
            for (Path file : list(directory, "libnvrtc-builtins.so*")) {
                SymbolLookup.libraryLookup(file, Arena.global());
            }
        }
    }

    /** Returns the directories to search, in order: distinct and existing. */
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
            // Containers and virtual machines mount the driver of the host here.
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

    /** Returns whether two directories are the same. For example, /usr/local/cuda is a link to one of its neighbors. */
    private static boolean isSame(Path a, Path b) {
        try {
            return Files.isSameFile(a, b);
        } catch (IOException e) {
            return a.equals(b);
        }
    }

    /** Returns the files of a library in a directory, the newest version first. */
    static List<Path> files(Path directory, Name name) {
        return list(directory, "*").stream()
                .filter(file -> name.matches(file.getFileName().toString()))
                .toList();
    }

    /** Returns the matching entries by descending version number. */
    private static List<Path> list(Path directory, String glob) {
        List<Path> entries = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory, glob)) {
            stream.forEach(entries::add);
        } catch (IOException e) {
            // A missing or unreadable directory has no entries.
            return List.of();
        }
        entries.sort(Comparator.comparing(Libraries::version).reversed());
        return entries;
    }

    /** Returns the version with padded digits, so 12.10 sorts after 12.9. */
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
