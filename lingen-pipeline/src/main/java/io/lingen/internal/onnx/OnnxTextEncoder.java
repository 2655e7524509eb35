package io.lingen.internal.onnx;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.NoBatchifyTranslator;
import ai.djl.translate.TranslateException;
import ai.djl.translate.TranslatorContext;
import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.internal.SafeText;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.internal.tokenizer.PromptTokenizer;
import io.lingen.internal.tokenizer.TokenizedPrompt;
import io.lingen.internal.tokenizer.TokenizerReader;
import io.lingen.text.TextEncoder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A text encoder that runs an ONNX model on DJL's ONNX Runtime engine, with a tokenizer in Java. Does not access the network. Thread-safe:
 * prompts are encoded one at a time.
 */
public final class OnnxTextEncoder implements TextEncoder {
    private final String name;
    private final OnnxTextEncoderConfig config;
    private final PromptTokenizer tokenizer;
    private final Model model;
    private final Predictor<TokenizedPrompt, float[]> predictor;

    static {
        // DJL reports usage over the network unless this property is set.
        if (System.getenv("OPT_OUT_TRACKING") == null && System.getProperty("OPT_OUT_TRACKING") == null) {
            System.setProperty("OPT_OUT_TRACKING", "true");
        }
    }

    private OnnxTextEncoder(String name, OnnxTextEncoderConfig config, PromptTokenizer tokenizer, Model model) {
        this.name = name;
        this.config = config;
        this.tokenizer = tokenizer;
        this.model = model;
        this.predictor = model.newPredictor(new PromptTranslator(name, config));
    }

    /**
     * Loads an encoder.
     *
     * @param name the name of the encoder, for messages
     * @param config the configuration
     * @param onnx the ONNX file, which the runtime reads outside the Java heap
     * @param tokenizerJson a Hugging Face tokenizer.json, read to its end; not closed
     * @param threads the number of threads to compute with
     * @return the encoder, to be closed by the caller
     * @throws CheckpointException if a file is unreadable or malformed
     */
    public static OnnxTextEncoder load(
            String name, OnnxTextEncoderConfig config, Path onnx, InputStream tokenizerJson, int threads) {
        PromptTokenizer tokenizer = readTokenizer(name, config, tokenizerJson);
        Model model = Model.newInstance(name, Device.cpu(), "OnnxRuntime");
        try {
            model.load(
                    onnx, null, Map.of("intraOpNumThreads", Integer.toString(threads), "cpuArenaAllocator", "false"));
            return new OnnxTextEncoder(name, config, tokenizer, model);
        } catch (IOException | MalformedModelException | RuntimeException e) {
            model.close();
            throw new CheckpointException(
                    name + ": expected an ONNX model that ONNX Runtime supports, found " + config.model() + ": "
                            + SafeText.of(String.valueOf(e.getMessage()), 200),
                    e);
        }
    }

    private static PromptTokenizer readTokenizer(String name, OnnxTextEncoderConfig config, InputStream json) {
        String origin =
                name + "/" + (config.isEmbedded() ? config.embeddedName() + "-tokenizer.json" : config.tokenizer());
        try {
            byte[] bytes = json.readNBytes(TokenizerReader.MAX_BYTES + 1);
            return PromptTokenizer.read(name, origin, bytes, config.maxTokens());
        } catch (IOException e) {
            throw new CheckpointException(origin + ": expected a readable tokenizer.json, found " + e, e);
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int width() {
        return config.width();
    }

    @Override
    public int maxTokens() {
        return config.maxTokens();
    }

    /** The token ids of a prompt, truncated to the largest number of tokens. */
    long[] tokenIds(String prompt) {
        return tokenize(prompt).ids();
    }

    @Override
    public synchronized List<TextEmbedding> encode(List<Prompt> prompts, Progress progress) {
        return prompts.stream().map(prompt -> encode(tokenize(prompt.text()))).toList();
    }

    private TextEmbedding encode(TokenizedPrompt tokens) {
        float[] values = run(tokens);
        // Without padding, no mask is needed.
        return new TextEmbedding(HostTensor.of(values, tokens.ids().length, config.width()), null);
    }

    private float[] run(TokenizedPrompt tokens) {
        try {
            return predictor.predict(tokens);
        } catch (TranslateException e) {
            if (e.getCause() instanceof CheckpointException) {
                throw (CheckpointException) e.getCause();
            }
            throw new CheckpointException(
                    name + ": expected an ONNX model that ONNX Runtime can run, found " + config.model() + ": "
                            + SafeText.of(String.valueOf(e.getMessage()), 200),
                    e);
        }
    }

    TokenizedPrompt tokenize(String prompt) {
        return tokenizer.tokenize(prompt);
    }

    @Override
    public void close() {
        predictor.close();
        model.close();
    }

    /** Maps tokens to the named inputs of the model, and selects the last hidden state among its outputs. */
    private record PromptTranslator(String name, OnnxTextEncoderConfig config)
            implements NoBatchifyTranslator<TokenizedPrompt, float[]> {
        @Override
        public NDList processInput(TranslatorContext context, TokenizedPrompt tokens) {
            NDList inputs = new NDList();
            for (String input : context.getModel().describeInput().keys()) {
                NDArray array = context.getNDManager().create(values(input, tokens), new Shape(1, tokens.ids().length));
                array.setName(input);
                inputs.add(array);
            }
            return inputs;
        }

        private long[] values(String input, TokenizedPrompt tokens) {
            if (input.equals(config.inputs().inputIds())) {
                return tokens.ids();
            }
            if (input.equals(config.inputs().tokenTypeIds())) {
                return tokens.typeIds();
            }
            if (input.equals(config.inputs().attentionMask())) {
                long[] mask = new long[tokens.ids().length];
                Arrays.fill(mask, 1);
                return mask;
            }
            throw new CheckpointException(name + ": expected inputs among " + config.inputs() + ", found an input '"
                    + SafeText.of(input) + "'; set the names of the inputs in config.json, field \"inputs\"");
        }

        @Override
        public float[] processOutput(TranslatorContext context, NDList outputs) {
            String wanted = config.output();
            for (NDArray output : outputs) {
                Shape shape = output.getShape();
                boolean vectors = shape.dimension() == 3 && shape.get(2) == config.width();
                if (wanted == null ? vectors : output.getName().equals(wanted)) {
                    if (!vectors) {
                        throw new CheckpointException(name + ": expected output '" + wanted + "' of shape [1, L, "
                                + config.width() + "] according to config.json, found " + shape);
                    }
                    return output.toFloatArray();
                }
            }
            throw new CheckpointException(name + ": expected an output "
                    + (wanted == null ? "of shape [1, L, " + config.width() + "]" : "'" + wanted + "'") + ", found "
                    + outputs.stream()
                            .map(output -> output.getName() + " " + output.getShape())
                            .toList());
        }
    }
}
