package io.lingen.internal.text;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.internal.tokenizer.PromptTokenizer;
import io.lingen.internal.tokenizer.TokenizerReader;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * The files of a text encoder and its tokenizer in a model.
 *
 * @param component the folder of the encoder: config.json and model.safetensors, or an index and its shards
 * @param tokenizer the path of the tokenizer.json
 * @param reader reads and checks the configuration
 */
public record EncoderFiles(String component, String tokenizer, Function<ConfigReader, EncoderNetwork> reader) {
    /**
     * {@return the paths inside the model of all files}
     *
     * @param source the model
     * @throws CheckpointException if the tensors are missing
     */
    public List<String> paths(ModelSource source) {
        List<String> paths = new ArrayList<>(List.of(config(), tokenizer));
        paths.addAll(source.tensorFiles(component));
        return List.copyOf(paths);
    }

    /**
     * {@return the network that the configuration describes}
     *
     * @param source the model
     * @throws CheckpointException if the configuration is missing or malformed
     */
    public EncoderNetwork network(ModelSource source) {
        return reader.apply(source.config(config()));
    }

    /**
     * {@return the tokenizer}
     *
     * @param source the model
     * @param maxTokens the largest number of tokens of a prompt, special tokens included
     * @throws CheckpointException if the file is missing or malformed, or if a prompt's special tokens alone reach the limit
     */
    public PromptTokenizer tokenizer(ModelSource source, int maxTokens) {
        byte[] json = source.read(tokenizer, TokenizerReader.MAX_BYTES);
        return PromptTokenizer.read(component, tokenizerName(source), json, maxTokens);
    }

    /**
     * {@return the name of the tokenizer's file, for messages}
     *
     * @param source the model
     */
    public String tokenizerName(ModelSource source) {
        return source.name() + "/" + tokenizer;
    }

    private String config() {
        return component + "/config.json";
    }
}
