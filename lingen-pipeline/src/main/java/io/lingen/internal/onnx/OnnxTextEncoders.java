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
import java.net.URI;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Loader;

/** Loads the ONNX text encoders of a model folder, or of the jar that embeds them. */
public final class OnnxTextEncoders {
    private static final String ONNX = "Export the encoder: optimum-cli export onnx --model NAME FOLDER";
    private static final String TOKENIZER = "Save a fast tokenizer in Python: tokenizer.save_pretrained(FOLDER)";

    private OnnxTextEncoders() {}

    /**
     * Loads the encoders of a model.
     *
     * @param components the folders of the encoders inside the model
     * @param threads the number of threads to compute with
     * @throws CheckpointException if one can't be loaded
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
        OnnxTextEncoderConfig config = OnnxTextEncoderConfig.read(source.config(component + "/config.json"));
        URL onnx = modelOf(source, component, config);
        URL tokenizer = config.isEmbedded()
                ? resource(config.embeddedName() + "-tokenizer.json")
                : checked(source, component + "/" + config.tokenizer(), "a tokenizer.json", TOKENIZER);
        try (InputStream json = tokenizer.openStream()) {
            return OnnxTextEncoder.load(component, config, file(onnx), json, threads);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Where an encoder's model is. */
    private static URL modelOf(ModelSource source, String component, OnnxTextEncoderConfig config) {
        return config.isEmbedded()
                ? resource(config.embeddedName() + ".onnx")
                : checked(source, component + "/" + config.model(), "an ONNX model", ONNX);
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

    /** The file itself; what lies in a jar is unpacked once to JavaCPP's cache, where the native libraries lie. */
    private static Path file(URL url) throws IOException {
        return url.getProtocol().equals("file")
                ? Path.of(URI.create(url.toString()))
                : Loader.cacheResource(url).toPath();
    }

    private static URL resource(String name) {
        URL url = OnnxTextEncoders.class.getClassLoader().getResource(name);
        if (url == null) {
            throw new CheckpointException(
                    "the text encoder's file " + name
                            + " is not on the class path; add the jar that embeds it, or name an .onnx file in text_encoder/config.json");
        }
        return url;
    }

    /**
     * Reads an encoder's configuration.
     *
     * @param component the folder of the encoder inside the model
     * @throws CheckpointException if configuration or model are missing
     */
    public static TextEncoderFacts facts(ModelSource source, String component) {
        OnnxTextEncoderConfig config = OnnxTextEncoderConfig.read(source.config(component + "/config.json"));
        try {
            URLConnection file = modelOf(source, component, config).openConnection();
            file.setUseCaches(false);
            long bytes = file.getContentLengthLong();
            file.getInputStream().close();
            return new TextEncoderFacts(config.maxTokens(), config.width(), Math.max(0, bytes));
        } catch (IOException e) {
            throw new CheckpointException(
                    source + ": expected a readable text encoder " + config.model() + ", found " + e, e);
        }
    }
}
