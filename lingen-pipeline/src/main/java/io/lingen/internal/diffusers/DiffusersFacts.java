package io.lingen.internal.diffusers;

import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.internal.SafeText;
import io.lingen.spi.MissingFiles;
import io.lingen.spi.ModelFact;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** Facts about a folder, of which components may be missing, for {@code lingen info}. */
public final class DiffusersFacts {
    private static final List<String> LICENSES = List.of("LICENSE", "LICENSE.txt", "LICENSE.md");
    private static final int MAX_LICENSE_BYTES = 1 << 20;

    private final ModelSource source;
    private final MissingFiles missing;
    private final List<ModelFact> facts = new ArrayList<>();

    /**
     * Starts a list of facts.
     *
     * @param folder the folder
     * @param missing the files that it lacks
     */
    public DiffusersFacts(DiffusersFolder folder, MissingFiles missing) {
        this.source = folder.source();
        this.missing = missing;
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
        if (!missing.affects(component)) {
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

    /** {@return the facts so far} */
    public List<ModelFact> all() {
        return List.copyOf(facts);
    }
}
