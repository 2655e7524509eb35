package io.lingen.internal.family;

import io.lingen.core.DType;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.internal.ParameterCount;
import io.lingen.internal.onnx.OnnxTextEncoderConfig;
import io.lingen.internal.onnx.OnnxTextEncoders;
import io.lingen.spi.MissingFiles;
import io.lingen.spi.ModelFact;
import io.lingen.spi.ModelSignature;
import io.lingen.spi.TextEncoderFacts;
import io.lingen.vae.AutoencoderConfig;
import io.lingen.vae.LatentVideoDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A model folder of the documented checkpoint format.
 *
 * @param source the files
 * @param index the locations of the components
 */
record ModelFolder(ModelSource source, ModelIndex index) {
    /** {@return the configuration of a component} */
    ConfigReader config(String component) {
        return source.config(configOf(component));
    }

    /** {@return whether a component has a configuration} */
    boolean hasConfig(String component) {
        return source.exists(configOf(component));
    }

    private static String configOf(String component) {
        return component + "/config.json";
    }

    /**
     * {@return the configuration of the decoder}
     *
     * @param channels the number of channels of the denoiser's latents
     * @throws CheckpointException if the decoder needs another number
     */
    AutoencoderConfig decoderOf(int channels) {
        AutoencoderConfig autoencoder = AutoencoderConfig.read(config(index.vae()));
        if (channels != autoencoder.latentChannels()) {
            throw new CheckpointException(source.name() + ": expected a decoder of latents with " + channels
                    + " channels, as the denoiser generates, found " + autoencoder.latentChannels()
                    + " channels; use a denoiser and a decoder of the same model");
        }
        return autoencoder;
    }

    /**
     * Checks that the text encoders have the widths that the denoiser was trained on.
     *
     * @param textDims the width of each encoder
     */
    void requireTextWidths(List<Integer> textDims) {
        List<String> encoders = index.textEncoders();
        if (encoders.size() != textDims.size()) {
            throw new CheckpointException(source.name() + ": expected " + textDims.size()
                    + " text encoders, one per element of the denoiser's text_dims " + textDims + ", found "
                    + encoders.size() + " in " + ModelSignature.FILE);
        }
        for (int i = 0; i < encoders.size(); i++) {
            ConfigReader json = config(encoders.get(i));
            int width = OnnxTextEncoderConfig.read(json).width();
            if (width != textDims.get(i)) {
                throw json.error(
                        "width",
                        width,
                        textDims.get(i) + ", the denoiser's text_dims[" + i + "]; use components of the same model");
            }
        }
    }

    /**
     * {@return all files that influence a video}
     *
     * @param textEncoders the folders of the text encoders
     */
    List<String> files(List<String> textEncoders) {
        List<String> files = new ArrayList<>(List.of(ModelSignature.FILE, configOf(index.scheduler())));
        if (index.thesaurus() != null) {
            files.add(index.thesaurus());
        }
        for (String component : List.of(index.transformer(), index.vae())) {
            files.add(configOf(component));
            files.addAll(source.tensorFiles(component));
        }
        for (String component : textEncoders) {
            files.addAll(OnnxTextEncoders.files(source, component));
        }
        return files;
    }

    /**
     * {@return the files that the folder lacks}
     *
     * @param textEncoders the folders of the ONNX text encoders, called after the other components are known
     * @param others the folders of other components with a configuration and tensors
     * @param tokenizer the tokenizer of a text encoder among the other components; null for none
     */
    MissingFiles missingFiles(Supplier<List<String>> textEncoders, List<String> others, @Nullable String tokenizer) {
        List<String> paths = new ArrayList<>();
        List<String> components = new ArrayList<>(List.of(index.transformer(), index.vae()));
        components.addAll(others);
        for (String component : components) {
            paths.add(configOf(component));
            paths.addAll(source.missingTensorFiles(component));
        }
        for (String component : textEncoders.get()) {
            paths.addAll(OnnxTextEncoders.missingFiles(source, component));
        }
        if (tokenizer != null) {
            paths.add(tokenizer);
        }
        paths.add(configOf(index.scheduler()));
        if (index.thesaurus() != null) {
            paths.add(index.thesaurus());
        }
        paths.removeIf(source::exists);
        return paths.isEmpty()
                ? MissingFiles.NONE
                : new MissingFiles(paths, "copy them from the original model (docs/checkpoint-format.md)");
    }

    /**
     * {@return facts about the decoder and the text encoders that are complete}
     *
     * @param missing the files that the folder lacks
     * @param textEncoders the folders of the text encoders
     */
    List<ModelFact> facts(MissingFiles missing, List<String> textEncoders) {
        List<ModelFact> facts = new ArrayList<>();
        if (!missing.affects(index.vae())) {
            AutoencoderConfig autoencoder = AutoencoderConfig.read(config(index.vae()));
            facts.add(new ModelFact(
                    "decoder",
                    String.format(
                            Locale.ROOT,
                            "compression %s, %d channels, %s",
                            autoencoder.compression(),
                            autoencoder.latentChannels(),
                            parameters(index.vae(), "decoder."))));
        }
        List<String> encoders = textEncoders.stream()
                .filter(component -> !missing.affects(component))
                .toList();
        if (!encoders.isEmpty()) {
            facts.add(new ModelFact(
                    "text",
                    String.join(", ", encoders) + ", widths "
                            + encoders.stream()
                                    .map(component -> OnnxTextEncoderConfig.read(config(component))
                                            .width())
                                    .toList()));
        }
        return facts;
    }

    /**
     * {@return the number of parameters of a component}
     *
     * @param prefix of the counted tensors, which excludes the encoder of an autoencoder
     */
    String parameters(String component, String prefix) {
        try (SafetensorsFile tensors = source.tensors(component)) {
            return ParameterCount.of(tensors, prefix);
        }
    }

    List<TextEncoderFacts> textEncoderFacts(List<String> textEncoders) {
        return textEncoders.stream()
                .map(component -> OnnxTextEncoders.facts(source, component))
                .toList();
    }

    LatentVideoDecoder loadDecoder(Backend backend, DType precision) {
        return LatentVideoDecoder.load(source, index.vae(), backend, precision);
    }
}
