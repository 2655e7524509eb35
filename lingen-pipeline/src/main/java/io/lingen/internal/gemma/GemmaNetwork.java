package io.lingen.internal.gemma;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.layer.ModelWeights;
import io.lingen.internal.text.EncoderNetwork;

/**
 * The network of Gemma 2 without its output layer (Gemma Team, "Gemma 2: Improving Open Language Models at a Practical Size", 2024). Immutable
 * and thread-safe.
 *
 * @param config the sizes
 */
record GemmaNetwork(GemmaConfig config) implements EncoderNetwork {
    private static final String EMBEDDING = "embed_tokens.weight";

    /** The prefix of all names in checkpoints that have an output layer too. */
    private static final String PREFIX = "model.";

    /**
     * Reads and checks a configuration.
     *
     * @throws io.lingen.core.checkpoint.CheckpointException as {@link GemmaConfig#read}
     */
    static GemmaNetwork read(ConfigReader json) {
        return new GemmaNetwork(GemmaConfig.read(json));
    }

    @Override
    public int width() {
        return config.width();
    }

    @Override
    public int vocabulary() {
        return config.vocabulary();
    }

    @Override
    public int layers() {
        return config.layers();
    }

    @Override
    public long largestMatrix() {
        return (long) Math.max(config.feedForwardWidth(), config.queryWidth()) * config.width();
    }

    @Override
    public float epsilon() {
        return (float) config.epsilon();
    }

    @Override
    public Tensor embed(ModelWeights weights, long[] ids) {
        Tensor x = root(weights).rows(EMBEDDING, ids, config.vocabulary(), config.width()); // [n, d]
        Backend backend = weights.backend();
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor embedding = workspace.allocate(DType.F32, x.shape());
            backend.copy(x, embedding);
            backend.addScaled((float) Math.sqrt(config.width()) - 1, embedding, x);
        }
        return x;
    }

    @Override
    public LayerReader layerReader() {
        return (weights, layer) -> new GemmaBlock(root(weights).under("layers." + layer), config, layer);
    }

    @Override
    public Tensor finalNorm(ModelWeights weights) {
        return norm(root(weights), "norm", config);
    }

    @Override
    public void ignoreOthers(ModelWeights weights) {
        weights.ignore("lm_head");
    }

    private static ModelWeights root(ModelWeights weights) {
        return weights.has(PREFIX + EMBEDDING) ? weights.under(PREFIX) : weights;
    }

    /** Reads the weight of a norm, [d]. Checkpoints have it without the addend 1. */
    static Tensor norm(ModelWeights weights, String name, GemmaConfig config) {
        return weights.vector(name + ".weight", config.width(), weight -> 1 + weight);
    }
}
