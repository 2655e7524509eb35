package io.lingen.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;

/** A change to the files of a model. */
interface Damage extends Consumer<Path> {
    static Damage write(String file, String content) {
        return write(file, content.getBytes(StandardCharsets.UTF_8));
    }

    static Damage write(String file, byte[] content) {
        return model -> unchecked(() -> {
            // A new file: one that is mapped must not change.
            Files.deleteIfExists(model.resolve(file));
            return Files.write(model.resolve(file), content);
        });
    }

    static Damage remove(String file) {
        return model -> unchecked(() -> Files.deleteIfExists(model.resolve(file)));
    }

    static Damage folder(String file) {
        return model -> unchecked(() -> Files.createDirectory(model.resolve(file)));
    }

    static Damage cut(String file, int length) {
        return model ->
                write(file, Arrays.copyOf(read(model.resolve(file)), length)).accept(model);
    }

    static Damage grown(String file) {
        return model -> {
            byte[] content = read(model.resolve(file));
            write(file, Arrays.copyOf(content, content.length + 1)).accept(model);
        };
    }

    /** Sets a field with a dotted path to a JSON value, or removes it if the value is null. */
    static Damage set(String file, String path, String value) {
        return model -> unchecked(() -> {
            JsonNode root = new ObjectMapper().readTree(read(model.resolve(file)));
            String[] names = path.split("\\.");
            JsonNode node = root;
            for (int i = 0; i < names.length - 1; i++) {
                node = node.get(names[i]);
            }
            String name = names[names.length - 1];
            if (value == null) {
                ((ObjectNode) node).remove(name);
            } else {
                ((ObjectNode) node).set(name, new ObjectMapper().readTree(value));
            }
            return Files.write(model.resolve(file), new ObjectMapper().writeValueAsBytes(root));
        });
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** An action on files. */
    interface Action {
        Object run() throws IOException;
    }

    private static void unchecked(Action action) {
        try {
            action.run();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
