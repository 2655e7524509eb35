package io.lingen.internal.gemma;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.internal.text.EncoderFiles;
import io.lingen.internal.text.LayeredEncoder;
import io.lingen.internal.text.PromptCleaning;
import io.lingen.internal.text.TokenEncoder;
import io.lingen.internal.tokenizer.PromptTokenizer;
import io.lingen.spi.TextEncoderFacts;
import io.lingen.text.TextEncoder;
import java.util.ArrayList;
import java.util.List;

/**
 * A text encoder Gemma 2 with its tokenizer. Prompts are converted to lower case and trimmed, and encoded behind the instruction of a {@link
 * PromptTemplate}; negative prompts are encoded without it. An embedding has one row per selected token and no padding. Thread-safe;
 * concurrent calls run one at a time.
 */
public final class GemmaTextEncoder implements TextEncoder, TokenEncoder {
    private final Layout layout;
    private final Tokenizers tokenizers;
    private final LayeredEncoder encoder;

    private GemmaTextEncoder(Layout layout, Tokenizers tokenizers, LayeredEncoder encoder) {
        this.layout = layout;
        this.tokenizers = tokenizers;
        this.encoder = encoder;
    }

    /**
     * The files of a text encoder in a model, and settings.
     *
     * @param component the folder of the encoder: config.json and model.safetensors, or an index and its shards
     * @param tokenizer the path of the tokenizer.json
     * @param template the text around prompts
     * @param keepLayers whether the layers are kept in memory; otherwise every call reads them from the file
     */
    public record Layout(String component, String tokenizer, PromptTemplate template, boolean keepLayers) {
        private EncoderFiles encoderFiles() {
            return new EncoderFiles(component, tokenizer, GemmaNetwork::read);
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
         * {@return the properties of the encoder} Reads the tokenizer, but of the weights only their shapes.
         *
         * @param source the model
         * @param backend the backend that the encoder would be loaded for
         * @param precision the type of matrix products and of the activations between them, F32 or BF16
         * @throws CheckpointException if configuration, tokenizer and tensors are missing or don't fit each other
         */
        public TextEncoderFacts facts(ModelSource source, Backend backend, DType precision) {
            // The longest prompt and negative prompt.
            int longest = Tokenizers.read(source, this).instructed.maxTokens();
            LayeredEncoder.MemoryNeed need = LayeredEncoder.memoryNeed(
                    source, encoderFiles(), backend, precision, keepLayers, longest, template.maxRows());
            return new TextEncoderFacts(
                    template.maxRows(), width(source, component), need.held(), need.peak(), files(source));
        }
    }

    /**
     * The tokenizer with its limits.
     *
     * @param plain for prompts without an instruction
     * @param instructed for prompts behind the instruction
     * @param omitted the number of tokens between the first token of the instruction and the last one, which have no row in an embedding
     */
    private record Tokenizers(PromptTokenizer plain, PromptTokenizer instructed, int omitted) {
        static Tokenizers read(ModelSource source, Layout layout) {
            EncoderFiles files = layout.encoderFiles();
            int maxRows = layout.template.maxRows();
            PromptTokenizer plain = files.tokenizer(source, maxRows);
            if (plain.openingTokens() != 1 || plain.closingTokens() != 0) {
                throw new CheckpointException(files.tokenizerName(source)
                        + ": expected a post_processor that adds <bos> before every prompt and nothing after it, found "
                        + plain.openingTokens() + " tokens before it and " + plain.closingTokens()
                        + " after it; use the tokenizer of Gemma");
            }
            int omitted = Math.max(0, plain.count(layout.template.instruction()) - 2);
            return new Tokenizers(plain, plain.withMaxTokens(maxRows + omitted), omitted);
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
        return GemmaConfig.read(source.config(component + "/config.json")).width();
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
    public static GemmaTextEncoder load(ModelSource source, Layout layout, Backend backend, DType precision) {
        Tokenizers tokenizers = Tokenizers.read(source, layout);
        return new GemmaTextEncoder(
                layout,
                tokenizers,
                LayeredEncoder.open(source, layout.encoderFiles(), backend, precision, layout.keepLayers));
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
        return layout.template.maxRows();
    }

    @Override
    public String normalize(Prompt prompt) {
        String text = PromptCleaning.lowerCase(prompt.text());
        return prompt.negative() ? text : layout.template.instruction() + text;
    }

    @Override
    public List<TextEmbedding> encode(List<Prompt> prompts, Progress progress) {
        List<long[]> ids = prompts.stream().map(this::tokenIds).toList();
        List<HostTensor> hidden = encode(ids, Taps.NONE, progress);
        List<TextEmbedding> embeddings = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i++) {
            HostTensor rows = prompts.get(i).negative() ? hidden.get(i) : withoutInstruction(hidden.get(i));
            embeddings.add(new TextEmbedding(rows, null));
        }
        return embeddings;
    }

    private long[] tokenIds(Prompt prompt) {
        PromptTokenizer tokenizer = prompt.negative() ? tokenizers.plain : tokenizers.instructed;
        return tokenizer.tokenize(normalize(prompt)).ids();
    }

    private HostTensor withoutInstruction(HostTensor hidden) {
        int width = width();
        float[] all = hidden.toFloats(); // [n, width]
        // A prompt may be shorter than the instruction alone, whose end may be one token with the first characters of
        // the prompt.
        int omitted = Math.min(tokenizers.omitted, all.length / width - 1);
        float[] rows = new float[all.length - omitted * width];
        System.arraycopy(all, 0, rows, 0, width);
        System.arraycopy(all, (1 + omitted) * width, rows, width, rows.length - width);
        return HostTensor.of(rows, rows.length / width, width);
    }

    @Override
    public long[] tokenIds(String text) {
        return tokenizers.plain.tokenize(text).ids();
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
