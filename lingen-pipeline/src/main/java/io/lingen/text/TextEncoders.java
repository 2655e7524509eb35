package io.lingen.text;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ForeignFile;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.TextEmbedding;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** A model's text encoders, in the order in which the denoiser concatenates their tokens. Owns them. */
public final class TextEncoders implements AutoCloseable {
    private static final String ONNX = "Export the encoder: optimum-cli export onnx --model NAME FOLDER";
    private static final String TOKENIZER = "Save a fast tokenizer in Python: tokenizer.save_pretrained(FOLDER)";

    private final List<TextEncoder> encoders;

    /** Takes ownership of the given encoders. */
    public TextEncoders(List<? extends TextEncoder> encoders) {
        this.encoders = List.copyOf(encoders);
    }

    /**
     * Loads the encoders of a model.
     *
     * @param components the folders of the encoders inside the model
     * @param threads the number of threads to compute with
     * @throws CheckpointException if one can't be loaded
     */
    public static TextEncoders load(ModelSource source, List<String> components, int threads) {
        List<TextEncoder> encoders = new ArrayList<>();
        try {
            for (String component : components) {
                encoders.add(load(source, component, threads));
            }
        } catch (RuntimeException e) {
            encoders.forEach(TextEncoder::close);
            throw e;
        }
        return new TextEncoders(encoders);
    }

    private static TextEncoder load(ModelSource source, String component, int threads) {
        OnnxTextEncoderConfig config = OnnxTextEncoderConfig.read(source.config(component + "/config.json"));
        try (InputStream onnx = config.isEmbedded()
                        ? resource(config.embeddedName() + ".onnx")
                        : file(source, component + "/" + config.model(), "an ONNX model", ONNX);
                InputStream tokenizer = config.isEmbedded()
                        ? resource(config.embeddedName() + "-tokenizer.json")
                        : file(source, component + "/" + config.tokenizer(), "a tokenizer.json", TOKENIZER)) {
            return OnnxTextEncoder.load(component, config, onnx, tokenizer, threads);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static InputStream file(ModelSource source, String path, String expected, String conversion) {
        byte[] bytes = source.read(path);
        ForeignFile.refuse(source.name() + "/" + path, expected, conversion, MemorySegment.ofArray(bytes));
        return new ByteArrayInputStream(bytes);
    }

    private static InputStream resource(String name) {
        InputStream stream = TextEncoders.class.getClassLoader().getResourceAsStream(name);
        if (stream == null) {
            throw new CheckpointException(
                    "the text encoder's file " + name
                            + " is not on the class path; add the jar that embeds it, or name an .onnx file in text_encoder/config.json");
        }
        return stream;
    }

    /** The encoders, in order. */
    public List<TextEncoder> all() {
        return encoders;
    }

    /** A prompt as every encoder sees it, in order. */
    public List<TextEmbedding> encode(String prompt) {
        return encoders.stream().map(encoder -> encoder.encode(prompt)).toList();
    }

    @Override
    public void close() {
        encoders.forEach(TextEncoder::close);
    }
}
