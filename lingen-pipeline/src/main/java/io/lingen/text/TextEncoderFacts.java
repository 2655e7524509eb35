package io.lingen.text;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import java.io.IOException;
import java.net.URLConnection;

/**
 * A text encoder as it is known without loading it.
 *
 * @param maxTokens the token cap
 * @param width the width of the vectors
 * @param bytes of its weights, which it holds once it is loaded, and twice as many for a moment while it is
 */
public record TextEncoderFacts(int maxTokens, int width, long bytes) {
    /**
     * Reads an encoder's configuration.
     *
     * @param component the folder of the encoder inside the model
     * @throws CheckpointException if configuration or model are missing
     */
    public static TextEncoderFacts of(ModelSource source, String component) {
        OnnxTextEncoderConfig config = OnnxTextEncoderConfig.read(source.config(component + "/config.json"));
        try {
            URLConnection file = TextEncoders.modelOf(source, component, config).openConnection();
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
