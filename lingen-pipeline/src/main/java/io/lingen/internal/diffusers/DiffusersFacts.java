package io.lingen.internal.diffusers;

import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.NamedTensors;
import io.lingen.core.internal.SafeText;
import io.lingen.spi.ModelFact;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** Facts about a folder, of which components may be missing, for {@code lingen info}. */
public final class DiffusersFacts {
    private static final List<String> LICENSES = List.of("LICENSE", "LICENSE.txt", "LICENSE.md");
    private static final int MAX_LICENSE_BYTES = 1 << 20;

    private final ModelSource source;
    private final List<String> missing;
    private final List<ModelFact> facts = new ArrayList<>();

    /**
     * Starts a list of facts.
     *
     * @param folder the folder
     */
    public DiffusersFacts(DiffusersFolder folder) {
        this.source = folder.source();
        this.missing = folder.missing();
    }

    /**
     * Adds a fact.
     *
     * @param name one word
     * @param text the fact
     */
    public void add(String name, String text) {
        facts.add(new ModelFact(name, text));
    }

    /**
     * Adds a fact about a component, unless a file of the component is missing.
     *
     * @param component the name of the component
     * @param name one word
     * @param text the fact
     */
    public void addOf(String component, String name, Supplier<String> text) {
        if (!missing.contains(component)) {
            add(name, text.get());
        }
    }

    /** Adds the first line of the license, if the folder has one. */
    public void addLicense() {
        for (String path : LICENSES) {
            if (source.exists(path)) {
                String text = new String(source.read(path, MAX_LICENSE_BYTES), StandardCharsets.UTF_8);
                text.lines()
                        .map(String::strip)
                        .filter(line -> !line.isEmpty())
                        .findFirst()
                        .ifPresent(line -> add("license", SafeText.of(line) + " (" + path + ")"));
                return;
            }
        }
    }

    /**
     * Adds the components that are missing and the command that downloads them, if there are any.
     *
     * @param repository the publisher's repository
     */
    public void addMissing(Supplier<String> repository) {
        if (!missing.isEmpty()) {
            add(
                    "missing",
                    String.join(", ", missing) + "; download: hf download " + repository.get() + " --local-dir "
                            + source + " --include "
                            + missing.stream()
                                    .map(component -> "'" + component + "/*'")
                                    .collect(Collectors.joining(" ")));
        }
    }

    /** {@return the facts so far} */
    public List<ModelFact> all() {
        return List.copyOf(facts);
    }

    /**
     * {@return the number of parameters, for example "1.42 billion parameters"}
     *
     * @param tensors the weights
     * @param prefix the beginning of the names that count
     */
    public static String parameters(NamedTensors tensors, String prefix) {
        long parameters = tensors.names().stream()
                .filter(name -> name.startsWith(prefix))
                .mapToLong(name -> tensors.tensor(name).shape().elements())
                .sum();
        return parameters < 1e9
                ? String.format(Locale.ROOT, "%.1f million parameters", parameters / 1e6)
                : String.format(Locale.ROOT, "%.2f billion parameters", parameters / 1e9);
    }
}
