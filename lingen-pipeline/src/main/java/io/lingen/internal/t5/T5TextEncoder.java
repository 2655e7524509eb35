package io.lingen.internal.t5;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.internal.text.EncoderFiles;
import io.lingen.internal.text.LayeredEncoder;
import io.lingen.internal.text.TokenEncoder;
import io.lingen.internal.tokenizer.PromptTokenizer;
import io.lingen.spi.TextEncoderFacts;
import io.lingen.text.TextEncoder;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * A text encoder T5 v1.1 or UMT5 with its tokenizer. An embedding has one row per token and no padding. Thread-safe; concurrent calls run
 * one at a time.
 */
public final class T5TextEncoder implements TextEncoder, TokenEncoder {
    private final Layout layout;
    private final PromptTokenizer tokenizer;
    private final LayeredEncoder encoder;

    private T5TextEncoder(Layout layout, PromptTokenizer tokenizer, LayeredEncoder encoder) {
        this.layout = layout;
        this.tokenizer = tokenizer;
        this.encoder = encoder;
    }

    /**
     * The files of a text encoder in a model, and settings.
     *
     * @param component the folder of the encoder: config.json and model.safetensors, or an index and its shards
     * @param tokenizer the path of the tokenizer.json
     * @param maxTokens the largest number of tokens of a prompt, special tokens included
     * @param cleaning the normalization of a prompt before it is tokenized
     * @param keepLayers whether the layers are kept in memory; otherwise every call reads them from the file
     */
    public record Layout(
            String component, String tokenizer, int maxTokens, UnaryOperator<String> cleaning, boolean keepLayers) {
        private EncoderFiles encoderFiles() {
            return new EncoderFiles(component, tokenizer, T5Network::read);
        }

        /**
         * {@return the paths inside the model of all files of the encoder}
         *
         * @param source the model
         * @throws CheckpointException if the tensors are missing
         */
        public List<String> files(ModelSource source) {
            return encoderFiles().paths(source);
        }

        /**
         * {@return the properties of the encoder} Reads shapes, not weights.
         *
         * @param source the model
         * @param backend the backend that the encoder would be loaded for
         * @param precision the type of matrix products and of the activations between them, F32 or BF16
         * @throws CheckpointException if configuration and tensors are missing or don't fit each other
         */
        public TextEncoderFacts facts(ModelSource source, Backend backend, DType precision) {
            // The longest prompt and negative prompt.
            LayeredEncoder.MemoryNeed need = LayeredEncoder.memoryNeed(
                    source, encoderFiles(), backend, precision, keepLayers, maxTokens, maxTokens);
            return new TextEncoderFacts(maxTokens, width(source, component), need.held(), need.peak(), files(source));
        }
    }

    /**
     * {@return the width of an encoder's vectors, from its configuration}
     *
     * @param source the model
     * @param component the folder of the encoder
     * @throws CheckpointException if the configuration is missing or malformed
     */
    public static int width(ModelSource source, String component) {
        return T5Config.read(source.config(component + "/config.json")).modelWidth();
    }

    /**
     * Loads a text encoder.
     *
     * @param source the model
     * @param layout the parts of the encoder
     * @param backend computes; closed after this encoder
     * @param precision the type of matrix products and of the activations between them, F32 or BF16
     * @return the encoder, to be closed by the caller
     * @throws CheckpointException if a file is missing or malformed, or if the files don't fit each other
     */
    public static T5TextEncoder load(ModelSource source, Layout layout, Backend backend, DType precision) {
        EncoderFiles files = layout.encoderFiles();
        PromptTokenizer tokenizer = files.tokenizer(source, layout.maxTokens);
        if (tokenizer.closingTokens() == 0) {
            throw new CheckpointException(files.tokenizerName(source)
                    + ": expected a post_processor that adds </s> to every prompt,"
                    + " found none; use the tokenizer of a T5 encoder");
        }
        return new T5TextEncoder(
                layout, tokenizer, LayeredEncoder.open(source, files, backend, precision, layout.keepLayers));
    }

    @Override
    public String name() {
        return layout.component;
    }

    @Override
    public int width() {
        return encoder.width();
    }

    @Override
    public int maxTokens() {
        return layout.maxTokens;
    }

    @Override
    public String normalize(Prompt prompt) {
        return layout.cleaning.apply(prompt.text());
    }

    @Override
    public List<TextEmbedding> encode(List<Prompt> prompts, Progress progress) {
        List<long[]> ids =
                prompts.stream().map(prompt -> tokenIds(normalize(prompt))).toList();
        return encode(ids, Taps.NONE, progress).stream()
                .map(hidden -> new TextEmbedding(hidden, null))
                .toList();
    }

    @Override
    public long[] tokenIds(String text) {
        return tokenizer.tokenize(text).ids();
    }

    @Override
    public List<HostTensor> encode(List<long[]> prompts, Taps taps, Progress progress) {
        return encoder.encode(prompts, taps, progress);
    }

    @Override
    public void close() {
        encoder.close();
    }
}
