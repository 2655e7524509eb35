package io.lingen.cuda.internal.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.cuda.internal.driver.Libraries.Name;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests of the search for libraries, and of its error. */
final class LibrariesTest {
    @TempDir
    Path folder;

    @Test
    void directoriesAreOrdered() throws IOException {
        Path named = directory("named");
        Path home = directory("home/lib64");
        Path path = directory("path/targets/x86_64-linux/lib");
        Path old = directory("local/cuda-12.9/lib64");
        Path newest = directory("local/cuda-12.10/lib64");
        Path mounted = directory("local/nvidia/lib64");
        Libraries libraries = new Libraries(
                named + File.pathSeparator + folder.resolve("missing"),
                Map.of(
                        "CUDA_HOME", folder.resolve("home").toString(),
                        "CUDA_PATH", folder.resolve("path").toString()),
                List.of(folder.resolve("local")));
        assertEquals(List.of(named, home, path, newest, old, mounted), libraries.directories());
    }

    @Test
    void newestVersionIsFirstAndOtherLibrariesAreIgnored() throws IOException {
        for (String file : List.of(
                "libnvrtc.so.12",
                "libnvrtc.so.13",
                "libnvrtc-builtins.so.13.0",
                "libnvrtc.alt.so.13",
                "libcuda.so.1")) {
            Files.createFile(folder.resolve(file));
        }
        assertEquals(
                List.of("libnvrtc.so.13", "libnvrtc.so.12"),
                Libraries.files(folder, Name.NVRTC).stream()
                        .map(file -> file.getFileName().toString())
                        .toList());
        assertTrue(Name.DRIVER.matches("nvcuda.dll"));
        assertTrue(Name.NVRTC.matches("nvrtc64_130_0.dll"));
        assertTrue(Name.CUBLAS_LT.matches("libcublasLt.so.13.1.1.3"));
        assertFalse(Name.DRIVER.matches("libcudart.so.13"));
        assertFalse(Name.CUBLAS_LT.matches("libcublas.so.13"));
    }

    @Test
    void errorsNameTheSearchedDirectoriesAndTheRemedy() throws IOException {
        Path broken = Files.writeString(directory("broken").resolve("libcublasLt.so.13"), "not a library");
        Libraries libraries = new Libraries(broken.getParent().toString(), Map.of(), List.of());
        String message = assertThrows(IllegalStateException.class, () -> libraries.load(Name.CUBLAS_LT))
                .getMessage();
        for (String part : List.of(
                "libcublasLt must be installed, found none in " + broken.getParent(),
                broken + " cannot be loaded",
                "libcublasLt.so.12 is not on the path of the loader",
                "install the CUDA toolkit",
                "-Dlingen.cuda.path=")) {
            assertTrue(message.contains(part), message);
        }
    }

    private Path directory(String name) throws IOException {
        return Files.createDirectories(folder.resolve(name));
    }
}
