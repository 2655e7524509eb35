package io.lingen.cpu.internal.dnnl;

import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.util.List;
import org.bytedeco.javacpp.Loader;
import org.jspecify.annotations.Nullable;

/** The native library of oneDNN. It is unpacked from the class path to JavaCPP's cache and loaded once per process. */
@SuppressWarnings("restricted")
final class DnnlLoader {
    /** The files of each platform, dependencies first. */
    private static final List<List<String>> FILES = List.of(
            List.of("libgomp.so.1", "libdnnl.so.3"),
            List.of("libomp.dylib", "libdnnl.3.dylib"),
            List.of("libomp140.x86_64.dll", "dnnl.dll"));

    private static final @Nullable SymbolLookup LIBRARY;
    private static final String REASON;

    static {
        SymbolLookup library = null;
        String reason = "";
        try {
            library = load();
        } catch (IOException | RuntimeException | LinkageError e) {
            reason = e.getMessage() == null ? e.toString() : e.getMessage();
        }
        LIBRARY = library;
        REASON = reason;
    }

    private DnnlLoader() {}

    /** Returns the functions of the library and of its OpenMP runtime, or null if it cannot be loaded. */
    static @Nullable SymbolLookup library() {
        return LIBRARY;
    }

    /** Returns the reason why the library cannot be loaded, and the remedy. */
    static String reason() {
        return REASON;
    }

    private static SymbolLookup load() throws IOException {
        String platform = Loader.getPlatform();
        String folder = "/org/bytedeco/dnnl/" + platform + "/";
        for (List<String> names : FILES) {
            File file = null;
            for (String name : names) {
                File unpacked = Loader.cacheResource(DnnlLoader.class, folder + name);
                file = unpacked == null && file == null ? null : unpacked;
            }
            if (file != null) {
                SymbolLookup library = SymbolLookup.libraryLookup(file.toPath(), Arena.global());
                for (String symbol : List.of("dnnl_version", "omp_set_num_threads", "omp_get_max_threads")) {
                    if (library.find(symbol).isEmpty()) {
                        throw new IllegalStateException(file + " must have the function " + symbol
                                + ", found none; use oneDNN 3 with OpenMP, as in org.bytedeco:dnnl");
                    }
                }
                return library;
            }
        }
        throw new IllegalStateException("no oneDNN for " + platform
                + " on the class path; add org.bytedeco:dnnl with the classifier " + platform);
    }
}
