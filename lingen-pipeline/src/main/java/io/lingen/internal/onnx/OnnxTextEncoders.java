package io.lingen.internal.onnx;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ForeignFile;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.internal.CloseableStack;
import io.lingen.spi.TextEncoderFacts;
import io.lingen.text.TextEncoder;
import io.lingen.text.TextEncoders;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Loader of the ONNX text encoders of a model. */
public final class OnnxTextEncoders {
    private static final String ONNX = "Export the encoder: optimum-cli export onnx --model NAME FOLDER";
    private static final String TOKENIZER = "Save a fast tokenizer in Python: tokenizer.save_pretrained(FOLDER)";

    private OnnxTextEncoders() {}

    /**
     * Loads the encoders of a model.
     *
     * @param source the model
     * @param components the folders of the encoders within the model
     * @param threads the number of threads to compute with
     * @return the encoders, to be closed by the caller
     * @throws CheckpointException if a file is missing or malformed
     */
    public static TextEncoders load(ModelSource source, List<String> components, int threads) {
        List<TextEncoder> encoders = new ArrayList<>();
        CloseableStack loaded = new CloseableStack();
        try {
            for (String component : components) {
                encoders.add(loaded.add(load(source, component, threads)));
            }
        } catch (RuntimeException | Error e) {
            loaded.closeAfter(e);
            throw e;
        }
        return new TextEncoders(encoders);
    }

    private static TextEncoder load(ModelSource source, String component, int threads) {
        OnnxTextEncoderConfig config = config(source, component);
        List<URL> onnx = onnx(source, component, config);
        URL tokenizer = config.isEmbedded()
                ? resource(config.embeddedName() + "-tokenizer.json")
                : checked(source, component + "/" + config.tokenizer(), "a tokenizer.json", TOKENIZER);
        try (InputStream json = tokenizer.openStream()) {
            Path model = UnpackedResource.file(onnx.get(0));
            for (URL data : onnx.subList(1, onnx.size())) {
                requireNextTo(model, UnpackedResource.file(data));
            }
            return OnnxTextEncoder.load(component, config, model, json, threads);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Requires external data next to the model, where ONNX Runtime reads them. */
    private static void requireNextTo(Path model, Path data) {
        if (!Objects.equals(model.getParent(), data.getParent())) {
            throw new CheckpointException(model + ": expected external data in the folder of the model, found " + data
                    + "; put both files into one folder");
        }
    }

    private static OnnxTextEncoderConfig config(ModelSource source, String component) {
        return OnnxTextEncoderConfig.read(source.config(configOf(component)));
    }

    private static String configOf(String component) {
        return component + "/config.json";
    }

    /** The ONNX file of an encoder, followed by the files of its external data. */
    private static List<URL> onnx(ModelSource source, String component, OnnxTextEncoderConfig config) {
        return config.isEmbedded()
                ? List.of(resource(config.embeddedName() + ".onnx"))
                : onnxFiles(source, component, config).stream().map(source::url).toList();
    }

    private static List<String> onnxFiles(ModelSource source, String component, OnnxTextEncoderConfig config) {
        String path = component + "/" + config.model();
        checked(source, path, "an ONNX model", ONNX);
        String folder = path.substring(0, path.lastIndexOf('/') + 1);
        List<String> files = new ArrayList<>(List.of(path));
        ExternalData.files(source.name() + "/" + path, source.memory(path)).forEach(name -> files.add(folder + name));
        return files;
    }

    private static URL checked(ModelSource source, String path, String expected, String conversion) {
        URL url = source.url(path);
        try (InputStream stream = url.openStream()) {
            MemorySegment start = MemorySegment.ofArray(stream.readNBytes(ForeignFile.LOOKED_AT));
            ForeignFile.refuse(source.name() + "/" + path, expected, conversion, start);
            return url;
        } catch (IOException e) {
            throw new CheckpointException(source + ": expected a readable file " + path + ", found " + e, e);
        }
    }

    private static URL resource(String name) {
        URL url = OnnxTextEncoders.class.getClassLoader().getResource(name);
        if (url == null) {
            throw new CheckpointException("expected the text encoder's file " + name
                    + " on the class path, found none; add the jar that contains it, or set an .onnx file in the"
                    + " encoder's config.json");
        }
        return url;
    }

    /**
     * {@return the paths, within the model, of all files of an encoder}
     *
     * @param source the model
     * @param component the folder of the encoder within the model
     * @throws CheckpointException if the configuration or the ONNX file is missing or malformed
     */
    public static List<String> files(ModelSource source, String component) {
        List<String> files = new ArrayList<>(List.of(configOf(component)));
        OnnxTextEncoderConfig config = config(source, component);
        if (!config.isEmbedded()) {
            files.addAll(onnxFiles(source, component, config));
            files.add(component + "/" + config.tokenizer());
        }
        return files;
    }

    /**
     * {@return the paths, within the model, of the files of an encoder that do not exist}
     *
     * @param source the model
     * @param component the folder of the encoder within the model
     * @throws CheckpointException if the configuration or the ONNX file is malformed
     */
    public static List<String> missingFiles(ModelSource source, String component) {
        if (!source.exists(configOf(component))) {
            return List.of(configOf(component));
        }
        OnnxTextEncoderConfig config = config(source, component);
        if (config.isEmbedded()) {
            return List.of();
        }
        List<String> files = new ArrayList<>(List.of(component + "/" + config.tokenizer()));
        String model = component + "/" + config.model();
        files.addAll(source.exists(model) ? onnxFiles(source, component, config) : List.of(model));
        files.removeIf(source::exists);
        return files;
    }

    /**
     * Reads facts about an encoder without loading it.
     *
     * @param source the model
     * @param component the folder of the encoder within the model
     * @return the facts
     * @throws CheckpointException if the configuration or the ONNX file is missing or malformed
     */
    public static TextEncoderFacts facts(ModelSource source, String component) {
        OnnxTextEncoderConfig config = config(source, component);
        try {
            long bytes = 0;
            for (URL url : onnx(source, component, config)) {
                URLConnection file = url.openConnection();
                file.setUseCaches(false);
                bytes += Math.max(0, file.getContentLengthLong());
                file.getInputStream().close();
            }
            // Loading needs the file and the loaded model in memory at the same time.
            return new TextEncoderFacts(
                    config.maxTokens(),
                    config.width(),
                    bytes,
                    2 * bytes,
                    config.isEmbedded() ? List.of() : files(source, component));
        } catch (IOException e) {
            throw new CheckpointException(
                    source + ": expected a readable text encoder " + config.model() + ", found " + e, e);
        }
    }
}
