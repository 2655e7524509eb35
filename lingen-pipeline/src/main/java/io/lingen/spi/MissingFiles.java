package io.lingen.spi;

import java.util.List;

/**
 * The files that a model needs and its folder lacks, for example after an incomplete download.
 *
 * @param paths the paths within the model, or patterns such as "vae/*"; empty if the model is complete
 * @param remedy how to get the files, for example the command that downloads them
 */
public record MissingFiles(List<String> paths, String remedy) {
    /** No files: the model is complete. */
    public static final MissingFiles NONE = new MissingFiles(List.of(), "");

    private static final int LISTED = 5;

    /** Copies the list. */
    public MissingFiles {
        paths = List.copyOf(paths);
    }

    /** {@return whether the model is complete} */
    public boolean isEmpty() {
        return paths.isEmpty();
    }

    /**
     * {@return whether a file of a component is missing}
     *
     * @param component the folder of the component within the model
     */
    public boolean affects(String component) {
        return paths.stream().anyMatch(path -> path.startsWith(component + "/"));
    }

    /** {@return the paths for messages: at most five} */
    @Override
    public String toString() {
        return String.join(", ", paths.subList(0, Math.min(LISTED, paths.size())))
                + (paths.size() > LISTED ? " and " + (paths.size() - LISTED) + " more" : "");
    }
}
