package io.lingen.internal.diffusers;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.spi.MissingFiles;
import io.lingen.spi.ModelOptions;
import io.lingen.spi.ModelSignature;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * A folder in the layout of diffusers: a folder for each of the components {@value #TRANSFORMER}, {@value #VAE} and {@value #TEXT_ENCODER}, and
 * those of the tokenizer and the scheduler.
 *
 * @param source the files of the model, with the options applied
 * @param options files that replace or change the transformer
 */
public record DiffusersFolder(ModelSource source, ModelOptions options) {
    /** The component that denoises. */
    public static final String TRANSFORMER = "transformer";

    /** The component that decodes. */
    public static final String VAE = "vae";

    /** The component that encodes prompts. */
    public static final String TEXT_ENCODER = "text_encoder";

    /** The file of the tokenizer. */
    public static final String TOKENIZER = "tokenizer/tokenizer.json";

    private static final String SCHEDULER = "scheduler/scheduler_config.json";

    /**
     * {@return the configuration of a component}
     *
     * @param component the name of the component
     * @throws CheckpointException if it is missing or malformed
     */
    public ConfigReader config(String component) {
        return source.config(configPath(component));
    }

    /**
     * {@return whether a component has a configuration}
     *
     * @param component the name of the component
     */
    public boolean hasConfig(String component) {
        return source.exists(configPath(component));
    }

    private static String configPath(String component) {
        return component + "/config.json";
    }

    /**
     * {@return the configuration of the scheduler}
     *
     * @throws CheckpointException if it is missing or malformed
     */
    public DiffusersScheduler scheduler() {
        return DiffusersScheduler.read(source.config(SCHEDULER));
    }

    /**
     * {@return the weights of the transformer: those of the options, or else the folder's} The caller closes them.
     *
     * @throws CheckpointException if they are missing or malformed
     */
    public SafetensorsFile transformer() {
        return options.denoiser() == null ? source.tensors(TRANSFORMER) : source.open(ModelOptions.DENOISER);
    }

    /**
     * {@return the weights of the autoencoder} The caller closes them.
     *
     * @throws CheckpointException if they are missing or malformed
     */
    public SafetensorsFile autoencoder() {
        return source.tensors(VAE);
    }

    /**
     * {@return the paths of all files that influence a video}
     *
     * @param ofText the files of the text encoder and its tokenizer
     * @throws CheckpointException if weights are missing
     */
    public List<String> files(List<String> ofText) {
        List<String> files =
                new ArrayList<>(List.of(ModelSignature.FILE, SCHEDULER, configPath(TRANSFORMER), configPath(VAE)));
        if (options.denoiser() == null) {
            files.addAll(source.tensorFiles(TRANSFORMER));
        } else {
            files.add(ModelOptions.DENOISER);
        }
        for (int i = 0; i < options.adapters().size(); i++) {
            files.add(options.adapterPath(i));
        }
        files.addAll(source.tensorFiles(VAE));
        files.addAll(ofText);
        return files;
    }

    /**
     * {@return the files that the folder lacks, with the command that downloads them}
     *
     * @param repository supplies the publisher's repository; called if a file is missing
     * @throws CheckpointException if there are only weights in a format that is not read
     */
    public MissingFiles missingFiles(Supplier<String> repository) {
        List<String> paths = new ArrayList<>();
        for (String component : List.of(TRANSFORMER, VAE, TEXT_ENCODER)) {
            if (!hasConfig(component)) {
                paths.add(configPath(component));
            }
            if (!component.equals(TRANSFORMER) || options.denoiser() == null) {
                paths.addAll(source.missingTensorFiles(component));
            }
        }
        for (String path : List.of(TOKENIZER, SCHEDULER)) {
            if (!source.exists(path)) {
                paths.add(path);
            }
        }
        if (paths.isEmpty()) {
            return MissingFiles.NONE;
        }
        String patterns =
                paths.stream().map(path -> " --include '" + path + "'").collect(Collectors.joining());
        return new MissingFiles(
                paths, "download them: hf download " + repository.get() + " --local-dir '" + source + "'" + patterns);
    }

    /**
     * Checks that the transformer and the autoencoder are of one model.
     *
     * @param transformer the channels of the transformer's latents
     * @param autoencoder the channels of the autoencoder's latents
     * @throws CheckpointException if they differ
     */
    public void requireSameChannels(int transformer, int autoencoder) {
        if (transformer != autoencoder) {
            throw new CheckpointException(source.name() + ": expected a transformer and an autoencoder of one model,"
                    + " found latents of " + transformer + " and " + autoencoder + " channels");
        }
    }

    /**
     * Checks that the transformer and the text encoder are of one model.
     *
     * @param transformer the width of the text rows that the transformer reads
     * @param encoder the width of the text encoder's rows
     * @throws CheckpointException if they differ
     */
    public void requireSameTextWidth(int transformer, int encoder) {
        if (transformer != encoder) {
            throw new CheckpointException(source.name() + ": expected a transformer and a text encoder of one model,"
                    + " found embeddings of width " + transformer + " and " + encoder);
        }
    }
}
